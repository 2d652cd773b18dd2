#include "endpoint-svc/endpoint.h"

#include "endpoint-svc/backend.h"
#include "endpoint-svc/former.h"
#include "lib/api/finding.h"
#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/conf/conf.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "lib/plan/world.h"

enum {
	/* After a change of the Deployment its own progress wakes us. Should the change turn out to
	 * be none (100m written as 0.1), nothing would: look once more. */
	LOOK_AGAIN_MS = 2000,
	NOT_SERVED_MS = 30 * 1000, /* between two looks whether Knative is there by now */
};

/* The configuration that backends depend on. */
static const enum conf_object conf_used[] = { CONF_CONTROLLER, CONF_HPA, CONF_REGISTRY };

/* What a workload may consist of: the first three of a Deployment of its own, the last of a
 * serverless one. */
static const enum kind workload[] = { KIND_HPA, KIND_DEPLOYMENT, KIND_SERVICE,
	KIND_KNATIVE_SERVICE };

static bool is_part(enum kind kind, const struct target_endpoint *te)
{
	return target_endpoint_has_workload(te) &&
	       (kind == KIND_KNATIVE_SERVICE) == (te->mode == MODE_SERVERLESS);
}

static const char *child_name(struct arena *a, enum kind kind, const char *te)
{
	return kind == KIND_HPA ? backend_hpa_name(a, te) : te;
}

/* What earlier passes left behind must be looked at before it is deleted. */
static void need_leftovers(const struct world *w, const struct target_endpoint *te, struct needs *n)
{
	struct child recorded;

	for (size_t i = 0; i < ARRAY_LEN(workload); i++) {
		const char *name = child_name(n->arena, workload[i], w->root_ref.name);

		if (!is_part(workload[i], te) && world_child(w, workload[i], name, &recorded))
			need_child(n, workload[i], w->root_ref.ns, name);
		if (te->mode == MODE_SIDECAR && world_child(w, workload[i], name, &recorded))
			former_need_callers(n);
	}
}

void endpoint_needs(const struct world *w, struct needs *n)
{
	struct target_endpoint te;
	struct findings ignored;

	if (!w->root)
		return;
	findings_init(&ignored, n->arena);
	target_endpoint_decode(n->arena, w->root, &te, &ignored);
	need_leftovers(w, &te, n);
	if (!target_endpoint_has_workload(&te))
		return;
	for (size_t i = 0; i < ARRAY_LEN(conf_used); i++)
		need_input(n, KIND_CONFIG_MAP, w->system_ns, conf_object_name(conf_used[i]));
	need_child(n, te.mode == MODE_SERVERLESS ? KIND_KNATIVE_SERVICE : KIND_DEPLOYMENT,
		w->root_ref.ns, w->root_ref.name);
	if (te.mode != MODE_SERVERLESS)
		former_need(w, &te, n);
}

static void read_conf(struct plan *p, struct conf *ret)
{
	const struct world *w = p->world;
	struct conf_input in = { 0 };
	struct findings f;

	findings_init(&f, p->arena);
	for (size_t i = 0; i < ARRAY_LEN(conf_used); i++)
		in.objects[conf_used[i]] =
			world_get(w, KIND_CONFIG_MAP, w->system_ns, conf_object_name(conf_used[i]));
	conf_read(p->arena, &in, ret, &f);
	plan_warn_configuration(p, &f);
}

/* What the TargetEndpoint does not say is the configuration's. */
static void complete(struct target_endpoint *te, const struct conf *conf, struct findings *f)
{
	resources_default(&te->resources, &conf->backend);
	if (te->max_replicas == 0)
		te->max_replicas = conf->backend_max_replicas;
	else if (te->max_replicas < te->min_replicas)
		finding_add(f, FINDING_ADJUSTED, "spec.deploy.maxReplicas",
			"is less than the minimum of %lld, which is used",
			(long long)te->min_replicas);
	if (te->max_replicas < te->min_replicas)
		te->max_replicas = te->min_replicas;
}

/* ---- workload ---- */

static const struct json *live_deployment(const struct plan *p)
{
	const struct world *w = p->world;

	return world_get(w, KIND_DEPLOYMENT, w->root_ref.ns, w->root_ref.name);
}

