/* endpoint-svc: runs the backends that TargetEndpoints describe and says where they are. */
#include "endpoint-svc/endpoint.h"
#include "lib/svc/service.h"

static const struct service endpoint_svc = {
	.name = "endpoint-svc",
	.about = "runs the backends that TargetEndpoints describe",
	.needs = endpoint_needs,
	.reconcile = endpoint_reconcile,
};

int main(int argc, char **argv)
{
	return service_main(&endpoint_svc, argc, argv);
}
