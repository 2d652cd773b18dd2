/* What belongs to an installation: ConfigMap `operator-status`, what the operator thinks of its own
 * configuration, and Secret `apim-api-keys` (SECURITY_KEYS_SECRET), which is made when there is
 * none. One that exists is never written: of two replicas the first makes it, and the other one's
 * is a conflict.
 *
 * The ConfigMap is a child of the default Security of the operator's namespace, which every
 * installation has: it is looked at again whenever one of the ConfigMaps changes, and put right
 * when somebody edits it.
 */
#ifndef SECURITY_SVC_OPERATOR_H
#define SECURITY_SVC_OPERATOR_H

#include <stdbool.h>

struct needs;
struct plan;
struct world;

/* All of these do nothing for any other Security. */
void operator_needs(const struct world *w, struct needs *n);
void operator_report(struct plan *p);
void operator_make_secret(struct plan *p); /* from w->observed (observe.h) */
bool operator_lacks_secret(const struct world *w);

#endif
