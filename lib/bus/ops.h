/* What the services may ask of the message bus: the table that separates them from it.
 *
 * lib/bus/bus.h fills it over NATS JetStream; tests/support fills it with queues in memory. The bus
 * delivers at least once, may double, reorder, coalesce or lose: a message only says "look at this
 * again".
 */
#ifndef LIB_BUS_OPS_H
#define LIB_BUS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct vec;

/* One message in hand; lives in the arena it was fetched into. */
struct delivery {
	const char *subject;
	const void *data;
	size_t n;
	unsigned int attempt; /* 1 = first delivery */
	const char *reply;    /* where its acknowledgement goes */
	const char *
		id; /* the same at every delivery of this message, and of no other; NULL: unknown */
};

struct bus_message {
	const char *subject;
	const void *data;
	size_t n;
	const char *id;		 /* deduplication id (Nats-Msg-Id) or NULL */
	const char *ce_type;	 /* CloudEvents binary mode, NULL for internal messages: ce-type, */
	const char *ce_source;	 /* ce-source, */
	const char *ce_id;	 /* ce-id, */
	const char *ce_subject;	 /* ce-subject; content-type is application/json then */
	const char *traceparent; /* W3C trace context or NULL */
};

struct bus_ops {
	void *self;

	/* Waits up to timeout_ms for messages of this service's consumer; appends up to `max`
	 * struct delivery * to ret. None in time is success with nothing appended. */
	bool (*fetch)(void *self, struct arena *a, size_t max, int timeout_ms, struct vec *ret,
		struct err *err) MUST_CHECK;

	/* Done, never again. Waits for the server's confirmation. */
	bool (*ack)(void *self, const struct delivery *d, struct err *err) MUST_CHECK;

	/* Again after delay_ms, unless a newer message of the subject replaces it first. */
	bool (*nak)(
		void *self, const struct delivery *d, int64_t delay_ms, struct err *err) MUST_CHECK;

	/* Still at it: restarts the server's redelivery timer. */
	bool (*working)(void *self, const struct delivery *d, struct err *err) MUST_CHECK;

	/* Undecodable: never again, and noted in the dead-letter stream. */
	bool (*term)(void *self, const struct delivery *d, struct err *err) MUST_CHECK;

	/* Returns once the stream has stored it. A duplicate id is success. */
	bool (*publish)(void *self, const struct bus_message *m, struct err *err) MUST_CHECK;
};

#endif
