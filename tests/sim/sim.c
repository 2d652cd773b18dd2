#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/sim/check.h"
#include "tests/sim/controllers.h"
#include "tests/sim/process.h"

static const struct {
	enum role role;
	const char *name;
} replicas[] = {
	{ ROLE_WATCHER, "watcher-0" },
	{ ROLE_WATCHER, "watcher-1" },
	{ ROLE_API, "api-svc-0" },
	{ ROLE_API, "api-svc-1" },
	{ ROLE_BUILDER, "builder-svc-0" },
	{ ROLE_BUILDER, "builder-svc-1" },
	{ ROLE_SECURITY, "security-svc-0" },
	{ ROLE_SECURITY, "security-svc-1" },
	{ ROLE_RATELIMIT, "ratelimit-svc-0" },
	{ ROLE_RATELIMIT, "ratelimit-svc-1" },
	{ ROLE_ENDPOINT, "endpoint-svc-0" },
	{ ROLE_ENDPOINT, "endpoint-svc-1" },
};

static void on_change(void *arg, const struct change *c)
{
	struct sim *s = arg;

	check_change(s, c);
	controllers_see(s, c);
}

struct sim *sim_new(uint64_t script, uint64_t seed, const struct trouble *t, bool trace)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->arena = arena_new();
	s->seed = seed;
	s->script = script;
	s->trace = trace;
	s->trouble = *t;
	s->chance.state = seed * 2;
	s->ids.state = seed * 2 + 1;
	s->now_us = INT64_C(1795435200) * US_PER_S; /* 2026-11-23T12:00:00Z */
	store_init(&s->store, s->arena);
	s->store.now_us = s->now_us;
	s->store.on_change = on_change;
	s->store.arg = s;
	js_init(&s->bus, s->arena);
	for (size_t i = 0; i < ARRAY_LEN(replicas); i++)
		s->processes[s->n_processes++] = process_new(s, replicas[i].role, replicas[i].name);
	return s;
}

void sim_free(struct sim *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_processes; i++)
		process_free(s->processes[i]);
	arena_free(s->arena);
	free(s);
}

/* ---- what happens at its time: a binary heap ---- */

static bool before(const struct task *x, const struct task *y)
{
	return x->due_us != y->due_us ? x->due_us < y->due_us : x->order < y->order;
}

static void swap(struct vec *v, size_t i, size_t j)
{
	void *x = v->at[i];

	v->at[i] = v->at[j];
	v->at[j] = x;
}

void sim_at(struct sim *s, int64_t due_us, struct task t)
{
	struct task *x = arena_alloc(s->arena, sizeof(*x));
	size_t i = s->tasks.n;

	*x = t;
	x->due_us = due_us;
	x->order = s->order++;
	vec_add(s->arena, &s->tasks, x);
	for (; i > 0 && before(s->tasks.at[i], s->tasks.at[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->tasks, i, (i - 1) / 2);
}

static struct task *take_task(struct sim *s)
{
	struct task *t = s->tasks.at[0];
	size_t i = 0;

	s->tasks.at[0] = s->tasks.at[--s->tasks.n];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < s->tasks.n && before(s->tasks.at[child], s->tasks.at[least]))
				least = child;
		if (least == i)
			return t;
		swap(&s->tasks, i, least);
		i = least;
	}
}

/* ---- one step ---- */

static struct process *next_process(struct sim *s, int64_t *ret_due)
{
	struct process *next = NULL;
	/* Of several that could go at the same time, another one goes first each time. */
	size_t first = s->steps % s->n_processes;

	*ret_due = INT64_MAX;
	for (size_t i = 0; i < s->n_processes; i++) {
		struct process *p = s->processes[(first + i) % s->n_processes];
		int64_t due = process_due_us(p);

		if (due < *ret_due) {
			*ret_due = due;
			next = p;
		}
	}
	return next;
}

static void advance(struct sim *s, int64_t to_us)
{
	if (to_us > s->now_us)
		s->now_us = to_us;
	s->store.now_us = s->now_us;
}

bool sim_run(struct sim *s, int64_t until_us)
{
	while (!*s->violation) {
		int64_t due;
		struct process *p = next_process(s, &due);
		struct task *t = s->tasks.n > 0 ? s->tasks.at[0] : NULL;

		if ((t ? t->due_us : INT64_MAX) >= until_us && due >= until_us) {
			advance(s, until_us);
			return true;
		}
		s->steps++;
		if (t && t->due_us <= due) {
			advance(s, t->due_us);
			t = take_task(s);
			t->run(s, t);
		} else {
			advance(s, due);
			process_step(p);
		}
	}
	return false;
}

/* ---- telling ---- */

void sim_trace(struct sim *s, const char *who, const char *fmt, ...)
{
	int64_t us = s->now_us % (INT64_C(100000) * US_PER_S) - INT64_C(35200) * US_PER_S;
	va_list ap;

	if (!s->trace)
		return;
	printf("%11.6f %-16s ", (double)us / US_PER_S, who);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

void sim_violated(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (*s->violation)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(s->violation, sizeof(s->violation), fmt, ap);
	va_end(ap);
	sim_trace(s, "VIOLATION", "%s", s->violation);
}
