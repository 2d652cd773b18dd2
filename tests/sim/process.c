#include "tests/sim/process.h"

#include <stdlib.h>

#include "api-svc/reconcile.h"
#include "builder-svc/build.h"
#include "builder-svc/observe.h"
#include "endpoint-svc/endpoint.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/fiber.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/svc/batch.h"
#include "lib/svc/later.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "ratelimit-svc/ratelimit.h"
#include "security-svc/security.h"
#include "tests/sim/feeds.h"
#include "tests/sim/inside.h"
#include "tests/sim/sim.h"
#include "watcher/turn.h"

enum {
	TROUBLE_MS = 500,
	RESTART_US = 20 * US_PER_S,
	STALL_US = 40 * US_PER_S,
};

/* ---- waiting, and being killed ---- */

/* Gives way: a pass to the others of its batch, the batch to the other processes. Who is dead gives
 * way for ever. */
static void give_way(const struct process *p)
{
	do
		fiber_wait();
	while (p->crashing);
}

static void crash(struct process *p)
{
	sim_trace(p->sim, p->name, "CRASHES");
	p->crashing = true;
	give_way(p);
	abort();
}

static void sleep_until(struct process *p, int64_t us)
{
	p->waiting = WAIT_TIME;
	p->due_us = us;
	give_way(p);
}

static void wait_until(struct process *p, int64_t us)
{
	if (fiber_self() == p->fiber) {
		sleep_until(p, us);
		return;
	}
	while (p->sim->now_us < us) {
		if (us < p->pass_due_us)
			p->pass_due_us = us;
		give_way(p);
	}
}

/* No pass of the batch can go on. */
static void wait_for_passes(void *arg, int timeout_ms)
{
	struct process *p = arg;
	int64_t latest = p->sim->now_us + timeout_ms * (int64_t)US_PER_MS;
	int64_t due = p->pass_due_us < latest ? p->pass_due_us : latest;

	p->pass_due_us = INT64_MAX;
	sleep_until(p, due);
}

/* One way of a call over the network: it may end here for ever. */
void inside_travel(struct process *p)
{
	struct sim *s = p->sim;
	int64_t us = 100 + (int64_t)chance_of(&s->chance, (uint64_t)s->trouble.call_us);

	if (p->crashing)
		give_way(p);
	if (chance_hits(&s->chance, s->trouble.crash))
		crash(p);
	if (chance_hits(&s->chance, s->trouble.stall))
		us = (int64_t)chance_of(&s->chance, STALL_US);
	wait_until(p, s->now_us + us);
	if (chance_hits(&s->chance, s->trouble.crash))
		crash(p);
}

/* ---- clock ---- */

static int64_t now_ms(void *self)
{
	return ((struct process *)self)->sim->now_us / US_PER_MS;
}

static int64_t monotonic_us(void *self)
{
	return ((struct process *)self)->sim->now_us;
}

static uint64_t random_bits(void *self)
{
	return chance_next(&((struct process *)self)->sim->ids);
}

/* ---- bus ---- */

static bool bus_is_up(struct process *p)
{
	return p->sim->bus_back_us <= p->sim->now_us;
}

/* The way there; false: nobody there, or it is not heard of again. */
static bool bus_reached(struct process *p, struct err *err)
{
	struct sim *s = p->sim;

	inside_travel(p);
	if (!bus_is_up(p))
		return err_set(err, ERR_UNAVAILABLE, "no connection to the bus");
	if (chance_hits(&s->chance, s->trouble.bus_fails))
		return err_set(err, ERR_TIMEOUT, "the bus did not answer");
	return true;
}

static bool bus_answers(struct process *p, struct err *err)
{
	struct sim *s = p->sim;

	inside_travel(p);
	if (chance_hits(&s->chance, s->trouble.bus_fails))
		return err_set(err, ERR_TIMEOUT, "the bus's answer was lost");
	return true;
}

static bool fetch(
	void *self, struct arena *a, size_t max, int timeout_ms, struct vec *ret, struct err *err)
{
	struct process *p = self;
	struct sim *s = p->sim;
	const char *consumer = p->service->name;
	size_t n;

	(void)timeout_ms; /* who waits in vain asks again: as well it can wait on */
	p->waiting = WAIT_BUS;
	give_way(p);
	if (!bus_is_up(p) || !s->bus.has_topology)
		return err_set(err, ERR_UNAVAILABLE, "no connection to the bus");
	n = js_pending(&s->bus, consumer);
	if (chance_hits(&s->chance, s->trouble.bus_loses))
		js_lose(&s->bus, consumer, chance_of(&s->chance, n));
	js_fetch(&s->bus, consumer, a, max, s->now_us, ACK_WAIT_S * (int64_t)US_PER_S, ret);
	vec_foreach (const struct delivery *, d, ret)
		sim_trace(s, p->name, "takes %s (attempt %u)", d->subject, d->attempt);
	if (chance_hits(&s->chance, s->trouble.bus_doubles))
		js_hasten(&s->bus, consumer, chance_of(&s->chance, n),
			s->now_us + (int64_t)chance_of(&s->chance, 200 * US_PER_MS));
	return true;
}

