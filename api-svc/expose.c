#include "api-svc/expose.h"

#include "api-svc/inputs.h"
#include "api-svc/routes.h"
#include "lib/base/arena.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

#define CLAIM_LABEL "apim.wso2.com/claim-"

enum {
	CLAIM_DIGITS = 16,
	LOOK_AGAIN_MS = 2000, /* somebody may have claimed the same at the same moment */
};

static const enum kind kinds[] = { KIND_INGRESS, KIND_ROUTE, KIND_VIRTUAL_SERVICE };

/* ---- claims ---- */

static const char *claim_key(struct arena *a, const char *host, const char *path)
{
	char *text = arena_printf(a, "%s %s", host, path);

	return arena_printf(a, CLAIM_LABEL "%.*s", CLAIM_DIGITS, sha256_hex(a, text, strlen(text)));
}

static const char *selector(struct arena *a, const struct route *r, size_t path)
{
	return arena_printf(a, "%s=true", claim_key(a, r->host, r->paths[path]));
}

static struct json *with_claims(struct arena *a, const struct route *r)
{
	struct json *body = json_dup(a, r->body);
	struct json *labels = json_sub(a, json_sub(a, body, "metadata"), "labels");

	for (size_t i = 0; i < r->n_paths; i++)
		json_set_str(a, labels, claim_key(a, r->host, r->paths[i]), "true");
	return body;
}

static const char *created(const struct json *object)
{
	const char *text = json_get_str(json_get(object, "metadata"), "creationTimestamp");

	return text ? text : "";
}

/* Of two that exist the older one; of two of the same second the one whose name comes first. */
static bool is_older(struct arena *a, const struct object *x, const struct object *than)
{
	int order;

	if (!than)
		return true;
	order = strcmp(created(x->json), created(than->json));
	if (order == 0)
		order = strcmp(ref_text(a, x->ref), ref_text(a, than->ref));
	return order < 0;
}

static struct ref owner(const struct object *o, const char **ret_uid)
{
	json_foreach (r, json_path(o->json, "metadata", "ownerReferences", NULL)) {
		if (!str_eq(json_get_str(r, "kind"), kind_info(KIND_API)->kind))
			continue;
		*ret_uid = json_get_str(r, "uid");
		return (struct ref){ KIND_API, o->ref.ns, json_get_str(r, "name") };
	}
	return (struct ref){ KIND_NONE, NULL, NULL };
}

/* Somebody else's object with one of the same claims that goes before ours. */
struct rival {
	const struct object *object;
	const char *path;
};

static bool find_rival(const struct inputs *in, const struct route *r, size_t path,
	bool (*counts)(const struct inputs *, const struct object *), struct rival *ret)
{
	const struct world_list *l =
		world_list(in->world, r->kind, NULL, selector(in->arena, r, path));
	const struct ref own = { r->kind, in->ns, r->name };
	const struct object *ours = NULL;

	if (!l)
		return false;
	vec_foreach (const struct object *, o, &l->items)
		if (ref_eq(o->ref, own))
			ours = o;
	vec_foreach (const struct object *, o, &l->items) {
		if (o == ours || !is_older(in->arena, o, ours) || !counts(in, o))
			continue;
		*ret = (struct rival){ o, r->paths[path] };
		return true;
	}
	return false;
}

static bool has_owner(const struct inputs *in UNUSED, const struct object *o)
{
	const char *uid = NULL;

	return owner(o, &uid).kind == KIND_API;
}

/* An object outlives its API for a moment. */
static bool is_alive(const struct inputs *in, const struct object *o)
{
	const char *uid = NULL;
	struct ref api = owner(o, &uid);
	const struct json *json = world_get(in->world, api.kind, api.ns, api.name);

	return json && !meta_deleting(json) && str_eq(meta_uid(json), uid) &&
	       !(str_eq(api.ns, in->ns) && str_eq(api.name, in->name));
}

static bool has_rival(const struct inputs *in, const struct route *r, struct rival *ret)
{
	for (size_t i = 0; i < r->n_paths; i++)
		if (find_rival(in, r, i, is_alive, ret))
			return true;
	return false;
}

/* ---- needs ---- */

