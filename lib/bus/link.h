/* The connection underneath bus.h, and one question with one answer over it. Internal to lib/bus.
 *
 * cnats' own request and fetch calls are not used: they cannot bind a consumer with several
 * filters, and they sit out their whole timeout when the connection breaks. Two synchronous
 * subscriptions on wildcard inboxes do instead: one for what pulls bring, one for answers. The last
 * token of an inbox is a serial number, so that a late answer is known as such.
 */
#ifndef LIB_BUS_LINK_H
#define LIB_BUS_LINK_H

#include <nats/nats.h>

#include "lib/bus/bus.h"

struct arena;

struct bus {
	struct arena *arena;	/* lives as long as the bus */
	const char *consumer;	/* NULL: publishes only */
	const char *pull_inbox; /* without the last token */
	const char *answer_inbox;
	const char *inbox_root; /* "_INBOX.<name>." */
	natsOptions *options;
	natsStatistics *statistics;
	natsConnection *connection; /* NULL until an attempt did not fail at once */
	natsSubscription *pulled;
	natsSubscription *answers;
	natsStatus failure; /* why there was no connection the last time that was certain; NATS_OK
			       once there is one */
	unsigned int past_sessions; /* of connections that were given up */
	bool opened_at_once;	    /* the connection's first session is not counted by cnats */
	uint64_t serial;
	int64_t next_open_us; /* monotonic; not before then */
	int64_t next_pull_us;
};

/* What came, if anything. */
enum link_answer {
	LINK_MESSAGE,
	LINK_NOBODY,  /* the server says that nobody listens on the subject */
	LINK_NOTHING, /* in time */
	LINK_BROKEN,  /* the connection is not the one that the question went out on */
};

int64_t link_now_us(void);
void link_pause(int64_t until_us);

/* ERR_UNAVAILABLE or ERR_DENIED with the reason unless connected; begins to connect when there is
 * no connection. */
bool link_up(struct bus *b, struct err *err) MUST_CHECK;

void link_close(struct bus *b);
unsigned int link_session(const struct bus *b);

/* Waits on one of the two subscriptions. *ret is to be destroyed by the caller. */
enum link_answer link_next(struct bus *b, natsSubscription *on, unsigned int session,
	int64_t deadline_us, natsMsg **ret);

/* The server has refused `subject`, or our inboxes, lately. */
bool link_denied(struct bus *b, const char *subject, struct err *err);

/* Sends without waiting. reply may be NULL. */
bool link_send(
	struct bus *b, const struct bus_message *m, const char *reply, struct err *err) MUST_CHECK;

/* Sends and waits for the answer, whose bytes are copied into the arena and NUL-terminated. */
bool link_ask(struct bus *b, struct arena *a, const struct bus_message *m, int timeout_ms,
	const char **ret_bytes, size_t *ret_n, struct err *err) MUST_CHECK;

struct json;

/* Asks the JetStream API with a JSON text; *ret is its answer. An error answer of the server
 * becomes err, with its number in *ret_code (0 otherwise). */
bool link_ask_api(struct bus *b, struct arena *a, const char *subject, const char *question,
	const struct json **ret, int64_t *ret_code, struct err *err) MUST_CHECK;

/* ops->fetch, ack, nak, working, term (lib/bus/pull.c) and publish (lib/bus/publish.c) */
bool pull_fetch(void *self, struct arena *a, size_t max, int timeout_ms, struct vec *ret,
	struct err *err) MUST_CHECK;
bool pull_ack(void *self, const struct delivery *d, struct err *err) MUST_CHECK;
bool pull_nak(void *self, const struct delivery *d, int64_t delay_ms, struct err *err) MUST_CHECK;
bool pull_working(void *self, const struct delivery *d, struct err *err) MUST_CHECK;
bool pull_term(void *self, const struct delivery *d, struct err *err) MUST_CHECK;
bool publish(void *self, const struct bus_message *m, struct err *err) MUST_CHECK;

#endif
