/* From findings and conditions to what users read: the same words for all services. */
#ifndef LIB_PLAN_VERDICT_H
#define LIB_PLAN_VERDICT_H

#include <stdbool.h>

#include "lib/api/finding.h"
#include "lib/base/attr.h"

struct plan;

/* The reason of condition Accepted (or UnusedFields) for a finding. */
const char *verdict_reason(enum finding_kind kind);

/* Sets Accepted (False with the reason of the first finding that refuses and all of their messages)
 * and, if something has no effect, UnusedFields and Accepted's reason FieldsIgnored. Returns
 * whether the object is accepted. */
bool plan_accept(struct plan *p, const struct findings *f);

/* Conditions that cannot be judged yet: Unknown, reason Blocked. types ends with NULL. */
void plan_block(struct plan *p, const char *const *types, const char *waits_for);

/* Events for those of the conditions that changed, as decided so far: a Warning for False, for
 * UnusedFields and for a certificate that expires soon, a Normal for Ready once it is True. That
 * something is on its way is told by the conditions, and by whoever starts it. types ends with
 * NULL.
 */
void plan_announce(struct plan *p, const char *const *types);

/* One Warning for what is wrong in the operator's configuration, when it is news: the object is
 * new, or the configuration moved. */
void plan_warn_configuration(struct plan *p, const struct findings *f);

#endif
