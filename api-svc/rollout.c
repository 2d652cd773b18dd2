#include "api-svc/rollout.h"

#include "api-svc/credentials.h"
#include "api-svc/expose.h"
#include "api-svc/inputs.h"
#include "api-svc/mounts.h"
#include "api-svc/names.h"
#include "api-svc/observe.h"
#include "api-svc/replicas.h"
#include "api-svc/workload.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

/* On the Deployment: hash of what we want it to be. A live one with another hash is not rolled out
 * yet. */
#define ANNOTATION_SPEC "apim.wso2.com/spec"

#define ENV_LOG_LEVEL "GATEWAY_LOG_LEVEL"

static const char *endpoint_pending = "<pending>";

static void need_recorded(const struct world *w, struct needs *n, enum kind kind)
{
	struct child c;

	if (world_child(w, kind, w->root_ref.name, &c))
		need_child(n, kind, w->root_ref.ns, c.name);
}

void rollout_need(const struct world *w, struct needs *n)
{
	struct child service;

	need_recorded(w, n, KIND_DEPLOYMENT);
	/* Its address is recorded; a Service that changes is read by the runtime. */
	if (world_child(w, KIND_SERVICE, w->root_ref.name, &service) && str_empty(service.state))
		need_recorded(w, n, KIND_SERVICE);
}

static const struct json *live(const struct plan *p, enum kind kind)
{
	const struct ref *root = &p->world->root_ref;

	return world_get(p->world, kind, root->ns, root->name);
}

/* The autoscaler owns the replicas once the Deployment exists. */
static int64_t replicas(const struct plan *p, const struct inputs *in)
{
	return json_get_int(
		json_get(live(p, KIND_DEPLOYMENT), "spec"), "replicas", in->api.replicas);
}

/* The gateway's own words for logLevel; NULL: what it does anyway. */
static const char *log_level(const struct conf *c)
{
	static const char *const levels[][2] = { { "ERROR", "error" }, { "WARN", "warn" },
		{ "DEBUG", "info" }, { "TRACE", "info" } };

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (str_eq(c->log_level, levels[i][0]))
			return levels[i][1];
	return NULL;
}

static bool api_says(const struct inputs *in, const char *name)
{
	vec_foreach (const struct api_env *, e, &in->api.env)
		if (str_eq(e->name, name))
			return true;
	return false;
}

/* What the API says goes before what the operator's configuration says. */
static struct workload_env *environment(struct arena *a, const struct inputs *in, size_t *ret_n)
{
	struct workload_env level = { ENV_LOG_LEVEL, log_level(&in->conf) };
	struct workload_env *env;
	struct vec ours = { 0 };

	if (level.value)
		vec_add(a, &ours, &level);
	observe_environment(in, &ours);
	env = arena_alloc(a, (in->api.env.n + ours.n + 1) * sizeof(*env));
	vec_foreach (const struct api_env *, e, &in->api.env)
		env[(*ret_n)++] = (struct workload_env){ e->name, e->value };
	vec_foreach (const struct workload_env *, e, &ours)
		if (!api_says(in, e->name))
			env[(*ret_n)++] = *e;
	return env;
}

static const char *image_by_digest(struct arena *a, const struct image *image)
{
	const char *colon = strrchr(image->ref, ':');
	const char *slash = strrchr(image->ref, '/');

	if (!image->digest)
		return image->ref;
	/* A colon before the last slash belongs to the registry's port. */
	if (!colon || (slash && colon < slash))
		colon = image->ref + strlen(image->ref);
	return arena_printf(a, "%.*s@%s", (int)(colon - image->ref), image->ref, image->digest);
}

static void add_pull_secret(struct arena *a, const char *name, struct vec *ret)
{
	vec_foreach (const char *, have, ret)
		if (str_eq(have, name))
			return;
	vec_add(a, ret, arena_dup(a, name));
}

