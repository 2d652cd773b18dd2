#include "api-svc/credentials.h"

#include "api-svc/inputs.h"
#include "api-svc/names.h"
#include "api-svc/workload.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"

/* The Security that a recorded child is a copy of; NULL: it is something else. */
static const char *copied(const struct world *w, const struct json *child)
{
	const char *prefix = names_credentials(w->arena, w->root_ref.name, "");
	const char *name = json_get_str(child, "name");

	if (kind_by_name(json_get_str(child, "kind")) != KIND_SECRET || !str_starts(name, prefix))
		return NULL;
	return name + strlen(prefix);
}

/* Securities of which there are copies. */
static struct vec recorded(const struct world *w)
{
	struct vec ret = { 0 };

	json_foreach (c, json_path(w->root, "status", "children", NULL)) {
		const char *security = copied(w, c);

		if (security)
			vec_add(w->arena, &ret, (void *)(uintptr_t)security);
	}
	return ret;
}

/* Securities whose credentials the gateway mounts. */
static struct vec wanted(const struct inputs *in)
{
	struct vec ret = { 0 };

	for (size_t i = 0; i < in->n_securities; i++)
		if (!str_eq(in->securities[i].type, security_type_name(SECURITY_JWT)))
			vec_add(in->arena, &ret, (void *)(uintptr_t)in->securities[i].name);
	return ret;
}

static bool contains(const struct vec *names, const char *name)
{
	vec_foreach (const char *, have, names)
		if (str_eq(have, name))
			return true;
	return false;
}

void credentials_need(const struct world *w, struct needs *n)
{
	struct vec copies = recorded(w);

	vec_foreach (const char *, security, &copies)
		need_input(
			n, KIND_SECRET, w->root_ref.ns, security_policy_name(w->arena, security));
}

/* A Security that is gone leaves its copy as it is. */
static void copy(struct plan *p, const struct inputs *in, const char *security)
{
	const struct json *from =
		world_get(p->world, KIND_SECRET, in->ns, security_policy_name(p->arena, security));
	const char *text = json_get_str(json_get(from, "data"), SECURITY_POLICY_KEY);

	if (text)
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'Secret','metadata':{'name':%s},'type':'Opaque',"
				"'data':{'" SECURITY_POLICY_KEY "':%s}}",
				names_credentials(p->arena, in->name, security), text),
			0);
}

void credentials_apply(struct plan *p, const struct inputs *in, bool rolled_out)
{
	struct vec used = wanted(in);
	struct vec copies = recorded(p->world);

	vec_foreach (const char *, security, &used)
		copy(p, in, security);
	vec_foreach (const char *, security, &copies) {
		if (contains(&used, security))
			continue;
		if (rolled_out)
			plan_delete(p,
				(struct ref){ KIND_SECRET, in->ns,
					names_credentials(p->arena, in->name, security) },
				NULL);
		else
			copy(p, in, security);
	}
}

void credentials_fill(const struct inputs *in, struct workload *ret)
{
	ret->credentials = wanted(in);
}