static void need_rivals(const struct inputs *in, const struct route *r, struct needs *n)
{
	struct rival rival;

	for (size_t i = 0; i < r->n_paths; i++) {
		const char *uid = NULL;
		struct ref api;

		need_list(n, r->kind, NULL, selector(in->arena, r, i));
		if (!find_rival(in, r, i, has_owner, &rival))
			continue;
		api = owner(rival.object, &uid);
		need_input(n, KIND_API, api.ns, api.name);
	}
}

/* Whether a kind is served is known when one of it was asked for. */
static bool is_served(const struct inputs *in, const struct route *r)
{
	const struct object *o = world_find(in->world, r->kind, in->ns, r->name);

	return o && !o->no_kind;
}

static struct ref istio_gateway(const struct inputs *in)
{
	const char *text = in->conf.istio.gateway;
	const char *slash = strchr(text, '/');

	if (!slash)
		return (struct ref){ KIND_ISTIO_GATEWAY, in->ns, text };
	return (struct ref){ KIND_ISTIO_GATEWAY,
		arena_dupn(in->arena, text, (size_t)(slash - text)), slash + 1 };
}

/* Before that, names are those of the defaults. */
static bool conf_is_read(const struct inputs *in)
{
	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		if (inputs_use(in, o) && !world_find(in->world, KIND_CONFIG_MAP,
						 in->world->system_ns, conf_object_name(o)))
			return false;
	return true;
}

void expose_need(const struct inputs *in, struct needs *n)
{
	struct vec wanted = { 0 };

	json_foreach (c, json_path(in->world->root, "status", "children", NULL))
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (kind_by_name(json_get_str(c, "kind")) == kinds[i])
				need_child(n, kinds[i], in->ns, json_get_str(c, "name"));
	if (conf_is_read(in))
		routes_wanted(in, &wanted);
	vec_foreach (const struct route *, r, &wanted) {
		struct ref gateway = istio_gateway(in);

		need_child(n, r->kind, in->ns, r->name);
		if (!is_served(in, r))
			continue;
		need_rivals(in, r, n);
		if (r->kind == KIND_VIRTUAL_SERVICE)
			need_input(n, KIND_ISTIO_GATEWAY, gateway.ns, gateway.name);
	}
}

/* ---- apply ---- */

static bool is_wanted(const struct plan *p, struct ref ref)
{
	vec_foreach (const struct plan_apply *, x, &p->applies)
		if (ref_eq(ref_of(x->body), ref))
			return true;
	return false;
}

static void delete_the_rest(struct plan *p, const struct inputs *in)
{
	json_foreach (c, json_path(p->world->root, "status", "children", NULL))
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			struct ref ref = { kinds[i], in->ns, json_get_str(c, "name") };
			const struct json *live = world_get(p->world, ref.kind, ref.ns, ref.name);

			if (kind_by_name(json_get_str(c, "kind")) == kinds[i] && live &&
				!is_wanted(p, ref))
				plan_delete(p, ref, meta_uid(live));
		}
}

void expose_apply(struct plan *p, const struct inputs *in)
{
	struct vec wanted = { 0 };

	routes_wanted(in, &wanted);
	vec_foreach (const struct route *, r, &wanted) {
		struct rival rival;
		struct child c;

		if (!is_served(in, r) || has_rival(in, r, &rival))
			continue;
		plan_apply(p, with_claims(p->arena, r), 0);
		if (!world_child(p->world, r->kind, r->name, &c))
			plan_requeue(p, LOOK_AGAIN_MS);
	}
	delete_the_rest(p, in);
}

/* ---- judge ---- */

enum {
	UNSERVED_MS = 60 * 1000,
};

