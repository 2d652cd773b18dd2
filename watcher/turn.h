/* One turn of the watcher behind tables of effects: what watcher_main runs for ever, and what
 * simulations run in memory.
 *
 * Lease → watches → index → bus. A turn keeps nothing that a restart would miss: everything is
 * listed again and compared with what statuses record.
 */
#ifndef WATCHER_TURN_H
#define WATCHER_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/bus/ops.h"
#include "lib/kube/kube.h"
#include "watcher/figures.h"
#include "watcher/lease.h"

struct arena;
struct err;
struct index;
struct json;

/* What the watcher needs beside the two tables of a service. */
struct turn_ops {
	void *self;
	bool (*connected)(void *self);	     /* to the bus */
	unsigned int (*session)(void *self); /* of the bus: another number, messages may be lost */
	bool (*ensure_topology)(void *self, struct err *err) MUST_CHECK;
	/* Delivers events to turn_on_event for at most timeout_ms. */
	bool (*run_watches)(void *self, int timeout_ms, struct err *err) MUST_CHECK;
	void (*relist)(void *self); /* every watch lists again */
};

struct turn {
	/* to be set before turn_init; strings are borrowed */
	struct clock_ops clock;
	struct kube_ops kube; /* for the Lease */
	struct bus_ops bus;
	struct turn_ops ops;
	const char *ns; /* of the Lease */
	const char *identity;
	long relist_s;

	struct index *index;
	struct lease lease;
	struct arena *memory; /* of one turn */
	struct figures figures;
	unsigned int session; /* of the bus, for which the topology was seen to */
	bool topology_due;
	unsigned int relisting; /* watches (bits) whose new list is not complete */
	int64_t topology_us;	/* next look at it */
	int64_t relist_us;
	int64_t bus_us;		  /* not before then another attempt at the bus */
	const char *last_trouble; /* what was logged last, so that it is logged once */
	char trouble[512];
};

void turn_init(struct turn *w);
void turn_fini(struct turn *w); /* accepts one that is all zero */

/* What is to be watched, and where the events go (a watch_fn; arg is the turn). */
const struct watch_spec *turn_watches(size_t *ret_n);
void turn_on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version);

void turn_once(struct turn *w);

#endif
