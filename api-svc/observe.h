/* What a gateway tells about its calls, if the operator's configuration wants it: traces to a
 * collector, usage to the bus. All of it is environment and one Secret: neither is part of the
 * image. */
#ifndef API_SVC_OBSERVE_H
#define API_SVC_OBSERVE_H

struct inputs;
struct needs;
struct plan;
struct vec;
struct workload;

void observe_need(const struct inputs *in, struct needs *n);

/* What is missing becomes in->not_resolved. */
void observe_check(struct inputs *in);

/* Applies the Secret that gateways log in to the bus with, or deletes it when it is not wanted any
 * more. */
void observe_apply(struct plan *p, const struct inputs *in);

/* Appends struct workload_env *. */
void observe_environment(const struct inputs *in, struct vec *ret);

void observe_fill(const struct inputs *in, struct workload *ret);

#endif
