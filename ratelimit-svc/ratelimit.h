/* All RateLimitings of a namespace → ConfigMap policy-configmap, key policies.yaml.
 *
 * Whichever of them is looked at, the whole document is rendered: the defaults and the live objects
 * in the order of their names. So it does not matter which one was created, changed or deleted, and
 * a deleted one needs no trace. The document's ConfigMap is recorded as a child by each of them, so
 * that its change makes each look again: that is how an alias that became ambiguous is noticed.
 *
 * Conditions: Accepted, Published (make up Ready), UnusedFields.
 */
#ifndef RATELIMIT_SVC_RATELIMIT_H
#define RATELIMIT_SVC_RATELIMIT_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct world;

void ratelimit_needs(const struct world *w, struct needs *n);
bool ratelimit_reconcile(const struct world *w, struct plan *p, struct err *err) MUST_CHECK;

#endif
