/* The backends that the documents of an API name: TargetEndpoints, where they answer, and those
 * that run in the gateway's own pod. */
#ifndef API_SVC_TARGETS_H
#define API_SVC_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

struct inputs;
struct needs;
struct world;

/* Fills in->endpoints and in->sidecars from in->scan. What is missing, not permitted or does not
 * fit beside the gateway becomes in->not_resolved. */
void targets_read(const struct world *w, struct inputs *in);

/* After targets_read: a backend in the gateway's pod listens there. */
bool targets_have_port(const struct inputs *in, int64_t port);

/* Asks for what targets_read looks for. */
void targets_need(const struct world *w, const struct inputs *in, struct needs *n);

#endif
