/* The streams and consumers of the operator, as data, and the call that makes a server match them.
 *
 * The watcher, as the only source of wakes, sees to it at every connection: a wiped server is whole
 * again before the relist that refills it.
 *
 * WORK  cr.> job.> build.>   one message per subject, file: what is to be looked at
 * EVT   evt.api.> evt.build.> evt.deploy.> evt.endpoint.>
 *                            CloudEvents for people and other systems, 7 days
 * USAGE evt.usage.>          the same about calls of APIs, a day; apart, so that busy gateways push
 *                            out neither the others nor, beyond a bound for each API, each other's
 * DLQ   advisories           what was delivered too often or terminated, 14 days
 */
#ifndef LIB_BUS_TOPOLOGY_H
#define LIB_BUS_TOPOLOGY_H

#include "lib/bus/bus.h"

#define BUS_STREAM_WORK "WORK"
#define BUS_STREAM_EVENTS "EVT"
#define BUS_STREAM_USAGE "USAGE"

enum {
	BUS_ACK_WAIT_S = 10,
	BUS_MAX_MESSAGE = 64 * 1024,
};

/* Creates or updates all streams and consumers; idempotent. `replicas`: of the streams, 1 or 3.
 * ERR_CONFLICT: a stream that is not ours has subjects of one of ours and takes what is published
 * there, as after the way back from a newer version; WORK and its consumers are as they should be,
 * so wakes go on. err says which stream and what to do. */
bool bus_ensure_topology(struct bus *b, int replicas, struct err *err) MUST_CHECK;

#endif
