/* ratelimit-svc: turns the RateLimiting objects of a namespace into its policy document. */
#include "lib/svc/service.h"
#include "ratelimit-svc/ratelimit.h"

static const struct service ratelimit_svc = {
	.name = "ratelimit-svc",
	.about = "renders the rate-limit policies of a namespace",
	.needs = ratelimit_needs,
	.reconcile = ratelimit_reconcile,
};

int main(int argc, char **argv)
{
	return service_main(&ratelimit_svc, argc, argv);
}
