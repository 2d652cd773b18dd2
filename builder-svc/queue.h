/* Whose build is next: so many are under way at a time in the whole cluster. Of several that wait,
 * the one whose namespace has the fewest under way goes first, then the one that waits longest: a
 * namespace with fifty builds does not keep another's one waiting.
 *
 * Pure; made for one decision.
 */
#ifndef BUILDER_SVC_QUEUE_H
#define BUILDER_SVC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/api/object.h"
#include "lib/base/vec.h"

struct arena;

struct queue {
	struct arena *arena;
	size_t places;	    /* builds at a time */
	struct vec going;   /* const char *: their namespaces */
	struct vec waiting; /* struct queue_entry * */
};

/* ns and ref are borrowed. since: seconds since 1970. */
void queue_add_going(struct queue *q, const char *ns);
void queue_add_waiting(struct queue *q, struct ref ref, int64_t since);

/* struct ref *: who may begin now, in their order. Takes them from the queue. */
struct vec queue_next(struct queue *q);

#endif
