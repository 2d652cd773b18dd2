#include "security-svc/operator.h"

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
