#include "api-svc/observe.h"

#include "api-svc/inputs.h"
#include "api-svc/workload.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

/* Made by the bus (apictl system init): the passwords of all of its users. */
#define BUS_SECRET "apim-bus-credentials"
#define BUS_USER "gateway"

static char *secret_name(const struct inputs *in)
{
	return arena_printf(in->arena, "%s-usage", in->name);
}

/* Base64, as it stands there; NULL: not there. */
static const char *password(const struct inputs *in)
{
	const struct json *secret =
		world_get(in->world, KIND_SECRET, in->world->system_ns, BUS_SECRET);

	return json_str(json_path(secret, "data", BUS_USER, NULL));
}

void observe_need(const struct inputs *in, struct needs *n)
{
	if (in->conf.usage)
		need_input(n, KIND_SECRET, in->world->system_ns, BUS_SECRET);
}

void observe_check(struct inputs *in)
{
	if (in->conf.usage &&
		world_find(in->world, KIND_SECRET, in->world->system_ns, BUS_SECRET) &&
		!password(in))
		problem(in, &in->not_resolved, REASON_SECRET_NOT_FOUND,
			"Secret \"" BUS_SECRET "\" in namespace \"%s\" has no entry \"" BUS_USER
			"\"; ConfigMap \"apim-config\" wants usage to be published: apply deploy/controller-artifacts again, or set usageEvents to false",
			in->world->system_ns);
}

void observe_apply(struct plan *p, const struct inputs *in)
{
	struct child recorded;

	if (in->conf.usage)
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s},'type':'Opaque',"
				"'data':{'username':'Z2F0ZXdheQ==','password':%s}}",
				secret_name(in), password(in)),
			0);
	else if (world_child(p->world, KIND_SECRET, secret_name(in), &recorded))
		plan_delete(p, (struct ref){ KIND_SECRET, in->ns, secret_name(in) }, NULL);
}

static void add(const struct inputs *in, struct vec *ret, const char *name, const char *value)
{
	struct workload_env *e = arena_alloc(in->arena, sizeof(*e));

	*e = (struct workload_env){ name, value };
	vec_add(in->arena, ret, e);
}

static void add_tracing(const struct inputs *in, struct vec *ret)
{
	const struct conf_tracing *t = &in->conf.tracing;

	add(in, ret, "OTEL_EXPORTER_OTLP_ENDPOINT", t->endpoint);
	add(in, ret, "OTEL_SERVICE_NAME", in->name);
	add(in, ret, "OTEL_RESOURCE_ATTRIBUTES",
		arena_printf(in->arena, "k8s.namespace.name=%s,k8s.deployment.name=%s", in->ns,
			in->name));
	add(in, ret, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
	add(in, ret, "OTEL_TRACES_SAMPLER_ARG", t->ratio);
}

static void add_usage(const struct inputs *in, struct vec *ret)
{
	struct arena *a = in->arena;

	add(in, ret, "GATEWAY_USAGE_URL",
		arena_printf(a, "nats://nats.%s:4222", in->world->system_ns));
	add(in, ret, "GATEWAY_USAGE_API", arena_printf(a, "%s/%s", in->ns, in->name));
	add(in, ret, "GATEWAY_USAGE_SECONDS",
		arena_printf(a, "%lld", (long long)in->conf.usage_seconds));
}

void observe_environment(const struct inputs *in, struct vec *ret)
{
	if (in->conf.tracing.endpoint)
		add_tracing(in, ret);
	if (in->conf.usage)
		add_usage(in, ret);
}

void observe_fill(const struct inputs *in, struct workload *ret)
{
	if (in->conf.usage)
		ret->usage_secret = secret_name(in);
}
