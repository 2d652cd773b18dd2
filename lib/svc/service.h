/* The one skeleton of all services: a service is a table plus two pure functions.
 *
 * service_main owns everything else: options, signals, health and metrics, the connections, and the
 * loop
 *
 *   fetch messages → coalesce equal keys → for each: gather (needs, until it asks for nothing new)
 * → reconcile → carry out the plan → status → acknowledge
 *
 * SIGTERM: stop fetching, finish the event in hand, hand back the rest, exit within 10 s. SIGKILL
 * loses nothing: the message in hand is redelivered and every step is idempotent.
 */
#ifndef LIB_SVC_SERVICE_H
#define LIB_SVC_SERVICE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct world;

struct service {
	const char *name;  /* field manager, consumer, NATS user, log field */
	const char *about; /* one sentence for --help */

	/* Environment variables that the decision depends on, NULL-terminated: members of
	 * world->env. NULL: none. */
	const char *const *env;

	/* What must be read before reconcile can decide, given what was read so far. Called again
	 * with the larger world until it asks for nothing new, at most seven rounds. Pure. */
	void (*needs)(const struct world *w, struct needs *n);

	/* Decides. Reads only w, allocates only from p->arena, writes only p. A missing or invalid
	 * input is a condition, not an error; false is for our own bugs. Pure. */
	bool (*reconcile)(const struct world *w, struct plan *p, struct err *err) MUST_CHECK;

	/* A pass that asks for no further look has seen all that there will be: what earlier ones
	 * wanted to look at later is settled as well. */
	bool settles;

	/* How many objects are looked at at a time: more than one where no two objects write the
	 * same third one. 0: one. */
	size_t passes;

	/* Optional effect of a service of its own (builder-svc asks the registry): runs between
	 * needs and reconcile and leaves what it found in w->observed. */
	bool (*observe)(struct world *w, struct err *err) MUST_CHECK;
};

int service_main(const struct service *s, int argc, char **argv);

#endif
