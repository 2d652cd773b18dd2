/* The bus in memory, as spec/bus.md describes JetStream: one message per subject, durable pull
 * consumers with explicit acknowledgement, deduplication by id.
 *
 * Knows no trouble of its own; a wiped one has no streams until somebody makes them again.
 */
#ifndef TESTS_SIM_JETSTREAM_H
#define TESTS_SIM_JETSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/vec.h"
#include "lib/bus/ops.h"

struct js_message {
	uint64_t seq;
	int64_t at_us;
	char *subject;
	char *data;
	size_t n;
	bool gone; /* replaced by a newer one of its subject, or lost */
};

struct js_pending { /* delivered, not yet acknowledged; or to be delivered (again) */
	struct js_message *message;
	unsigned int attempts;
	int64_t due_us;
};

struct js_consumer {
	const char *name;
	const char *subjects[4]; /* prefixes */
	struct vec pending;	 /* struct js_pending * */
};

struct jetstream {
	struct arena *arena;
	bool has_topology;
	unsigned int session; /* grows with every loss of the connection */
	uint64_t seq;
	struct vec messages; /* struct js_message *, of work, one per subject */
	struct vec ids;	     /* struct js_id * */
	struct js_consumer consumers[8];
	size_t n_consumers;
	uint64_t events; /* published on evt.> */
};

void js_init(struct jetstream *js, struct arena *a);
void js_wipe(struct jetstream *js);
void js_ensure_topology(struct jetstream *js); /* lib/bus/topology.c in short */

bool js_publish(struct jetstream *js, const struct bus_message *m, int64_t now_us);

/* Up to max deliveries into ret, allocated in a; each is due again after ack_wait_us. */
void js_fetch(struct jetstream *js, const char *consumer, struct arena *a, size_t max,
	int64_t now_us, int64_t ack_wait_us, struct vec *ret);
/* When there is something to fetch; INT64_MAX: nothing. */
int64_t js_due_us(const struct jetstream *js, const char *consumer);

void js_ack(struct jetstream *js, const struct delivery *d);
void js_again(struct jetstream *js, const struct delivery *d, int64_t due_us);

/* Chance's hand: the n-th message of a consumer is lost, or delivered once more at due_us. */
size_t js_pending(const struct jetstream *js, const char *consumer);
void js_lose(struct jetstream *js, const char *consumer, size_t i);
void js_hasten(struct jetstream *js, const char *consumer, size_t i, int64_t due_us);

#endif
