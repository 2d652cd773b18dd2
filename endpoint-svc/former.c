#include "endpoint-svc/former.h"

#include "endpoint-svc/backend.h"
#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

enum {
	/* A pod of the rollout before has ended by then: Kubernetes gives a gateway 30 s. */
	DRAINED_S = 60,
	LOOK_AGAIN_MS = 10 * 1000,
	MAX_FORMER = 16,
};

/* ---- who calls ---- */

void former_need_callers(struct needs *n)
{
	need_recent_list(n, KIND_API, NULL, NULL, NULL);
}

static const char *version_read(const struct json *api, struct ref te)
{
	json_foreach (d, json_path(api, "status", "dependencies", NULL))
		if (str_eq(json_get_str(d, "kind"), kind_info(te.kind)->kind) &&
			str_eq(json_get_str(d, "namespace"), te.ns) &&
			str_eq(json_get_str(d, "name"), te.name))
			return json_get_str(d, "resourceVersion");
	return NULL;
}

/* Its gateways are all of the present generation, and have been for long enough. */
static bool has_settled(const struct json *api, const char *long_ago)
{
	const struct json *status = json_get(api, "status");

	if (json_get_int(status, "observedGeneration", 0) != meta_generation(api))
		return false;
	json_foreach (c, json_get(status, "conditions"))
		if (str_eq(json_get_str(c, "type"), COND_READY))
			return str_eq(json_get_str(c, "status"), "True") &&
			       json_get_str(c, "lastTransitionTime") &&
			       strcmp(json_get_str(c, "lastTransitionTime"), long_ago) <= 0;
	return false;
}

bool former_is_called(const struct plan *p)
{
	const struct world *w = p->world;
	const struct world_list *apis = world_list(w, KIND_API, NULL, NULL);
	const char *long_ago = clock_rfc3339(p->arena, (w->now_s - DRAINED_S) * 1000);

	if (!apis)
		return false;
	vec_foreach (const struct object *, api, &apis->items) {
		const char *version = version_read(api->json, w->root_ref);

		if (version && !(str_eq(version, meta_version(w->root)) &&
				       has_settled(api->json, long_ago)))
			return true;
	}
	return false;
}

/* ---- ports ---- */

static const struct json *live_ports(const struct world *w)
{
	const struct json *live = world_get(w, KIND_SERVICE, w->root_ref.ns, w->root_ref.name);

	return backend_is_of(live, meta_uid(w->root)) ? json_path(live, "spec", "ports", NULL)
						      : NULL;
}

static const struct target_port *port_named(const struct target_endpoint *te, const char *name)
{
	vec_foreach (const struct target_port *, p, &te->ports)
		if (str_eq(p->name, name))
			return p;
	return NULL;
}

static bool is_former(const struct target_endpoint *te, const struct json *port)
{
	vec_foreach (const struct target_port *, p, &te->ports)
		if (p->port == json_get_int(port, "port", 0))
			return false;
	return true;
}

void former_need(const struct world *w, const struct target_endpoint *te, struct needs *n)
{
	need_child(n, KIND_SERVICE, w->root_ref.ns, w->root_ref.name);
	json_foreach (port, live_ports(w))
		if (is_former(te, port))
			former_need_callers(n);
}

/* The number that pods have given that name so far; 0: none. */
static int64_t number_of(const struct world *w, const char *name)
{
	const struct json *live = world_get(w, KIND_DEPLOYMENT, w->root_ref.ns, w->root_ref.name);

	json_foreach (c, json_path(live, "spec", "template", "spec", "containers", NULL))
		json_foreach (p, json_get(c, "ports"))
			if (str_eq(json_get_str(p, "name"), name))
				return json_get_int(p, "containerPort", 0);
	return 0;
}

/* Where it leads: to where the port of its name leads now, else to where it led. */
static struct json *target(
	const struct plan *p, const struct target_endpoint *te, const struct json *port)
{
	const struct target_port *same = port_named(te, json_get_str(port, "name"));
	const char *name = json_get_str(port, "targetPort");
	int64_t number = name && !port_named(te, name) ? number_of(p->world, name) : 0;

	if (same)
		return json_string(p->arena, target_endpoint_port_name(te, same));
	return number > 0 ? json_number(p->arena, (double)number)
			  : json_dup(p->arena, json_get(port, "targetPort"));
}

struct json *former_ports(struct plan *p, const struct target_endpoint *te)
{
	struct json *kept = json_array(p->arena);

	if (!former_is_called(p))
		return kept;
	json_foreach (port, live_ports(p->world))
		if (is_former(te, port) && json_len(kept) < MAX_FORMER)
			json_add(kept,
				json_format(p->arena,
					"{'name':%s,'port':%l,'targetPort':%j,'protocol':'TCP'}",
					json_get_str(port, "name"), json_get_int(port, "port", 0),
					target(p, te, port)));
	return kept;
}

const char *former_name(
	const struct plan *p, const struct json *kept, const struct target_port *port)
{
	json_foreach (live, live_ports(p->world))
		if (json_get_int(live, "port", 0) == port->port)
			return json_get_str(live, "name");
	json_foreach (former, kept)
		if (str_eq(json_get_str(former, "name"), port->name))
			return arena_printf(
				p->arena, "%.9s-%lld", port->name, (long long)port->port);
	return port->name;
}

void former_tell(struct plan *p)
{
	if (!former_is_called(p))
		return;
	plan_requeue(p, LOOK_AGAIN_MS);
	if (str_eq(plan_condition_get(p, COND_READY)->status, "True"))
		plan_condition(p, COND_RECONCILING, "True", REASON_STILL_CALLED,
			"gateways from before the last edit still call it as it was; that stays until they are replaced");
}