static void program(struct plan *p, const struct json *deployment)
{
	const struct json *live = live_deployment(p);
	const char *state = child_state(p->arena, KIND_DEPLOYMENT, live);
	const char *name = p->world->root_ref.name;
	bool changes = !str_eq(meta_annotation(live, ANNOTATION_SPEC_HASH),
		meta_annotation(deployment, ANNOTATION_SPEC_HASH));

	if (live && changes)
		plan_requeue(p, LOOK_AGAIN_MS);
	if (!changes && str_eq(state, "Available"))
		plan_condition(p, COND_PROGRAMMED, "True", REASON_APPLIED,
			"Deployment \"%s\" is available", name);
	else if (!changes && str_eq(state, "Stuck"))
		plan_condition(p, COND_PROGRAMMED, "False", REASON_UNAVAILABLE,
			"Deployment \"%s\" made no progress for too long; see its pods", name);
	else
		plan_condition(p, COND_PROGRAMMED, "Unknown", REASON_PROGRESSING,
			"Deployment \"%s\" is rolling out", name);
}

/* They lead to names: while pods are replaced, each is asked at the number that it has itself. */
static struct json *service_ports(struct plan *p, const struct target_endpoint *te)
{
	struct json *former = former_ports(p, te);
	struct json *list = json_array(p->arena);

	vec_foreach (const struct target_port *, port, &te->ports)
		json_add(list, json_format(p->arena,
				       "{'name':%s,'port':%l,'targetPort':%s,'protocol':'TCP'}",
				       former_name(p, former, port), port->port,
				       target_endpoint_port_name(te, port)));
	json_foreach (port, former)
		json_add(list, json_dup(p->arena, port));
	return list;
}

static void run(struct plan *p, const struct target_endpoint *te, const struct conf *conf)
{
	const struct json *live = live_deployment(p);
	/* Once it exists the autoscaler decides; what it decided is repeated, because a field that
	 * we no longer applied would go back to its default. */
	const struct backend b = { .te = te,
		.labels = json_path(p->world->root, "metadata", "labels", NULL),
		.metrics = conf->backend_metrics,
		.pull_secrets = &conf->registry.pull_secrets,
		.ports = service_ports(p, te),
		.replicas = json_get_int(json_get(live, "spec"), "replicas", te->min_replicas) };
	struct json *deployment = backend_deployment(p->arena, &b);

	program(p, deployment);
	plan_apply(p, deployment, 0);
	plan_apply(p, backend_service(p->arena, &b), 0);
	plan_apply(p, backend_hpa(p->arena, &b), 0);
}

/* ---- serverless ---- */

static const char *why_not_ready(const struct json *service)
{
	json_foreach (c, json_path(service, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), "Ready"))
			return json_get_str(c, "message");
	return NULL;
}

static void program_serverless(struct plan *p, const struct json *service)
{
	const struct world *w = p->world;
	const char *name = w->root_ref.name;
	const struct json *live = world_get(w, KIND_KNATIVE_SERVICE, w->root_ref.ns, name);
	const char *state = child_state(p->arena, KIND_KNATIVE_SERVICE, live);
	const char *why = why_not_ready(live);
	bool changes = !str_eq(meta_annotation(live, ANNOTATION_SPEC_HASH),
		meta_annotation(service, ANNOTATION_SPEC_HASH));

	if (live && changes)
		plan_requeue(p, LOOK_AGAIN_MS);
	if (!changes && str_eq(state, "Ready"))
		plan_condition(p, COND_PROGRAMMED, "True", REASON_APPLIED,
			"Knative Service \"%s\" is ready", name);
	else if (!changes && str_eq(state, "Failed"))
		plan_condition(p, COND_PROGRAMMED, "False", REASON_UNAVAILABLE,
			"Knative Service \"%s\" is not ready: %s", name,
			why ? why : "see its conditions");
	else
		plan_condition(p, COND_PROGRAMMED, "Unknown", REASON_PROGRESSING,
			"Knative Service \"%s\" is rolling out", name);
}

