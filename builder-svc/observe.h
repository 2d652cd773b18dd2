/* The one effect of builder-svc's own: asks the registry whether the wanted image is there. */
#ifndef BUILDER_SVC_OBSERVE_H
#define BUILDER_SVC_OBSERVE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct world;

/* If the answer matters (build_asks_registry), w->observed becomes {"present":…,"digest":…}, or
 * {"error":…,"message":…} when there is none: that is a finding, not a failure. */
MUST_CHECK bool build_observe(struct world *w, struct err *err);

#endif