static bool refuse(struct plan *p, const struct route *r, const struct inputs *in)
{
	const struct kind_info *info = kind_info(r->kind);
	struct ref gateway = istio_gateway(in);
	struct rival rival;

	if (!is_served(in, r)) {
		plan_requeue(p, UNSERVED_MS);
		plan_condition(p, COND_EXPOSED, "False", REASON_KIND_NOT_SERVED,
			"the cluster does not serve %s of %s, which operatorMode %s of ConfigMap controller-config needs; "
			"install it or choose another mode",
			info->kind, info->api_version, operator_mode_name(in->conf.mode));
	} else if (has_rival(in, r, &rival)) {
		const char *uid = NULL;
		struct ref api = owner(rival.object, &uid);

		plan_condition(p, COND_EXPOSED, "False", REASON_BASE_PATH_CONFLICT,
			"%s%s is taken by API \"%s\" of namespace \"%s\"; give one of them another base path or host",
			r->host, rival.path, api.name, api.ns);
	} else if (r->kind == KIND_VIRTUAL_SERVICE && !str_eq(gateway.name, "mesh") &&
		   !world_get(in->world, gateway.kind, gateway.ns, gateway.name)) {
		plan_condition(p, COND_EXPOSED, "False", REASON_GATEWAY_NOT_FOUND,
			"Istio's Gateway \"%s\" not found in namespace \"%s\"; create it, or correct gatewayName in "
			"ConfigMap istio-configs",
			gateway.name, gateway.ns);
	} else {
		return false;
	}
	if (plan_changed(p, COND_EXPOSED))
		plan_event(p, "Warning", plan_condition_get(p, COND_EXPOSED)->reason, "%s",
			plan_condition_get(p, COND_EXPOSED)->message);
	return true;
}

static void judge_one(struct plan *p, const struct route *r, const struct inputs *in)
{
	const struct json *live = world_get(p->world, r->kind, in->ns, r->name);
	const char *state = child_state(p->arena, r->kind, live);

	if (refuse(p, r, in))
		return;
	if (r->kind == KIND_VIRTUAL_SERVICE)
		plan_condition(p, COND_EXPOSED, "True", REASON_APPLIED,
			"VirtualService %s brings what Gateway %s receives for %s", r->name,
			in->conf.istio.gateway, r->host);
	else if (r->kind == KIND_INGRESS && *state)
		plan_condition(p, COND_EXPOSED, "True", REASON_ADDRESS_ASSIGNED,
			"Ingress %s serves host %s at %s", r->name, r->host, state);
	else if (r->kind == KIND_INGRESS)
		plan_condition(p, COND_EXPOSED, "False", REASON_ADDRESS_PENDING,
			"Ingress %s waits for an ingress controller to give it an address",
			r->name);
	else if (str_eq(state, "Admitted"))
		plan_condition(p, COND_EXPOSED, "True", REASON_ADDRESS_ASSIGNED,
			"a router serves host %s by Route %s", r->host, r->name);
	else
		plan_condition(p, COND_EXPOSED, "False", REASON_NOT_ADMITTED, "Route %s %s",
			r->name,
			*state ? "was rejected by the router; kubectl describe route says why"
			       : "waits for a router to admit it");
}

/* While nothing is rolled out, what was true of the last rollout still is. */
static void keep(struct plan *p)
{
	const struct json *status = json_get(p->world->root, "status");

	json_foreach (c, json_get(status, "conditions"))
		if (str_eq(json_get_str(c, "type"), COND_EXPOSED))
			plan_condition(p, COND_EXPOSED, json_get_str(c, "status"),
				json_get_str(c, "reason"), "%s", json_get_str(c, "message"));
	if (!plan_condition_get(p, COND_EXPOSED))
		plan_condition(p, COND_EXPOSED, "Unknown", REASON_NOT_STARTED,
			"no gateway was started yet");
	json_set_str(p->arena, p->status, "endpoint", json_get_str(status, "endpoint"));
	if (!json_get(p->status, "endpoint"))
		json_set_str(p->arena, p->status, "endpoint", "<pending>");
}

static bool is_applied(const struct plan *p)
{
	return is_wanted(
		p, (struct ref){ KIND_SERVICE, p->world->root_ref.ns, p->world->root_ref.name });
}

/* The first that is not as it should be says what is wrong. */
bool expose_judge(struct plan *p, const struct inputs *in)
{
	struct vec wanted = { 0 };
	const struct condition *c;

	if (!routes_are_wanted(in))
		return false;
	routes_wanted(in, &wanted);
	if (!is_applied(p) || wanted.n == 0) {
		keep(p);
		return true;
	}
	vec_foreach (const struct route *, r, &wanted) {
		judge_one(p, r, in);
		json_set_str(p->arena, p->status, "endpoint", r->host);
		c = plan_condition_get(p, COND_EXPOSED);
		if (!str_eq(c->status, "True"))
			break;
	}
	return true;
}
