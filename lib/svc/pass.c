#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/ops.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/later.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

/* What the API server refuses or forbids is shown to the user in the object's own status. */
static void show_failure(struct runtime *rt, struct plan *p, const struct err *failure)
{
	static const char *const required[] = { COND_PROGRAMMED, NULL };
	const struct json *children = json_path(p->world->root, "status", "children", NULL);
	struct err err = { .code = ERR_NONE };

	if (p->keep_status || !p->world->root)
		return;
	plan_condition(p, COND_PROGRAMMED, "False",
		failure->code == ERR_DENIED ? "Forbidden" : "Rejected", "%s", failure->msg);
	p->retrying = failure->code == ERR_DENIED;
	plan_summarize(p, required);
	if (plan_changed(p, COND_PROGRAMMED))
		plan_event(p, "Warning", plan_condition_get(p, COND_PROGRAMMED)->reason, "%s",
			failure->msg);
	if (runtime_status(rt, p, children, &err))
		runtime_events(rt, p);
	else if (err.code != ERR_ENDING)
		log_error("failure not shown in status", kv_str("err", err.msg));
}

static bool carry_out(struct runtime *rt, struct plan *p, struct err *err)
{
	struct json *children = NULL;

	if (!runtime_apply(rt, p, &children, err)) {
		if (err->code == ERR_INVALID || err->code == ERR_DENIED)
			show_failure(rt, p, err);
		return false;
	}
	if (!runtime_publish(rt, p, err) || !runtime_status(rt, p, children, err))
		return false;
	runtime_events(rt, p);
	return true;
}

static bool pass(struct runtime *rt, struct world *w, const struct wake *wake,
	int64_t *ret_requeue_ms, struct err *err)
{
	struct plan *p = plan_new(w->arena, w);

	if (!runtime_gather(rt, wake, w, err))
		return err_wrap(err, "gather");
	if (rt->service->observe && !rt->service->observe(w, err))
		return err_wrap(err, "observe");
	if (!rt->service->reconcile(w, p, err))
		return err_wrap(err, "reconcile");
	if (!carry_out(rt, p, err))
		return false;
	*ret_requeue_ms = p->requeue_ms;
	return true;
}

/* What this pass means for messages that are handed back, its own among them. */
static void remember(struct runtime *rt, const struct world *w, int64_t requeue_ms)
{
	if (!rt->service->settles)
		return;
	if (requeue_ms == 0) {
		later_settle(rt->later, w->arena, w->root_ref);
		memo_forget(rt->memo, w->arena, w->root_ref);
		vec_foreach (const struct need *, need, &w->needed)
			if (need->role == REF_KEPT)
				memo_forget(rt->memo, w->arena, need->ref);
	} else if (rt->in_hand) {
		later_add(rt->later, w->arena, rt->in_hand->id, w->root_ref);
	}
}

static bool is_settled(struct runtime *rt, unsigned int attempt)
{
	if (attempt <= 1 || !rt->in_hand || !later_is_settled(rt->later, rt->in_hand->id))
		return false;
	rt->counts.settled++;
	return true;
}

static struct outcome not_done(
	struct runtime *rt, const struct wake *wake, const struct err *err, unsigned int attempt)
{
	struct outcome o = runtime_fate(rt, err, attempt);

	if (!o.again) {
		rt->counts.passes_done++;
		log_info("left alone", kv_str("cause", wake->cause), kv_str("why", err->msg));
		return o;
	}
	rt->counts.passes_failed++;
	log_error("not done", kv_str("cause", wake->cause), kv_str("err", err->msg),
		kv_str("code", err_code_name(err->code)), kv_int("attempt", attempt),
		kv_int("again_ms", o.delay_ms));
	return o;
}

struct outcome runtime_pass(
	struct runtime *rt, struct arena *a, const struct wake *wake, unsigned int attempt)
{
	struct world w = { .arena = a, .attempt = attempt };
	struct err err = { .code = ERR_NONE };
	int64_t start = rt->clock.monotonic_us(rt->clock.self);
	int64_t requeue_ms = 0;
	struct outcome o = { false, 0 };

	if (is_settled(rt, attempt))
		return o;
	w.traceparent = str_empty(wake->traceparent) ? runtime_trace(rt, a) : wake->traceparent;
	rt->kept_alive_us = start;
	log_context(ref_text(a, wake->ref), w.traceparent);
	if (pass(rt, &w, wake, &requeue_ms, &err)) {
		rt->counts.passes_done++;
		remember(rt, &w, requeue_ms);
		o = (struct outcome){ requeue_ms > 0, requeue_ms };
		log_info("looked at", kv_str("cause", wake->cause),
			kv_int("moved", (int64_t)wake->moved.n),
			kv_int("us", rt->clock.monotonic_us(rt->clock.self) - start),
			kv_int("again_ms", requeue_ms));
	} else {
		o = not_done(rt, wake, &err, attempt);
	}
	log_context(NULL, NULL);
	return o;
}
