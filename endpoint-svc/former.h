/* What gateways call that were built before an edit. A port that a TargetEndpoint no longer names
 * is kept in the Service, and leads on to the backend, until every API that names the
 * TargetEndpoint runs with it as it now is (ADR 29). The live Service is what remembers.
 *
 * A port of the Service never changes its name: endpoints are found by it, and are gone for a
 * moment when it is another one.
 */
#ifndef ENDPOINT_SVC_FORMER_H
#define ENDPOINT_SVC_FORMER_H

#include <stdbool.h>

struct json;
struct needs;
struct plan;
struct target_endpoint;
struct target_port;
struct world;

/* All APIs, to see whether one of them still calls. Asked for only while something is kept. */
void former_need_callers(struct needs *n);

/* A gateway may still call what the TargetEndpoint was before its last edit. Needs the callers. */
bool former_is_called(const struct plan *p);

/* The live Service, and the callers if it has former ports. */
void former_need(const struct world *w, const struct target_endpoint *te, struct needs *n);

/* Those that are still called, as the Service has ports. */
struct json *former_ports(struct plan *p, const struct target_endpoint *te);

/* What the Service is to call a port: as it does, else the port's own name, and `<name>-<port>`
 * where one that is kept has that. */
const char *former_name(
	const struct plan *p, const struct json *kept, const struct target_port *port);

/* After plan_summarize: while it is called as it was, it is Ready and Reconciling, and looked at
 * again. (An appointment may be lost; what is Reconciling is not forgotten.) */
void former_tell(struct plan *p);

#endif
