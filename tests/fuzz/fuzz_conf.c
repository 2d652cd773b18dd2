/* Any JSON as the operator's configuration, and any text as the documents that services leave each
 * other. */
#include "lib/api/finding.h"
#include "lib/api/policies.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/conf/conf.h"
#include "lib/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void configure(struct arena *a, const struct json *object)
{
	struct conf_input in = { .images = { "toolkit", "runtime", "kaniko" },
		.ns = "shop",
		.mounts_ns = "wso2-system" };
	struct findings f;
	struct conf c;

	findings_init(&f, a);
	for (enum conf_object o = 0; o < CONF_OBJECTS; o++)
		in.objects[o] = object;
	conf_read(a, &in, &c, &f);
	if (!c.gateway.limit_memory || !c.metrics || c.max_replicas < 1 || !c.kaniko_image)
		abort();
	if (!c.ingress.annotations || !c.route.annotations || !c.istio.gateway)
		abort();
	vec_foreach (const struct conf_mount *, m, &c.mounts)
		(void)conf_mount_name(a, m, "store");
	(void)conf_docker_config(a, &c.registry, object);
	(void)conf_report(a, &in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct json *v = json_parse(a, (const char *)data, n, &err);
	struct security_policy security;
	struct policies policies;

	if (!v)
		return 0;
	configure(a, v);
	if (policies_read(a, v, &policies, &err))
		(void)policies_yaml(a, &policies);
	if (security_policy_read(a, (const char *)data, n, &security, &err))
		(void)security_policy_json(a, &security);
	return 0;
}
