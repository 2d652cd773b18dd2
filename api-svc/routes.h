/* The objects that bring requests from outside to a gateway: Ingress, Routes, VirtualService. Pure
 * builders: equal input, equal manifest. */
#ifndef API_SVC_ROUTES_H
#define API_SVC_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/api/kind.h"
#include "lib/base/vec.h"

struct inputs;
struct json;

struct route {
	enum kind kind;
	const char *name;
	const char *host;
	const char *const *paths; /* base paths, "/" for the root; "" alone: all of the host */
	size_t n_paths;
	const struct json *body; /* the manifest */
};

/* The configuration or the API asks for such objects, whatever its documents say. */
bool routes_are_wanted(const struct inputs *in);

/* Adds struct route *; none as long as a base path is not known. */
void routes_wanted(const struct inputs *in, struct vec *ret);

#endif
