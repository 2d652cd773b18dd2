/* The three effect tables over plain memory: a map of objects, a list of published messages, a
 * clock that is set.
 *
 * No semantics of an API server beyond what the runtime relies on: resourceVersion grows with every
 * change and is a precondition when given, generation grows with spec, a second create of a name
 * conflicts. Anything subtler is tested on a real API server.
 */
#ifndef TESTS_SUPPORT_MEMORY_H
#define TESTS_SUPPORT_MEMORY_H

#include "lib/base/clock.h"
#include "lib/base/vec.h"
#include "lib/bus/ops.h"
#include "lib/kube/ops.h"

struct memory {
	struct arena *arena;
	struct vec objects;   /* struct object *; json NULL once deleted */
	struct vec published; /* struct bus_message * */
	int64_t version;
	int64_t now_ms;
	unsigned int reads;
	unsigned int writes;
	unsigned int calls;
	unsigned int fail_call; /* this call fails with ERR_UNAVAILABLE; 0: none */
};

void memory_init(struct memory *m, struct arena *a);
struct kube_ops memory_kube(struct memory *m);
struct bus_ops memory_bus(struct memory *m);
struct clock_ops memory_clock(struct memory *m);

/* As a user would: JSON text with single quotes (json_format). Sets uid, generation,
 * resourceVersion. */
void memory_put(struct memory *m, const char *text);
const struct json *memory_get(struct memory *m, enum kind kind, const char *ns, const char *name);
void memory_delete(struct memory *m, enum kind kind, const char *ns, const char *name);

/* Number of messages published on subjects that start so. */
unsigned int memory_published(const struct memory *m, const char *prefix);

#endif
