/* The three effect tables for unit tests: an API server in memory (store.h) whose calls are counted
 * and may fail, a list of published messages, a clock that is set.
 */
#ifndef TESTS_SUPPORT_MEMORY_H
#define TESTS_SUPPORT_MEMORY_H

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/bus/ops.h"
#include "lib/kube/ops.h"
#include "tests/support/store.h"

struct memory {
	struct arena *arena;
	struct store store;
	struct kube_ops kube; /* the store's own, not counted */
	struct vec published; /* struct bus_message * */
	int64_t now_ms;
	unsigned int reads;
	unsigned int writes; /* changes by calls, not by memory_put and memory_delete */
	unsigned int calls;
	unsigned int fail_call;	 /* this call fails; 0: none */
	enum err_code fail_code; /* in this way; ERR_NONE: ERR_UNAVAILABLE */
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
