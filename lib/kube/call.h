/* Requests with one bounded answer each, carried out concurrently while the caller waits. */
#ifndef LIB_KUBE_CALL_H
#define LIB_KUBE_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/buffer.h"
#include "lib/kube/stats.h"
#include "lib/kube/wire.h"

struct kube;

struct call {
	/* in */
	enum verb verb;
	struct request request; /* timeout_ms 0: that of the client */

	/* out */
	int status; /* HTTP status; 0: no answer, err says why */
	struct buffer body;
	struct err err; /* set beforehand, it says why the call cannot be made, and it is not */

	/* calls_run's own */
	struct exchange *exchange;
	bool retried;
};

/* Returns when every call has its answer or has failed. A refused service account token is read
 * again and the call repeated once; nothing else is. */
void calls_run(struct kube *k, struct call *calls, size_t n);
void calls_free(struct call *calls, size_t n);

/* True for an answer 2xx; otherwise err says what went wrong. */
bool call_ok(const struct call *c, struct err *err) MUST_CHECK;

#endif