static bool ack(void *self, const struct delivery *d, struct err *err)
{
	struct process *p = self;

	if (!bus_reached(p, err))
		return false;
	js_ack(&p->sim->bus, d);
	return bus_answers(p, err);
}

static bool nak(void *self, const struct delivery *d, int64_t delay_ms, struct err *err)
{
	struct process *p = self;

	if (!bus_reached(p, err))
		return false;
	js_again(&p->sim->bus, d, p->sim->now_us + delay_ms * US_PER_MS);
	return true;
}

static bool working(void *self, const struct delivery *d, struct err *err)
{
	struct process *p = self;

	if (!bus_reached(p, err))
		return false;
	js_again(&p->sim->bus, d, p->sim->now_us + ACK_WAIT_S * (int64_t)US_PER_S);
	return true;
}

static bool term(void *self, const struct delivery *d, struct err *err)
{
	struct process *p = self;

	sim_violated(p->sim, "%s cannot read a message on %s", p->name, d->subject);
	return ack(self, d, err);
}

static bool publish(void *self, const struct bus_message *m, struct err *err)
{
	struct process *p = self;

	if (!bus_reached(p, err))
		return false;
	if (!js_publish(&p->sim->bus, m, p->sim->now_us))
		return err_set(err, ERR_UNAVAILABLE, "no stream takes %s", m->subject);
	sim_trace(p->sim, p->name, "publishes %s", m->subject);
	return bus_answers(p, err);
}

/* ---- registry ---- */

static struct process *current; /* the one that runs */

void process_logs(const char *msg, const char *pairs)
{
	sim_trace(current->sim, current->name, "says %s%s", msg, pairs);
}

static bool look(struct arena *a, const struct image *image, bool plain_http, struct login login,
	struct registry_answer *ret, struct err *err)
{
	struct process *p = current;
	struct sim *s = p->sim;
	char *ref = arena_printf(a, "%s/%s:%s", image->registry, image->repository, image->tag);

	(void)plain_http, (void)login;
	inside_travel(p);
	if (chance_hits(&s->chance, s->trouble.registry_fails))
		return err_set(err, ERR_UNAVAILABLE, "registry: not now");
	*ret = (struct registry_answer){ .present = false };
	vec_foreach (const char *, have, &s->images)
		if (str_eq(have, ref))
			*ret = (struct registry_answer){ true, inside_digest(a, ref) };
	return true;
}

const char *inside_digest(struct arena *a, const char *image)
{
	return arena_printf(a, "sha256:%s", sha256_hex(a, image, strlen(image)));
}

static bool observe(struct world *w, struct err *err)
{
	(void)err;
	build_observe_by(w, look);
	return true;
}

/* ---- services, as their main.c has them ---- */

static const char *const names[] = {
	[ROLE_API] = "api-svc",
	[ROLE_BUILDER] = "builder-svc",
	[ROLE_SECURITY] = "security-svc",
	[ROLE_RATELIMIT] = "ratelimit-svc",
	[ROLE_ENDPOINT] = "endpoint-svc",
};

static const struct service services[] = {
	[ROLE_API] = { .needs = api_needs, .reconcile = api_reconcile, .passes = 8 },
	[ROLE_BUILDER] = { .needs = build_needs,
		.reconcile = build_reconcile,
		.observe = observe,
		.settles = true },
	[ROLE_SECURITY] = { .needs = security_needs, .reconcile = security_reconcile },
	[ROLE_RATELIMIT] = { .needs = ratelimit_needs, .reconcile = ratelimit_reconcile },
	[ROLE_ENDPOINT] = { .needs = endpoint_needs, .reconcile = endpoint_reconcile },
};

/* As lib/svc/service.c does it. */
static void run_service(void *arg)
{
	struct process *p = arg;
	struct err err = { .code = ERR_NONE };

	p->rt.memo = memo_new();
	p->pass_due_us = INT64_MAX;
	p->batch = batch_new(&p->rt, (struct batch_wait){ wait_for_passes, p }, NULL);
	p->rt.later = later_new();
	for (;;) {
		struct vec deliveries = { .n = 0 };

		arena_reset(p->memory);
		if (p->rt.bus.fetch(
			    p, p->memory, batch_size(p->rt.service), 1000, &deliveries, &err))
			batch_handle(p->batch, &deliveries);
		else
			sleep_until(p, p->sim->now_us + TROUBLE_MS * US_PER_MS);
	}
}

