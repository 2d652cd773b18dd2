/* Sees to it that the image which an API asks for exists in the registry: one Kaniko Job per input
 * hash, never two at a time.
 *
 * Asked by annotation apim.wso2.com/build on ConfigMap `<api>-dockerfile`, answered by
 * apim.wso2.com/build-result beside it (lib/api/build.h). Wakes carry the API; its status belongs
 * to api-svc and is left alone.
 */
#ifndef BUILDER_SVC_BUILD_H
#define BUILDER_SVC_BUILD_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct needs;
struct plan;
struct scene;
struct world;

void build_needs(const struct world *w, struct needs *n);
MUST_CHECK bool build_reconcile(const struct world *w, struct plan *p, struct err *err);

/* Whether the image exists decides what to do next: w->observed must say so
 * (builder-svc/observe.h). */
bool build_asks_registry(const struct scene *s);

/* A token of the registry's is needed for that, or for a Job, and there is none: w->observed must
 * have one. */
bool build_lacks_token(const struct scene *s);

#endif
