/* security-svc: turns Security objects and the Secrets they name into what gateways verify with. */
#include "lib/svc/service.h"
#include "security-svc/observe.h"
#include "security-svc/security.h"

static const struct service security_svc = {
	.name = "security-svc",
	.about = "compiles Security objects and the Secrets they name for gateways",
	.needs = security_needs,
	.reconcile = security_reconcile,
	.observe = security_observe,
};

int main(int argc, char **argv)
{
	return service_main(&security_svc, argc, argv);
}
