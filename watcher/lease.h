/* Which replica leads: a Lease `apim-watcher` of coordination.k8s.io, as Kubernetes' own
 * controllers use one.
 *
 * Times are judged by our own monotonic clock alone, so that clocks of nodes may differ. Two
 * leaders for a moment are harmless; nobody leading is what is to be short: a leader that goes in
 * peace gives the Lease back.
 */
#ifndef WATCHER_LEASE_H
#define WATCHER_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/kube/ops.h"

struct arena;
struct err;

enum {
	LEASE_DURATION_S = 15, /* without a renewal others may take it */
	LEASE_DEADLINE_S = 10, /* without a renewal we stop believing in it */
	LEASE_RENEW_S = 5,
	LEASE_LOOK_S = 2, /* how often a standby looks */
	LEASE_RETRY_S = 1,
};

struct lease {
	struct kube_ops kube;
	struct clock_ops clock;
	const char *ns;
	const char *identity;
	bool leading;
	bool trouble; /* the last attempt failed */
	int64_t due_us;
	int64_t renewed_us; /* when the last successful renewal was begun */
	int64_t seen_us;    /* since when somebody else's Lease has been unchanged */
	char seen[64];	    /* its resourceVersion */
	char version[64];   /* of our own Lease */
};

/* Strings are borrowed. */
void lease_init(struct lease *l, struct kube_ops kube, struct clock_ops clock, const char *ns,
	const char *identity);

/* Does what is due, which is mostly nothing. False: the API server gave trouble (we may still
 * lead). */
bool lease_step(struct lease *l, struct arena *a, struct err *err) MUST_CHECK;

bool lease_leads(const struct lease *l);

/* Gives it back, if it is ours. */
void lease_release(struct lease *l, struct arena *a);

#endif
