/* ConfigMaps and Secrets that the administrator wants gateways and builds to see.
 *
 * What stands in the API's namespace is mounted as it is; what stands in the operator's is copied,
 * one copy for each API, which goes with it. Kubernetes renews mounted files in place, but neither
 * environment variables nor single files: a change of those rolls the gateway.
 */
#ifndef API_SVC_MOUNTS_H
#define API_SVC_MOUNTS_H

struct inputs;
struct json;
struct needs;
struct plan;
struct workload;

void mounts_need(const struct inputs *in, struct needs *n);

/* What is missing becomes in->not_resolved. */
void mounts_check(struct inputs *in);

/* Copies what has to be copied and deletes copies that nothing mounts any more. Before the build is
 * asked for. */
void mounts_apply(struct plan *p, const struct inputs *in);

/* What the build sees, as struct build_request has it; NULL: nothing. */
const struct json *mounts_of_build(const struct inputs *in);

/* What the gateway sees. */
void mounts_fill(const struct inputs *in, struct workload *ret);

#endif
