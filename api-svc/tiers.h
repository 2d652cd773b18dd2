/* The throttling tiers that documents name → the policies that one gateway gets.
 *
 * A tier is looked for among the built-in policies, then as a RateLimiting of that name, then in
 * the namespace's policy document: there it may be a short name. So an API is looked at again when
 * a RateLimiting changes that it names, not when any does. The policies that tokens name stand in a
 * document of their own, which changes with nothing else.
 */
#ifndef API_SVC_TIERS_H
#define API_SVC_TIERS_H

struct inputs;
struct needs;
struct plan;
struct world;

/* Fills in->policies and in->missing_tiers from what documents name. A tier that the last build had
 * a policy for is a problem of ResolvedRefs when that is gone: the last image serves on. Any other
 * that is missing is built in all the same, and its calls are refused by the gateway. */
void tiers_read(const struct world *w, struct inputs *in);

/* Asks for what tiers_read looks for. */
void tiers_need(const struct world *w, const struct inputs *in, struct needs *n);

/* Condition PoliciesResolved; none if documents name no tier. */
void tiers_judge(struct plan *p, const struct inputs *in);

#endif
