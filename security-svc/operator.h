/* What the operator thinks of its own configuration: ConfigMap `operator-status` beside it.
 *
 * A child of the default Security of the operator's namespace, which every installation has: it is
 * looked at again whenever one of the ConfigMaps changes, and put right when somebody edits it.
 */
#ifndef SECURITY_SVC_OPERATOR_H
#define SECURITY_SVC_OPERATOR_H

struct needs;
struct plan;
struct world;

/* Both do nothing for any other Security. */
void operator_needs(const struct world *w, struct needs *n);
void operator_report(struct plan *p);

#endif
