/* How a gateway is reached from outside its cluster: the objects of operatorMode, and what they
 * say.
 *
 *   default, clusterIP   the Service alone (workload.h)
 *   ingress              one Ingress
 *   route                an OpenShift Route for each base path
 *   istio                one VirtualService, at a Gateway that people make
 *
 * spec.ingressHostname asks for an Ingress in any mode. Objects of another mode than the present
 * one are deleted.
 *
 * Gateways share hosts, so that two may claim the same base path of the same host, in any
 * namespace. The older object keeps it. Each carries a label for each of its claims, by which the
 * other is found; the younger one's API depends on the older one's and gets the place when that is
 * given up.
 */
#ifndef API_SVC_EXPOSE_H
#define API_SVC_EXPOSE_H

#include <stdbool.h>

struct inputs;
struct needs;
struct plan;

void expose_need(const struct inputs *in, struct needs *n);

/* Applies what the mode wants and deletes what it does not. */
void expose_apply(struct plan *p, const struct inputs *in);

/* Condition Exposed and status.endpoint, if the mode has objects; false if the Service is to be
 * judged instead. Call after expose_apply. */
bool expose_judge(struct plan *p, const struct inputs *in);

#endif
