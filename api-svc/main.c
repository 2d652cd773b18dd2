/* api-svc: takes an API from its documents to a running gateway. */
#include "api-svc/reconcile.h"
#include "lib/svc/service.h"

static const char *const env[] = { "TOOLKIT_IMAGE", "RUNTIME_IMAGE", "KANIKO_IMAGE", NULL };

static const struct service api_svc = {
	.name = "api-svc",
	.about = "takes APIs from their documents to running gateways",
	.env = env,
	.needs = api_needs,
	.reconcile = api_reconcile,
	.passes = 64,
};

int main(int argc, char **argv)
{
	return service_main(&api_svc, argc, argv);
}
