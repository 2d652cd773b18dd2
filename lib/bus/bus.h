/* NATS JetStream client (cnats behind it): one durable pull consumer per service, acknowledged
 * publishes.
 *
 * Used from one thread; no library callback ever enters our code. The connection is made and remade
 * in the background for ever; calls fail with ERR_UNAVAILABLE while it is down.
 */
#ifndef LIB_BUS_BUS_H
#define LIB_BUS_BUS_H

#include "lib/bus/ops.h"

struct bus;

struct bus_options {
	const char *url;      /* nats://host:port[,…] */
	const char *user;     /* NULL: none */
	const char *password; /* NULL: none */
	const char *name; /* connection name and inbox prefix `_INBOX.<name>`: the service's name */
	const char *consumer; /* durable of stream WORK that fetch reads; NULL: publishes only */
	const char *ca_file;  /* TLS when set */
};

/* Succeeds without a server: only bad options fail. */
struct bus *bus_new(const struct bus_options *options, struct err *err) MUST_CHECK;
void bus_free(struct bus *b); /* flushes what is buffered; accepts NULL */

struct bus_ops bus_ops(struct bus *b);

/* Connected at this moment. Also begins anew after a server refused our credentials for good. */
bool bus_connected(struct bus *b);

/* Grows with every (re)connection: a changed number means that messages may have been missed. 0:
 * never connected yet. */
unsigned int bus_session(const struct bus *b);

/* Messages of our consumer not yet delivered, and delivered but not yet acknowledged; for /metrics.
 */
bool bus_backlog(
	struct bus *b, uint64_t *ret_pending, uint64_t *ret_in_flight, struct err *err) MUST_CHECK;

#endif
