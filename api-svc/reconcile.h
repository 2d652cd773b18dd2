/* api-svc: from an API object to a gateway that serves it. */
#ifndef API_SVC_RECONCILE_H
#define API_SVC_RECONCILE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct world;

void api_needs(const struct world *w, struct needs *n);
MUST_CHECK bool api_reconcile(const struct world *w, struct plan *p, struct err *err);

#endif
