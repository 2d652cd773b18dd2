/* One question to a container registry: is this image there, and which digest has it?
 *
 * OCI distribution: HEAD of one manifest by its tag. Anonymous, Basic and Bearer (token service) as
 * the registry asks for; nothing is remembered. A call takes at most 9 s (three requests of 3 s).
 * Blocks; used from one thread.
 */
#ifndef BUILDER_SVC_REGISTRY_H
#define BUILDER_SVC_REGISTRY_H

#include <stdbool.h>

#include "builder-svc/image.h"
#include "lib/base/attr.h"

struct arena;
struct err;

struct registry_answer {
	bool present;
	const char *digest; /* "sha256:…" when present */
};

/* ERR_DENIED: the registry wants other credentials. ERR_TIMEOUT, ERR_UNAVAILABLE: it cannot be
 * asked now. Messages name the registry, never a password or a token. */
bool registry_look(struct arena *a, const struct image *image, bool plain_http, struct login login,
	struct registry_answer *ret, struct err *err) MUST_CHECK;

#endif
