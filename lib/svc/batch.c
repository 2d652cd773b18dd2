#include "lib/svc/batch.h"

#include <assert.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/fiber.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/bus/ops.h"
#include "lib/msg/wake.h"
#include "lib/svc/log.h"
#include "lib/svc/probe.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "lib/svc/signals.h"

enum {
	TURN_MS = 100
};

enum state {
	WAITING, /* for its turn */
	RUNNING,
	DONE,
};

/* One message and the pass that it asks for. */
struct task {
	struct batch *batch;
	const struct delivery *delivery;
	struct arena *arena;
	struct wake wake;
	struct runtime rt;
	struct fiber *fiber;
	struct log_context log; /* while it waits */
	enum state state;
};

struct batch {
	struct runtime *rt;
	struct batch_wait wait;
	struct probe *probe;
	struct fiber *fibers[BATCH_MAX];
	struct task tasks[BATCH_MAX];
	size_t n;
};

size_t batch_size(const struct service *s)
{
	assert(s->passes <= BATCH_MAX);
	return s->passes > 1 ? s->passes : BATCH_FEW;
}

struct batch *batch_new(struct runtime *rt, struct batch_wait wait, struct probe *probe)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->rt = rt;
	b->wait = wait;
	b->probe = probe;
	for (size_t i = 0; i < BATCH_MAX; i++)
		if (i == 0 || i < rt->service->passes)
			b->fibers[i] = fiber_new();
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < BATCH_MAX; i++)
		fiber_free(b->fibers[i]);
	free(b);
}

void batch_drop(struct batch *b)
{
	if (!b)
		return;
	for (struct task *t = b->tasks; t < b->tasks + b->n; t++) {
		if (t->fiber)
			fiber_drop(t->fiber);
		arena_free(t->arena);
	}
	batch_free(b);
}

void batch_rest(struct batch *b)
{
	for (size_t i = 0; i < BATCH_MAX; i++)
		if (b->fibers[i])
			fiber_rest(b->fibers[i]);
}

/* ---- one task ---- */

static bool finish(struct task *t, struct outcome o, struct err *err)
{
	const struct bus_ops *bus = &t->rt.bus;

	if (o.again)
		return bus->nak(bus->self, t->delivery, o.delay_ms, err);
	return bus->ack(bus->self, t->delivery, err);
}

static void run(void *arg)
{
	struct task *t = arg;
	struct outcome o = runtime_pass(&t->rt, t->arena, &t->wake, t->delivery->attempt);
	struct err err = { .code = ERR_NONE };

	t->rt.in_hand = NULL;
	if (!finish(t, o, &err))
		log_error("not acknowledged, it will come again", kv_str("err", err.msg));
}

static void add_counts(struct runtime_counts *to, const struct runtime_counts *more)
{
	to->passes_done += more->passes_done;
	to->passes_failed += more->passes_failed;
	to->applied += more->applied;
	to->remembered += more->remembered;
	to->settled += more->settled;
	to->unchanged += more->unchanged;
}

static void end(struct task *t)
{
	t->state = DONE;
	t->fiber = NULL;
	add_counts(&t->batch->rt->counts, &t->rt.counts);
	arena_free(t->arena);
	t->arena = NULL;
	probe_alive(t->batch->probe);
}

/* Begins or goes on; log lines are said about whoever has the turn. */
static void turn(struct task *t, struct fiber *begin)
{
	bool waits;

	log_context(t->log.key, t->log.traceparent);
	if (begin) {
		t->fiber = begin;
		t->state = RUNNING;
		waits = fiber_start(begin, run, t);
	} else {
		waits = fiber_resume(t->fiber);
	}
	t->log = log_context_get();
	log_context(NULL, NULL);
	if (!waits)
		end(t);
}

/* ---- the messages ---- */

/* A newer message of the same subject in the same batch makes the older one superfluous. */
static bool superseded(const struct vec *deliveries, size_t i)
{
	const struct delivery *d = deliveries->at[i];

	for (size_t j = i + 1; j < deliveries->n; j++)
		if (str_eq(((const struct delivery *)deliveries->at[j])->subject, d->subject))
			return true;
	return false;
}

static void put_aside(struct batch *b, const struct delivery *d, struct err *err)
{
	log_error("undecodable message put aside", kv_str("subject", d->subject),
		kv_str("err", err->msg));
	if (!b->rt->bus.term(b->rt->bus.self, d, err))
		log_error("message not put aside", kv_str("err", err->msg));
}

static void add_task(struct batch *b, const struct delivery *d)
{
	struct task *t = &b->tasks[b->n];
	struct err err = { .code = ERR_NONE };

	*t = (struct task){ .batch = b, .delivery = d, .arena = arena_new(), .rt = *b->rt };
	if (!wake_decode(t->arena, d->data, d->n, &t->wake, &err)) {
		put_aside(b, d, &err);
		arena_free(t->arena);
		return;
	}
	t->rt.counts = (struct runtime_counts){ 0 };
	t->rt.in_hand = d;
	t->rt.kept_alive_us = t->rt.clock.monotonic_us(t->rt.clock.self);
	b->n++;
}

static void hand_back(struct task *t)
{
	struct err ignored = { .code = ERR_NONE };

	(void)!t->rt.bus.nak(t->rt.bus.self, t->delivery, 0, &ignored);
	end(t);
}

/* Whoever came first and is about the same object goes first. */
static bool is_blocked(const struct batch *b, const struct task *t)
{
	for (const struct task *before = b->tasks; before < t; before++)
		if (before->state != DONE && ref_eq(before->wake.ref, t->wake.ref))
			return true;
	return false;
}

static struct fiber *free_fiber(const struct batch *b)
{
	for (size_t i = 0; i < BATCH_MAX; i++) {
		bool used = !b->fibers[i];

		for (size_t j = 0; j < b->n && !used; j++)
			used = b->tasks[j].fiber == b->fibers[i];
		if (!used)
			return b->fibers[i];
	}
	return NULL;
}

static void begin(struct batch *b, struct task *t)
{
	struct fiber *f;

	if (signals_stop_requested())
		hand_back(t);
	else if (!is_blocked(b, t) && (f = free_fiber(b)))
		turn(t, f);
	else
		runtime_keep_alive(&t->rt);
}

/* One turn for each; false: all are done. */
static bool give_turns(struct batch *b)
{
	size_t left = 0;
	bool some_ended = false;

	for (struct task *t = b->tasks; t < b->tasks + b->n; t++) {
		if (t->state == DONE)
			continue;
		if (t->state == WAITING)
			begin(b, t);
		else
			turn(t, NULL);
		some_ended = some_ended || t->state == DONE;
		left += t->state != DONE;
	}
	/* Who was waiting for the one that ended can begin now. */
	if (left > 0 && !some_ended)
		b->wait.wait(b->wait.arg, TURN_MS);
	return left > 0;
}

void batch_handle(struct batch *b, const struct vec *deliveries)
{
	struct err ignored = { .code = ERR_NONE };

	assert(deliveries->n <= BATCH_MAX);
	b->n = 0;
	for (size_t i = 0; i < deliveries->n; i++)
		if (superseded(deliveries, i))
			(void)!b->rt->bus.ack(b->rt->bus.self, deliveries->at[i], &ignored);
		else
			add_task(b, deliveries->at[i]);
	while (give_turns(b))
		;
}