/* What builder-svc wrote for its own images, and what the administrator names for all. */
static struct vec pull_secrets(
	const struct plan *p, const struct inputs *in, const struct image *image)
{
	struct vec ret = { 0 };

	if (image->digest && world_get(p->world, KIND_SECRET, in->ns, PULL_SECRET))
		add_pull_secret(p->arena, PULL_SECRET, &ret);
	vec_foreach (const char *, name, &in->conf.registry.pull_secrets)
		add_pull_secret(p->arena, name, &ret);
	return ret;
}

static void fill(
	struct plan *p, const struct inputs *in, const struct image *image, struct workload *ret)
{
	const struct conf *c = &in->conf;
	int64_t least = in->api.replicas > 0 ? in->api.replicas : 1;

	*ret = (struct workload){
		.api = in->name,
		.image = image_by_digest(p->arena, image),
		.image_is_immutable = image->digest != NULL,
		.pull_secrets = pull_secrets(p, in, image),
		.replicas = replicas(p, in),
		.min_replicas = least,
		.max_replicas = c->max_replicas > least ? c->max_replicas : least,
		.metrics = c->metrics,
		.cpu_percent = c->cpu_percent,
		.request_cpu = c->gateway.request_cpu,
		.request_memory = c->gateway.request_memory,
		.limit_cpu = c->gateway.limit_cpu,
		.limit_memory = c->gateway.limit_memory,
		.readiness_delay_s = c->readiness.delay_s,
		.readiness_period_s = c->readiness.period_s,
		.liveness_delay_s = c->liveness.delay_s,
		.liveness_period_s = c->liveness.period_s,
		.http_port = c->http_port,
		.https_port = c->https_port,
		.metrics_port = 9797,
		.observable = c->observability,
		.load_balancer = c->mode == OPERATOR_DEFAULT,
		.sidecars = in->sidecars,
		.client_trust = in->scan.asks_for_client_certificates,
		.backend_jwt = in->conf.backend_jwt,
	};
	ret->env = environment(p->arena, in, &ret->n_env);
	mounts_fill(in, ret);
	observe_fill(in, ret);
	replicas_fill(in, ret);
	credentials_fill(in, ret);
}

static const char *spec_hash(struct arena *a, const struct json *deployment)
{
	struct json *spec = json_prune(json_dup(a, json_get(deployment, "spec")));

	json_remove(spec, "replicas");
	return arena_dupn(a, json_sha256(a, spec), 16);
}

void rollout_check(struct inputs *in)
{
	replicas_check(in);
	if (in->api.replicas > in->conf.max_replicas)
		finding_add(&in->findings, FINDING_ADJUSTED, "spec.replicas",
			"is %lld, more than the autoscaler's %lld of the configuration (mgwMaxReplicas); that is raised to it",
			(long long)in->api.replicas, (long long)in->conf.max_replicas);
}

/* An autoscaler looks for its gateway's figures at once, and complains while there are none: it
 * comes when the gateway is there. */
static bool scales(const struct plan *p, const char *autoscaler)
{
	const struct json *deployment = live(p, KIND_DEPLOYMENT);
	struct child c;

	return world_child(p->world, KIND_HPA, autoscaler, &c) ||
	       str_eq(child_state(p->arena, KIND_DEPLOYMENT, deployment), "Available");
}

void rollout_apply(struct plan *p, const struct inputs *in, const struct image *image)
{
	struct json *deployment;
	struct json *autoscaler;
	struct workload w;

	fill(p, in, image, &w);
	deployment = workload_deployment(p->arena, &w);
	json_set_str(p->arena,
		json_sub(p->arena, json_sub(p->arena, deployment, "metadata"), "annotations"),
		ANNOTATION_SPEC, spec_hash(p->arena, deployment));
	plan_apply(p, deployment, 0);
	plan_apply(p, workload_service(p->arena, &w), 0);
	autoscaler = workload_hpa(p->arena, &w);
	if (scales(p, ref_of(autoscaler).name))
		plan_apply(p, autoscaler, 0);
	expose_apply(p, in);
}