static void run_serverless(
	struct plan *p, const struct target_endpoint *te, const struct conf *conf)
{
	const struct world *w = p->world;
	const struct object *o =
		world_find(w, KIND_KNATIVE_SERVICE, w->root_ref.ns, w->root_ref.name);
	const struct backend b = { .te = te,
		.labels = json_path(w->root, "metadata", "labels", NULL),
		.pull_secrets = &conf->registry.pull_secrets };
	struct json *service;

	if (o && o->no_kind) {
		plan_condition(p, COND_PROGRAMMED, "False", REASON_KIND_NOT_SERVED,
			"mode serverless needs Knative Serving, which this cluster does not have; install it, or choose "
			"privateJet or sidecar");
		plan_requeue(p, NOT_SERVED_MS);
		return;
	}
	service = backend_knative(p->arena, &b);
	program_serverless(p, service);
	plan_apply(p, service, 0);
}

/* ---- what is not run any more ---- */

/* In another mode it was run in another way. What becomes a sidecar is run on until the gateways
 * have one. */
static void remove_leftovers(struct plan *p, const struct target_endpoint *te)
{
	const struct world *w = p->world;

	if (te->mode == MODE_SIDECAR && former_is_called(p))
		return;
	for (size_t i = 0; i < ARRAY_LEN(workload); i++) {
		struct ref r = { workload[i], w->root_ref.ns,
			child_name(p->arena, workload[i], te->name) };
		const struct json *live = world_get(w, r.kind, r.ns, r.name);

		if (!is_part(workload[i], te) && backend_is_of(live, meta_uid(w->root)))
			plan_delete(p, r, meta_uid(live));
	}
}

/* The backend runs elsewhere, or in the gateway's pod. */
static void run_nothing(struct plan *p, const struct target_endpoint *te)
{
	plan_condition(p, COND_PROGRAMMED, "True", REASON_NO_WORKLOAD, "%s",
		te->mode == MODE_SIDECAR ? "the gateways that use it run it in their own pods"
					 : "spec.deploy.dockerImage is empty: it runs already");
}

/* ---- verdict ---- */

static bool was_ready(const struct plan *p)
{
	json_foreach (c, json_path(p->world->root, "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), COND_READY))
			return str_eq(json_get_str(c, "status"), "True");
	return false;
}

static void tell_others(struct plan *p)
{
	const struct condition *ready = plan_condition_get(p, COND_READY);
	bool is_ready = str_eq(ready->status, "True");

	if (is_ready == was_ready(p))
		return;
	plan_cloud_event(p, is_ready ? "endpoint.ready" : "endpoint.unready",
		json_format(p->arena, "{'url':%s,'reason':%s,'message':%s}",
			json_get_str(p->status, "url"), ready->reason, ready->message));
}

static void decide(struct plan *p, struct target_endpoint *te, struct findings *f)
{
	static const char *const later[] = { COND_PROGRAMMED, NULL };
	bool has_workload = target_endpoint_has_workload(te);
	struct conf conf;

	if (has_workload) {
		read_conf(p, &conf);
		complete(te, &conf, f);
	}
	if (!plan_accept(p, f)) {
		plan_block(p, later, COND_ACCEPTED);
		return;
	}
	json_set_str(p->arena, p->status, "url",
		te->mode == MODE_SIDECAR ? target_endpoint_local_url(p->arena, te)
					 : target_endpoint_url(p->arena, te));
	remove_leftovers(p, te);
	if (!has_workload)
		run_nothing(p, te);
	else if (te->mode == MODE_SERVERLESS)
		run_serverless(p, te, &conf);
	else
		run(p, te, &conf);
}

bool endpoint_reconcile(const struct world *w, struct plan *p, struct err *err)
{
	static const char *const required[] = { COND_ACCEPTED, COND_PROGRAMMED, NULL };
	static const char *const told[] = { COND_UNUSED_FIELDS, COND_ACCEPTED, COND_PROGRAMMED,
		COND_READY, NULL };
	struct target_endpoint te;
	struct findings f;

	(void)err;
	if (!w->root || meta_deleting(w->root))
		return true;
	findings_init(&f, p->arena);
	target_endpoint_decode(p->arena, w->root, &te, &f);
	decide(p, &te, &f);
	plan_summarize(p, required);
	former_tell(p);
	plan_announce(p, told);
	tell_others(p);
	return true;
}
