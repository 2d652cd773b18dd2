/* All RateLimitings of a namespace → ConfigMaps policy-configmap and, if any is named by tokens,
 * policy-configmap-callers; key policies.yaml.
 *
 * Whichever of them is looked at, the whole document is rendered: the defaults and the live objects
 * in the order of their names. So it does not matter which one was created, changed or deleted, and
 * a deleted one needs no trace.
 *
 * Only the oldest object, the keeper, records the ConfigMaps as its children, so a change of one
 * object makes two look, not all: it itself and the keeper. Who the keeper is stands in ConfigMap
 * policy-configmap-keeper, on which the others depend: when it goes, they look who is next. An
 * object also depends on the one that has its short name, and on one that could be called so.
 * Without a valid object there is no keeper, and without a keeper there are no ConfigMaps.
 *
 * Conditions: Accepted, Published (make up Ready).
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
