#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

enum {
	EVENT_MESSAGE_MAX = 1000,
	ID_DIGITS = 20
};

/* Equal when the same decision is told again after a crash, different for every later one. */
static const char *id_of(const struct plan *p, const char *what, const char *detail)
{
	const struct world *w = p->world;
	char *text =
		arena_printf(p->arena, "%s/%s/%s/%s/%s", meta_uid(w->root) ? meta_uid(w->root) : "",
			meta_version(w->root) ? meta_version(w->root) : "", what,
			detail ? detail : "", w->traceparent ? w->traceparent : "");

	return arena_dupn(p->arena, sha256_hex(p->arena, text, strlen(text)), ID_DIGITS);
}

static void fill_wake(const struct plan *p, const struct plan_message *m, struct bus_message *ret)
{
	const struct world *w = p->world;
	struct wake wake = {
		.ref = w->root_ref,
		.uid = meta_uid(w->root),
		.generation = meta_generation(w->root),
		.resource_version = meta_version(w->root),
		.cause = m->cause,
		.traceparent = w->traceparent,
		.system_mark = w->system_mark,
	};

	if (m->ref.kind != KIND_NONE)
		wake = (struct wake){
			.ref = m->ref, .cause = m->cause, .system_mark = w->system_mark
		};
	wake_encode(p->arena, &wake, &ret->data, &ret->n);
}

static void fill_cloud_event(struct runtime *rt, const struct plan *p, const struct plan_message *m,
	struct bus_message *ret)
{
	const char *data = json_text(p->arena, m->data);

	ret->data = data;
	ret->n = strlen(data);
	ret->id = id_of(p, m->ce_type, data);
	ret->ce_type = m->ce_type;
	ret->ce_id = ret->id;
	ret->ce_source = arena_printf(p->arena, "/apim.wso2.com/%s", rt->service->name);
	ret->ce_subject =
		arena_printf(p->arena, "%s/%s", p->world->root_ref.ns, p->world->root_ref.name);
}

static bool publish(
	struct runtime *rt, const struct plan *p, const struct plan_message *m, struct err *err)
{
	struct bus_message message = { .subject = m->subject,
		.traceparent = p->world->traceparent };

	if (m->ce_type)
		fill_cloud_event(rt, p, m, &message);
	else
		fill_wake(p, m, &message);
	if (!rt->bus.publish(rt->bus.self, &message, err))
		return err_wrap(err, "publish %s", m->subject);
	return true;
}

static struct json *event_json(struct runtime *rt, const struct plan *p, const struct plan_event *e)
{
	const struct world *w = p->world;
	const struct kind_info *info = kind_info(w->root_ref.kind);
	const char *now = clock_rfc3339(p->arena, rt->clock.now_ms(rt->clock.self));
	const char *message = arena_dupn(p->arena, e->message,
		strlen(e->message) < EVENT_MESSAGE_MAX ? strlen(e->message) : EVENT_MESSAGE_MAX);

	return json_prune(json_format(p->arena,
		"{'apiVersion':'v1','kind':'Event','metadata':{'namespace':%s,'name':%s},"
		"'involvedObject':{'apiVersion':%s,'kind':%s,'namespace':%s,'name':%s,'uid':%s,"
		"'resourceVersion':%s},'type':%s,'reason':%s,'message':%s,'source':{'component':%s},"
		"'reportingComponent':%s,'reportingInstance':%s,'firstTimestamp':%s,'lastTimestamp':%s,"
		"'count':1}",
		w->root_ref.ns,
		arena_printf(
			p->arena, "%.200s.%s", w->root_ref.name, id_of(p, e->reason, e->message)),
		info->api_version, info->kind, w->root_ref.ns, w->root_ref.name, meta_uid(w->root),
		meta_version(w->root), e->type, e->reason, message, rt->service->name,
		rt->service->name, rt->instance, now, now));
}

bool runtime_publish(struct runtime *rt, const struct plan *p, struct err *err)
{
	vec_foreach (const struct plan_message *, m, &p->messages) {
		runtime_keep_alive(rt);
		if (!publish(rt, p, m, err))
			return false;
	}
	return true;
}

/* All at once: an event of the same name is the same event, told again after a crash. */
void runtime_events(struct runtime *rt, const struct plan *p)
{
	struct kube_apply *batch = arena_alloc(p->arena, p->events.n * sizeof(*batch) + 1);
	struct err err = { .code = ERR_NONE };
	size_t n = 0;

	if (!p->world->root || p->events.n == 0)
		return;
	vec_foreach (const struct plan_event *, e, &p->events)
		batch[n++] = (struct kube_apply){
			.body = event_json(rt, p, e), .manager = rt->service->name, .force = true
		};
	runtime_keep_alive(rt);
	if (!rt->kube.apply(rt->kube.self, p->arena, batch, n, &err) && err.code != ERR_ENDING)
		log_error("events not written, ignored", kv_int("n", (int64_t)n),
			kv_str("err", err.msg));
}
