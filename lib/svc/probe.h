/* /healthz, /readyz and /metrics of a service, answered from a thread of their own (libmicrohttpd),
 * so that a probe never waits for the work in hand.
 *
 * Alive: the loop turned within the last minute. Ready: the service said so. Metrics: the text last
 * handed over.
 */
#ifndef LIB_SVC_PROBE_H
#define LIB_SVC_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct err;
struct probe;

/* port 0: any free one (probe_port tells). NULL on failure. */
struct probe *probe_new(int port, struct err *err) MUST_CHECK;
void probe_free(struct probe *p); /* accepts NULL */
int probe_port(const struct probe *p);

/* Called by the loop once per turn; all three accept a NULL probe. */
void probe_alive(struct probe *p);
void probe_ready(struct probe *p, bool ready, const char *reason); /* reason is copied */
void probe_metrics(struct probe *p, const char *text, size_t n);   /* copied */

#endif
