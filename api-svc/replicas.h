/* What lets the pods of a gateway share its limits (gateway/core/share.h): a name that has all
 * their addresses, and a key that only the gateways of the namespace have.
 *
 * Made where there can be more than one pod. The key is HMAC-SHA-256 of the namespace with the
 * installation's secret: nothing has to be remembered, and who reads one namespace's key learns
 * nothing about another's. Another secret rolls the pods. The name is that of the pods' common host
 * within a headless Service of the whole namespace. Secret and Service belong to no API and are
 * written by the first one that finds them missing or different; builder-svc removes them with the
 * last one.
 */
#ifndef API_SVC_REPLICAS_H
#define API_SVC_REPLICAS_H

struct inputs;
struct needs;
struct plan;
struct workload;

void replicas_need(const struct inputs *in, struct needs *n);

/* With an installation's secret that is none, nothing is shared: a finding of the configuration.
 * One that is not there yet comes by itself (security-svc/operator.h). */
void replicas_check(struct inputs *in);

/* What the pods are told. */
void replicas_fill(const struct inputs *in, struct workload *ret);

/* As soon as an API is accepted, so that the next ones of the namespace find them. */
void replicas_apply(struct plan *p, const struct inputs *in);

#endif
