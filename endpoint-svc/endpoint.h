/* One TargetEndpoint → its backend: Deployment and Service `<te>`, autoscaler `<te>-hpa`;
 * status.url. Where it is serverless: the Knative Service `<te>`.
 *
 * Conditions: Accepted, Programmed (make up Ready), UnusedFields. A TargetEndpoint without an
 * image, or of mode sidecar, has no workload: its Programmed is True, reason NoWorkload.
 */
#ifndef ENDPOINT_SVC_ENDPOINT_H
#define ENDPOINT_SVC_ENDPOINT_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct world;

void endpoint_needs(const struct world *w, struct needs *n);
bool endpoint_reconcile(const struct world *w, struct plan *p, struct err *err) MUST_CHECK;

#endif
