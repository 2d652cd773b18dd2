/* An API server in memory: versions, server-side apply, preconditions, status subresource, label
 * selectors, a history for watches.
 *
 * What it answers is what a real one answers: tests/integration/lib/kube/test_contract.c runs one
 * table of operations against both. Objects are immutable once stored: a pointer read stays good as
 * long as the store. No admission, no defaults but those that are fixed by the server for every
 * object (uid, generation, creationTimestamp).
 */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include <stdint.h>

#include "lib/base/vec.h"
#include "lib/kube/ops.h"
#include "tests/support/fields.h"

/* An object's place; it may be empty. */
struct slot {
	struct slot *next; /* of the same hash */
	char *key;
	struct ref ref;
	const struct json *json; /* NULL: there is none */
	struct managers managers;
	unsigned int births;
};

/* One change of a kind, as a watch sees it. */
struct change {
	int64_t version;
	int64_t at_us;
	const struct json *before; /* NULL: made */
	const struct json *after;  /* NULL: deleted */
	const struct json *last; /* of a deleted one: its last state, with the version of its end */
	struct ref ref;
	const char *writer;
};

enum {
	STORE_BUCKETS = 4096
};

struct store {
	struct arena *arena;
	int64_t version;
	int64_t now_us;
	int64_t behind_us; /* by how much its memory, which recent lists come from */
	struct slot *buckets[STORE_BUCKETS];
	struct vec slots[KIND_COUNT];	/* struct slot *, in order of first birth */
	struct vec history[KIND_COUNT]; /* struct change * */
	/* Called after each change; may be NULL. */
	void (*on_change)(void *arg, const struct change *c);
	void *arg;
};

void store_init(struct store *s, struct arena *a);

struct slot *store_slot(struct store *s, struct ref ref);
const struct json *store_get(struct store *s, struct ref ref);

/* The calls of kube_ops, without trouble. */
struct kube_ops store_ops(struct store *s);

/* One apply of kube_ops; *ret_taken: fields that force took from others ("manager path"). */
bool store_apply_one(
	struct store *s, struct kube_apply *x, struct vec *ret_taken, struct err *err) MUST_CHECK;

/* What an editor does: an update of everything but status; next is taken. */
void store_update(struct store *s, struct ref ref, struct json *next, const char *writer);

/* What controllers do: an update of the status subresource by somebody who owns nothing we care
 * for. Nothing happens if the object is gone or another (uid). */
void store_set_status(
	struct store *s, struct ref ref, const char *uid, struct json *status, const char *writer);

/* "a=b,c" against labels. NULL: true. */
bool store_selects(const char *selector, const struct json *object);

#endif
