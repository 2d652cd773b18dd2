/* The API server as a process reaches it: over a network, with an account, under load. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/sim/check.h"
#include "tests/sim/inside.h"
#include "tests/sim/sim.h"

enum {
	/* What an API server has in memory is older than what it has stored by a moment; a build
	 * that starts twice because of a longer one is a waste, not a mistake. */
	BEHIND_US = 300 * US_PER_MS,
};

enum failure {
	FAILS_NOT,
	FAILS_BEFORE, /* nothing happened */
	FAILS_AFTER,  /* it happened, but nobody hears of it */
};

static enum failure failure(struct process *p, bool writes, struct err *err)
{
	struct sim *s = p->sim;

	if (!chance_hits(&s->chance, s->trouble.call_fails))
		return FAILS_NOT;
	switch (chance_of(&s->chance, 8)) {
	case 0:
		err_set(err, ERR_DENIED, "403 from the API server: not now");
		return FAILS_BEFORE;
	case 1:
		if (!writes)
			break;
		err_set(err, ERR_CONFLICT, "409 from the API server: somebody was faster");
		return FAILS_BEFORE;
	case 2:
	case 3:
	case 4:
		err_set(err, ERR_TIMEOUT, "the API server did not answer in time");
		return writes ? FAILS_AFTER : FAILS_BEFORE;
	default:
		break;
	}
	err_set(err, ERR_UNAVAILABLE, "503 from the API server: not now");
	return FAILS_BEFORE;
}

/* Calls of one batch are under way at the same time. */
static void between(struct process *p, size_t i)
{
	if (i > 0 && chance_of(&p->sim->chance, 4) == 0)
		inside_travel(p);
}

static bool get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	struct process *p = self;
	struct kube_ops real = store_ops(&p->sim->store);

	inside_travel(p);
	for (size_t i = 0; i < n; i++) {
		between(p, i);
		if (failure(p, false, err) != FAILS_NOT ||
			!real.get(real.self, a, &objects[i], 1, err))
			return err_wrap(err, "get %s", ref_text(a, objects[i].ref));
	}
	inside_travel(p);
	return true;
}

static bool list(
	void *self, struct arena *a, const struct kube_query *q, struct vec *ret, struct err *err)
{
	struct process *p = self;
	struct sim *s = p->sim;
	struct kube_ops real = store_ops(&s->store);

	inside_travel(p);
	s->store.behind_us = (int64_t)chance_of(&s->chance,
		(uint64_t)(s->trouble.lag_us < BEHIND_US ? s->trouble.lag_us : BEHIND_US));
	if (failure(p, false, err) != FAILS_NOT || !real.list(real.self, a, q, ret, err))
		return false;
	inside_travel(p);
	return true;
}

static bool apply_one(struct process *p, struct arena *a, struct kube_apply *x, struct err *err)
{
	struct sim *s = p->sim;
	enum failure f = failure(p, true, err);
	struct err real = { .code = ERR_NONE };
	struct vec taken = { .n = 0 };

	x->live = NULL;
	if (f == FAILS_BEFORE)
		return false;
	if (!store_apply_one(&s->store, x, &taken, &real)) {
		sim_trace(s, p->name, "applies %s%s: %s", ref_text(a, ref_of(x->body)),
			x->status ? " status" : "", real.msg);
		if (real.code == ERR_INVALID)
			sim_violated(s, "%s applies what the API server refuses, %s: %s", p->name,
				ref_text(a, ref_of(x->body)), real.msg);
		*err = real;
		return false;
	}
	check_taken(s, p->service->name, ref_of(x->body), &taken);
	sim_trace(s, p->name, "applies %s%s, version %s%s", ref_text(a, ref_of(x->body)),
		x->status ? " status" : "", meta_version(x->live),
		f == FAILS_AFTER ? ", unheard" : "");
	if (f == FAILS_AFTER)
		x->live = NULL;
	return f == FAILS_NOT;
}

static bool apply(
	void *self, struct arena *a, struct kube_apply *applies, size_t n, struct err *err)
{
	struct process *p = self;
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		applies[i].live = NULL;
	inside_travel(p);
	for (size_t i = 0; i < n; i++) {
		struct err own = { .code = ERR_NONE };

		between(p, i);
		if (apply_one(p, a, &applies[i], &own) || !ok)
			continue;
		*err = own;
		ok = err_wrap(err, "apply %s", ref_text(a, ref_of(applies[i].body)));
	}
	inside_travel(p);
	return ok;
}

static bool create(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	struct process *p = self;
	struct kube_ops real = store_ops(&p->sim->store);
	enum failure f;

	inside_travel(p);
	f = failure(p, true, err);
	if (f == FAILS_BEFORE || !real.create(real.self, a, body, manager, ret_live, err))
		return false;
	sim_trace(p->sim, p->name, "creates %s%s", ref_text(a, ref_of(body)),
		f == FAILS_AFTER ? ", unheard" : "");
	inside_travel(p);
	return f == FAILS_NOT;
}

static bool remove_one(
	void *self, struct arena *a, struct ref ref, const char *uid, struct err *err)
{
	struct process *p = self;
	struct kube_ops real = store_ops(&p->sim->store);
	enum failure f;

	inside_travel(p);
	f = failure(p, true, err);
	if (f == FAILS_BEFORE || !real.remove(real.self, a, ref, uid, err))
		return false;
	sim_trace(p->sim, p->name, "removes %s", ref_text(a, ref));
	inside_travel(p);
	return f == FAILS_NOT;
}

struct kube_ops inside_kube(struct process *p)
{
	return (struct kube_ops){ p, get, list, apply, create, remove_one };
}