/* What this plan wants the Deployment to be; NULL if it says nothing about it. */
static const char *wanted(const struct plan *p)
{
	vec_foreach (const struct plan_apply *, x, &p->applies)
		if (str_eq(json_get_str(x->body, "kind"), "Deployment"))
			return meta_annotation(x->body, ANNOTATION_SPEC);
	return NULL;
}

static void judge_deployment(struct plan *p)
{
	const struct json *d = live(p, KIND_DEPLOYMENT);
	const char *want = wanted(p);
	const char *state = child_state(p->arena, KIND_DEPLOYMENT, d);

	if (!d && !want)
		plan_condition(p, COND_PROGRAMMED, "Unknown", REASON_NOT_STARTED,
			"no gateway was started yet");
	else if (!d || (want && !str_eq(want, meta_annotation(d, ANNOTATION_SPEC))))
		plan_condition(p, COND_PROGRAMMED, "Unknown", REASON_PROGRESSING,
			"the gateway's Deployment is being rolled out");
	else if (str_eq(state, "Available"))
		plan_condition(p, COND_PROGRAMMED, "True", REASON_APPLIED,
			"the gateway is rolled out and available");
	else if (str_eq(state, "Stuck"))
		plan_condition(p, COND_PROGRAMMED, "False", REASON_UNAVAILABLE,
			"the gateway's Deployment made no progress before its deadline; kubectl describe pod -n %s -l app=%s",
			p->world->root_ref.ns, p->world->root_ref.name);
	else
		plan_condition(p, COND_PROGRAMMED, "Unknown", REASON_PROGRESSING,
			"the gateway's pods are starting");
}

/* As read, or as recorded if nothing was said to have changed; NULL: there is no Service. */
static const char *service_addresses(const struct plan *p)
{
	const struct ref *root = &p->world->root_ref;
	const struct object *seen = world_find(p->world, KIND_SERVICE, root->ns, root->name);
	struct child recorded;

	if (object_exists(seen))
		return child_state(p->arena, KIND_SERVICE, seen->json);
	if (!seen && world_child(p->world, KIND_SERVICE, root->name, &recorded))
		return recorded.state;
	return NULL;
}

static void judge_service(struct plan *p, const struct inputs *in)
{
	const struct json *s = live(p, KIND_SERVICE);
	const char *address = service_addresses(p);
	const char *type = json_get_str(json_get(s, "spec"), "type");
	/* The live one may still be of another mode. */
	bool internal = wanted(p) || !type ? in->conf.mode != OPERATOR_DEFAULT
					   : !str_eq(type, "LoadBalancer");

	if (!address && !wanted(p)) {
		json_set_str(p->arena, p->status, "endpoint", endpoint_pending);
		plan_condition(p, COND_EXPOSED, "Unknown", REASON_NOT_STARTED,
			"no gateway was started yet");
	} else if (internal) {
		json_set_str(p->arena, p->status, "endpoint",
			arena_printf(p->arena, "%s.%s.svc", in->name, in->ns));
		plan_condition(p, COND_EXPOSED, "True", REASON_CLUSTER_INTERNAL,
			"reachable inside the cluster");
	} else if (!str_empty(address)) {
		json_set_str(p->arena, p->status, "endpoint", address);
		plan_condition(p, COND_EXPOSED, "True", REASON_ADDRESS_ASSIGNED,
			"the load balancer answers at %s", address);
	} else {
		json_set_str(p->arena, p->status, "endpoint", endpoint_pending);
		plan_condition(p, COND_EXPOSED, "False", REASON_ADDRESS_PENDING,
			"the Service waits for a load balancer to give it an address");
	}
}

void rollout_judge(struct plan *p, const struct inputs *in)
{
	judge_deployment(p);
	if (!expose_judge(p, in))
		judge_service(p, in);
}
