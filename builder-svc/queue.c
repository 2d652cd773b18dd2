#include "builder-svc/queue.h"

#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

struct queue_entry {
	struct ref ref;
	int64_t since;
	bool taken;
};

void queue_add_going(struct queue *q, const char *ns)
{
	vec_add(q->arena, &q->going, arena_dup(q->arena, ns));
}

void queue_add_waiting(struct queue *q, struct ref ref, int64_t since)
{
	struct queue_entry *e = arena_alloc(q->arena, sizeof(*e));

	*e = (struct queue_entry){ ref, since, false };
	vec_add(q->arena, &q->waiting, e);
}

static size_t going_in(const struct queue *q, const char *ns)
{
	size_t n = 0;

	vec_foreach (const char *, other, &q->going)
		n += str_eq(other, ns);
	return n;
}

/* Names decide between those who came in the same second, so that all replicas agree. */
static bool goes_before(
	const struct queue *q, const struct queue_entry *x, const struct queue_entry *y)
{
	size_t of_x = going_in(q, x->ref.ns), of_y = going_in(q, y->ref.ns);
	int order;

	if (of_x != of_y)
		return of_x < of_y;
	if (x->since != y->since)
		return x->since < y->since;
	order = strcmp(x->ref.ns, y->ref.ns);
	return (order ? order : strcmp(x->ref.name, y->ref.name)) < 0;
}

static struct queue_entry *first(const struct queue *q)
{
	struct queue_entry *best = NULL;

	vec_foreach (struct queue_entry *, e, &q->waiting)
		if (!e->taken && (!best || goes_before(q, e, best)))
			best = e;
	return best;
}

struct vec queue_next(struct queue *q)
{
	struct vec next = { .n = 0 };
	struct queue_entry *e;

	while (q->going.n < q->places && (e = first(q))) {
		e->taken = true;
		queue_add_going(q, e->ref.ns);
		vec_add(q->arena, &next, &e->ref);
	}
	return next;
}