/* ---- the watcher ---- */

static bool connected(void *self)
{
	return bus_is_up(self);
}

static unsigned int session(void *self)
{
	return ((struct process *)self)->sim->bus.session;
}

static bool ensure_topology(void *self, struct err *err)
{
	struct process *p = self;

	if (!bus_reached(p, err))
		return false;
	js_ensure_topology(&p->sim->bus);
	return bus_answers(p, err);
}

static bool run_watches(void *self, int timeout_ms, struct err *err)
{
	struct process *p = self;

	(void)err;
	p->waiting = WAIT_FEEDS;
	p->due_us = p->sim->now_us + timeout_ms * (int64_t)US_PER_MS;
	/* A turn in which nothing can be due is not worth its time here. */
	if (timeout_ms >= 250 && p->turn.session == p->sim->bus.session)
		p->due_us = p->turn.lease.due_us > p->due_us ? p->turn.lease.due_us : p->due_us;
	give_way(p);
	feeds_run(p->feeds);
	return true;
}

static void relist(void *self)
{
	feeds_relist(((struct process *)self)->feeds);
}

static void on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version)
{
	turn_on_event(&((struct process *)arg)->turn, watch, event, json, version);
}

static void run_watcher(void *arg)
{
	struct process *p = arg;

	p->turn = (struct turn){ .clock = p->rt.clock,
		.kube = p->rt.kube,
		.bus = p->rt.bus,
		.ops = { p, connected, session, ensure_topology, run_watches, relist },
		.ns = SYSTEM_NS,
		.identity = p->name,
		.relist_s = RELIST_S };
	p->feeds = feeds_new(p->sim, on_event, p);
	turn_init(&p->turn);
	for (;;)
		turn_once(&p->turn);
}

/* ---- life ---- */

struct process *process_new(struct sim *s, enum role role, const char *name)
{
	struct process *p = calloc(1, sizeof(*p));
	bool watches = role == ROLE_WATCHER;

	if (!p)
		abort();
	p->sim = s;
	p->role = role;
	p->name = name;
	p->due_us = s->now_us;
	p->memory = arena_new();
	p->own = services[role];
	p->own.name = watches ? "watcher" : names[role];
	p->service = &p->own;
	p->fiber = fiber_new();
	p->run = watches ? run_watcher : run_service;
	p->rt = (struct runtime){ .service = p->service,
		.kube = inside_kube(p),
		.bus = { p, fetch, ack, nak, working, term, publish },
		.clock = { p, now_ms, monotonic_us, random_bits },
		.system_ns = SYSTEM_NS,
		.instance = name,
		.env = json_format(s->arena,
			"{'TOOLKIT_IMAGE':'toolkit:1','RUNTIME_IMAGE':'gateway:1','KANIKO_IMAGE':'kaniko:1',"
			"'BUILD_PARALLELISM':%s}",
			arena_printf(s->arena, "%d", 1 + (int)(s->seed % 4))) };
	return p;
}

static void bury(struct process *p)
{
	batch_drop(p->batch);
	p->batch = NULL;
	fiber_drop(p->fiber);
	p->alive = false;
	memo_free(p->rt.memo);
	p->rt.memo = NULL;
	later_free(p->rt.later);
	p->rt.later = NULL;
	turn_fini(&p->turn);
	p->turn = (struct turn){ .relist_s = 0 };
	feeds_free(p->feeds);
	p->feeds = NULL;
	arena_reset(p->memory);
}

void process_free(struct process *p)
{
	if (!p)
		return;
	bury(p);
	fiber_free(p->fiber);
	arena_free(p->memory);
	free(p);
}

int64_t process_due_us(struct process *p)
{
	struct sim *s = p->sim;
	int64_t due = p->due_us;

	if (p->waiting == WAIT_BUS) {
		due = js_due_us(&s->bus, p->service->name);
		if (!s->bus.has_topology)
			due = s->now_us;
		return due > s->bus_back_us ? due : s->bus_back_us;
	}
	if (p->waiting == WAIT_FEEDS) {
		int64_t feed = feeds_due_us(p->feeds);

		due = feed < due ? feed : due;
		if (p->turn.session != s->bus.session && s->bus_back_us < due &&
			s->bus_back_us > s->now_us)
			due = s->bus_back_us;
	}
	return due;
}

void process_step(struct process *p)
{
	struct sim *s = p->sim;

	current = p;
	p->waiting = WAIT_TIME;
	p->alive = p->alive ? fiber_resume(p->fiber) : fiber_start(p->fiber, p->run, p);
	log_context(NULL, NULL);
	if (!p->crashing)
		return;
	p->crashing = false;
	bury(p);
	p->waiting = WAIT_TIME;
	p->due_us = s->now_us + (int64_t)chance_of(&s->chance, RESTART_US);
}
