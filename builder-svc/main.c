/* builder-svc: has the image of each API built by a Kaniko Job, unless the registry has it already.
 */
#include <stddef.h>

#include "builder-svc/amazon.h"
#include "builder-svc/build.h"
#include "builder-svc/observe.h"
#include "lib/svc/service.h"

static const char *const environment[] = { "BUILD_PARALLELISM", "KANIKO_IMAGE", ECR_ENDPOINT_ENV,
	NULL };

static const struct service builder_svc = {
	.name = "builder-svc",
	.about =
		"has the image of each API built by a Kaniko Job, unless the registry has it already",
	.env = environment,
	.needs = build_needs,
	.observe = build_observe,
	.reconcile = build_reconcile,
	.settles = true,
};

int main(int argc, char **argv)
{
	return service_main(&builder_svc, argc, argv);
}
