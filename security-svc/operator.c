#include "security-svc/operator.h"

#include "lib/api/security.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/conf/conf.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"

#define STATUS "operator-status"

static bool is_the_operators(const struct world *w)
{
	return str_eq(w->root_ref.ns, w->system_ns) &&
	       str_eq(w->root_ref.name, "default-security-jwt");
}

void operator_needs(const struct world *w, struct needs *n)
{
	if (!is_the_operators(w) || !w->root)
		return;
	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		need_input(n, KIND_CONFIG_MAP, w->system_ns, conf_object_name(o));
	need_input(n, KIND_SECRET, w->system_ns, SECURITY_KEYS_SECRET);
}

bool operator_lacks_secret(const struct world *w)
{
	const struct object *secret =
		world_find(w, KIND_SECRET, w->system_ns, SECURITY_KEYS_SECRET);

	return is_the_operators(w) && w->root && secret && !secret->json;
}

/* Of no owner: it outlives the Security. */
void operator_make_secret(struct plan *p)
{
	const char *text = json_get_str(p->world->observed, "secret");

	if (!text || !operator_lacks_secret(p->world))
		return;
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'" SECURITY_KEYS_SECRET
			"'},'type':'Opaque','data':{'key':%s}}",
			base64_encode(p->arena, text, strlen(text))),
		PLAN_CREATE | PLAN_UNOWNED);
}

void operator_report(struct plan *p)
{
	const struct world *w = p->world;
	struct conf_input in = { .mounts_ns = w->system_ns };

	if (!is_the_operators(w))
		return;
	for (enum conf_object o = CONF_CONTROLLER; o < CONF_OBJECTS; o++)
		in.objects[o] = world_get(w, KIND_CONFIG_MAP, w->system_ns, conf_object_name(o));
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'" STATUS
			"'},'data':%j}",
			conf_report(p->arena, &in)),
		0);
}
