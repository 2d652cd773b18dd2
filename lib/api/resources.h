/* Resource quantities of containers, as Kubernetes writes them. */
#ifndef LIB_API_RESOURCES_H
#define LIB_API_RESOURCES_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct arena;
struct findings;
struct json;

/* What one container asks for. NULL: not said. */
struct resources {
	const char *request_cpu;
	const char *request_memory;
	const char *limit_cpu;
	const char *limit_memory;
};

/* "250m", "1.5", "64Mi", "1e3", … in base units; negative ones are refused. */
bool quantity_parse(const char *text, double *ret) MUST_CHECK;

/* Fills what r does not say from defaults. Where a default contradicts what r says (a limit below
 * the request) it gives way and becomes equal. Quantities that cannot be read count as not said. */
void resources_default(struct resources *r, const struct resources *defaults);

/* Raises limits that are below their requests: Kubernetes would refuse the container. */
void resources_mend(struct resources *r);

/* What contradicts itself in r alone. Paths of findings are given by the caller's names. */
void resources_check(const struct resources *r, const struct resources *paths, struct findings *f);

/* {"requests":{"cpu":…,"memory":…},"limits":{…}}: a container's `resources`. */
struct json *resources_json(struct arena *a, const struct resources *r);

#endif
