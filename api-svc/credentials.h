/* Copies of the credentials that an API's gateways check callers against.
 *
 * The keys of a JWT Security are in the image; those of the other types are in the Security's
 * Secret, which goes with the Security. A gateway mounts a copy that is the API's, so what is in
 * use may be deleted: new pods start, and go on with what was last known. A copy follows its
 * Security whatever else is wrong with the API: a password that leaked is not to wait for a
 * document to be mended.
 */
#ifndef API_SVC_CREDENTIALS_H
#define API_SVC_CREDENTIALS_H

#include <stdbool.h>

struct inputs;
struct needs;
struct plan;
struct workload;
struct world;

void credentials_need(const struct world *w, struct needs *n);

/* rolled_out: no pod is left, or will start, that mounts others than the documents want now. */
void credentials_apply(struct plan *p, const struct inputs *in, bool rolled_out);

/* What the gateway mounts. */
void credentials_fill(const struct inputs *in, struct workload *ret);

#endif
