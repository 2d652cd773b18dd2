/* The message "look at this object again" (proto/wake.proto), as the services see it.
 *
 * Carries names only, never state. Decoding checks every field before it is used in a URL or a
 * subject: protobuf accepts invalid UTF-8 and any text.
 */
#ifndef LIB_MSG_WAKE_H
#define LIB_MSG_WAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/object.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;

enum {
	WAKE_MAX_BYTES = 64 * 1024,
	WAKE_MAX_MOVED = 256,
	WAKE_MAX_CAUSE = 512,
};

struct wake {
	struct ref ref;	 /* kind, namespace, name: the object to look at */
	const char *uid; /* as last seen; "" if unknown */
	int64_t generation;
	const char *resource_version;
	const char *cause; /* in words, for logs: "generation 3", "ConfigMap online-store-swagger
			      changed" */
	struct vec moved;  /* struct ref *: inputs and children known to differ from what status
			      recorded */
	const char *traceparent;
	uint64_t system_mark; /* resourceVersion of the last change of a ConfigMap or Secret of the
				 operator's namespace that the watcher had seen; 0 if unknown */
};

/* Bytes live in the arena. NULL strings become "". What would make the message too long is left
 * out: the end of the cause, the end of `moved` (which is never emptied by it). */
void wake_encode(struct arena *a, const struct wake *w, const void **ret_bytes, size_t *ret_n);

/* ERR_INVALID: not a wake, or names that no Kubernetes object can have. On success no string is
 * NULL and all are printable ASCII. */
bool wake_decode(
	struct arena *a, const void *bytes, size_t n, struct wake *ret, struct err *err) MUST_CHECK;

/* Subject tokens: Kubernetes names contain dots, tokens cannot; `.` becomes `_`, which no name
 * contains. */
char *subject_token(struct arena *a, const char *name);

/* "cr.api.<ns>.<name>", "job.<ns>.<name>", "build.request.<ns>.<name>", "build.result.<ns>.<name>"
 */
char *subject_for(struct arena *a, const char *prefix, const char *ns, const char *name);

#endif
