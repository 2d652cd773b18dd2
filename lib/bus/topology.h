/* The streams and consumers of the operator, as data, and the call that makes a server match them.
 *
 * The watcher, as the only source of wakes, sees to it at every connection: a wiped server is whole
 * again before the relist that refills it.
 *
 * WORK  cr.> job.> build.>   one message per subject, file: what is to be looked at
 * EVT   evt.>                CloudEvents for people and other systems, 7 days
 * DLQ   advisories           what was delivered too often or terminated, 14 days
 */
#ifndef LIB_BUS_TOPOLOGY_H
#define LIB_BUS_TOPOLOGY_H

#include "lib/bus/bus.h"

#define BUS_STREAM_WORK "WORK"
#define BUS_STREAM_EVENTS "EVT"

enum {
	BUS_ACK_WAIT_S = 10,
	BUS_MAX_MESSAGE = 64 * 1024,
};

/* Creates or updates all streams and consumers; idempotent. `replicas`: of the streams, 1 or 3. */
bool bus_ensure_topology(struct bus *b, int replicas, struct err *err) MUST_CHECK;

#endif
