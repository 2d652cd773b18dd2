/* spec of kind TargetEndpoint, decoded: a backend, and perhaps the workload that is it.
 *
 * Total: any JSON value gives a struct; what is wrong is a finding. Strings are borrowed from the
 * object or live in the arena.
 */
#ifndef LIB_API_TARGETENDPOINT_H
#define LIB_API_TARGETENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/api/mode.h"
#include "lib/api/resources.h"
#include "lib/base/vec.h"

struct arena;
struct findings;
struct json;

struct target_port {
	const char *name;
	int64_t port;	     /* of the Service */
	int64_t target_port; /* of the container */
};

struct target_endpoint {
	const char *name;
	const char *ns;
	const char *protocol; /* "http" or "https" */
	enum mode mode;	      /* privateJet, sidecar, serverless; MODE_UNKNOWN with a finding */
	struct vec ports; /* struct target_port *: never empty, the first is the one that counts */

	const char *image;	    /* NULL: the backend runs already, somewhere else */
	const char *container_name; /* a label, even if no name is given */
	int64_t min_replicas;	    /* at least 1; 0 of a serverless one: none while idle */
	int64_t max_replicas;	    /* 0: not said, the configuration's */
	struct resources resources; /* as said; the rest is the configuration's */
};

/* object: the whole TargetEndpoint. */
void target_endpoint_decode(struct arena *a, const struct json *object, struct target_endpoint *ret,
	struct findings *f);

/* endpoint-svc runs it: there is an image and it is nobody else's container. */
bool target_endpoint_has_workload(const struct target_endpoint *te);

/* It is a container in the pod of a gateway: one of the two says so, and there is an image. What is
 * serverless stays where it is. */
bool target_endpoint_is_sidecar(const struct target_endpoint *te, enum mode of_api);

/* The container that runs it; te's resources must be complete. Ready once its first port can be
 * connected to; told to end it goes on for linger_s, until nobody sends it anything any more. */
struct json *target_endpoint_container(
	struct arena *a, const struct target_endpoint *te, int linger_s);

/* The name that the container has for where a port leads: two that lead to one have one name. */
const char *target_endpoint_port_name(
	const struct target_endpoint *te, const struct target_port *port);

/* The first port; never NULL. */
const struct target_port *target_endpoint_port(const struct target_endpoint *te);

/* Where gateways of other pods find it: "http://products.online:80"; a serverless one answers at
 * "http://products.online.svc.cluster.local". */
char *target_endpoint_url(struct arena *a, const struct target_endpoint *te);

/* Where a gateway in the same pod finds it: "http://localhost:9090". */
char *target_endpoint_local_url(struct arena *a, const struct target_endpoint *te);

#endif
