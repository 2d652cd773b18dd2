#include "api-svc/targets.h"

#include "api-svc/inputs.h"
#include "api-svc/names.h"
#include "lib/api/finding.h"
#include "lib/api/grant.h"
#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	METRICS_PORT = 9797,
	/* A gateway that is told to end serves on for up to 24 s; its backend must outlast it. */
	LINGER_S = 25,
};

/* ---- beside the gateway ---- */

static const char *container_with_port(const struct json *containers, int64_t port)
{
	json_foreach (c, containers)
		json_foreach (p, json_get(c, "ports"))
			if (json_get_int(p, "containerPort", 0) == port)
				return json_get_str(c, "name");
	return NULL;
}

bool targets_have_port(const struct inputs *in, int64_t port)
{
	return container_with_port(in->sidecars, port) != NULL;
}

static const char *who_has_port(const struct inputs *in, int64_t port)
{
	if (port == in->conf.http_port || port == in->conf.https_port || port == METRICS_PORT)
		return "the gateway";
	return container_with_port(in->sidecars, port);
}

static bool is_name_taken(const struct inputs *in, const char *name)
{
	json_foreach (c, in->sidecars)
		if (str_eq(json_get_str(c, "name"), name))
			return true;
	return str_eq(name, names_gateway_container(in->arena, in->name));
}

/* Containers of one pod share its ports. */
static bool fits(struct inputs *in, const struct target_endpoint *te)
{
	vec_foreach (const struct target_port *, p, &te->ports) {
		const char *other = who_has_port(in, p->target_port);

		if (!other)
			continue;
		problem(in, &in->not_resolved, REASON_SIDECAR_CONFLICT,
			"TargetEndpoint \"%s\" runs in the gateway's pod and listens on port %lld there, which %s "
			"uses; choose another targetPort, or mode privateJet",
			te->name, (long long)p->target_port, other);
		return false;
	}
	if (!is_name_taken(in, te->container_name))
		return true;
	problem(in, &in->not_resolved, REASON_SIDECAR_CONFLICT,
		"TargetEndpoint \"%s\" runs in the gateway's pod, which has a container \"%s\" already; "
		"choose another spec.deploy.name",
		te->name, te->container_name);
	return false;
}

static void add_sidecar(struct inputs *in, struct target_endpoint *te)
{
	resources_default(&te->resources, &in->conf.backend);
	if (fits(in, te))
		json_add(in->sidecars, target_endpoint_container(in->arena, te, LINGER_S));
}

/* ---- each that a document names ---- */

/* Documents may say "products" and "products.shop", and mean one. */
static bool is_known(const struct inputs *in, struct ref ref)
{
	for (size_t i = 0; i < in->n_endpoints; i++)
		if (ref_eq(names_target_endpoint(in->arena, in->ns, in->endpoints[i].name), ref))
			return true;
	return false;
}

static bool is_usable(
	const struct object *o, struct inputs *in, struct ref ref, struct target_endpoint *ret)
{
	struct findings f;

	if (!object_exists(o)) {
		problem(in, &in->not_resolved, REASON_TARGET_ENDPOINT_NOT_FOUND,
			"TargetEndpoint \"%s\" not found in namespace \"%s\"; create it, or write a URL with its scheme",
			ref.name, ref.ns);
		return false;
	}
	findings_init(&f, in->arena);
	target_endpoint_decode(in->arena, o->json, ret, &f);
	if (!findings_fatal(&f))
		return true;
	problem(in, &in->not_resolved, REASON_TARGET_ENDPOINT_INVALID,
		"TargetEndpoint \"%s\" in namespace \"%s\": %s", ref.name, ref.ns,
		findings_fatal_text(&f));
	return false;
}

static bool is_shared(const struct conf *c, const char *ns)
{
	vec_foreach (const char *, shared, &c->shared_endpoint_namespaces)
		if (str_eq(shared, ns) || str_eq(shared, "*"))
			return true;
	return false;
}

/* One of another namespace needs somebody's word: the operator's, or that of its own namespace. */
static bool is_permitted(const struct world *w, const struct inputs *in, struct ref ref)
{
	return str_eq(ref.ns, in->ns) || is_shared(&in->conf, ref.ns) ||
	       grants_permit(
		       world_get(w, KIND_REFERENCE_GRANT, ref.ns, ALL_NAMES), w->root_ref, ref);
}

static void not_permitted(struct inputs *in, struct ref ref)
{
	problem(in, &in->not_resolved, REASON_REF_NOT_PERMITTED,
		"TargetEndpoint \"%s\" is in namespace \"%s\", which does not permit APIs of namespace \"%s\" to "
		"name it; create a ReferenceGrant in \"%s\" (from group wso2.com, kind API, namespace %s, to group "
		"wso2.com, kind TargetEndpoint), or let the operator's administrator add \"%s\" to "
		"sharedEndpointNamespaces in ConfigMap controller-config",
		ref.name, ref.ns, in->ns, ref.ns, in->ns, ref.ns);
}

static void use(const struct world *w, struct inputs *in, const char *name, bool known,
	struct target_endpoint *te)
{
	bool beside = target_endpoint_is_sidecar(te, in->mode);

	if (beside && !known)
		add_sidecar(in, te);
	in->endpoints[in->n_endpoints++] = (struct toolkit_endpoint_ref){ name,
		beside ? target_endpoint_local_url(w->arena, te)
		       : target_endpoint_url(w->arena, te) };
}

static void read_target(const struct world *w, struct inputs *in, const char *name)
{
	struct ref ref = names_target_endpoint(w->arena, in->ns, name);
	struct target_endpoint te;

	if (!is_permitted(w, in, ref))
		not_permitted(in, ref);
	else if (is_usable(world_find(w, ref.kind, ref.ns, ref.name), in, ref, &te))
		use(w, in, name, is_known(in, ref), &te);
}

void targets_read(const struct world *w, struct inputs *in)
{
	in->endpoints = arena_alloc(w->arena, in->scan.endpoints.n * sizeof(*in->endpoints) + 1);
	in->sidecars = json_array(w->arena);
	for (size_t i = 0; i < in->scan.endpoints.n; i++)
		read_target(w, in, in->scan.endpoints.at[i]);
}

void targets_need(const struct world *w, const struct inputs *in, struct needs *n)
{
	for (size_t i = 0; i < in->scan.endpoints.n; i++) {
		struct ref ref = names_target_endpoint(w->arena, in->ns, in->scan.endpoints.at[i]);

		/* Of what is not permitted nothing is told, not even whether it exists. */
		if (is_permitted(w, in, ref))
			need_input(n, ref.kind, ref.ns, ref.name);
		if (!str_eq(ref.ns, in->ns) && !is_shared(&in->conf, ref.ns))
			need_input(n, KIND_REFERENCE_GRANT, ref.ns, ALL_NAMES);
	}
}
