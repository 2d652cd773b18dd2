/* The one effect of builder-svc's own: asks the registry whether the wanted image is there. */
#ifndef BUILDER_SVC_OBSERVE_H
#define BUILDER_SVC_OBSERVE_H

#include <stdbool.h>

#include "builder-svc/registry.h"
#include "lib/base/attr.h"

struct err;
struct world;

/* If the answer matters (build_asks_registry), w->observed becomes {"present":…,"digest":…}, or
 * {"error":…,"message":…} when there is none: that is a finding, not a failure. Where a token of
 * Amazon's is needed first (build_lacks_token), "token": {"password":…,"expiresAt":…} stands beside
 * it. */
MUST_CHECK bool build_observe(struct world *w, struct err *err);

/* The same of any registry: look answers as registry_look does. */
typedef bool registry_look_fn(struct arena *a, const struct image *image, bool plain_http,
	struct login login, struct registry_answer *ret, struct err *err);
void build_observe_by(struct world *w, registry_look_fn *look);

#endif
