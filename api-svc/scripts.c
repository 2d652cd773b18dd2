#include "api-svc/scripts.h"

#include "api-svc/inputs.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"

static bool is_taken(const struct inputs *in, const char *name)
{
	for (size_t i = 0; i < in->n_scripts; i++)
		if (str_eq(in->scripts[i].name, name))
			return true;
	return false;
}

static void add_entry(struct inputs *in, const char *map, const struct json *entry)
{
	const char *name = json_key(entry);
	const char *text = json_str(entry);

	if (!str_ends(name, ".lua") || !text)
		problem(in, &in->not_accepted, REASON_INVALID_DEFINITION,
			"ConfigMap \"%s\" of spec.definition.hooks, entry \"%.100s\": expected scripts, as "
			"\"tenant.lua\"",
			map, name);
	else if (is_taken(in, name))
		problem(in, &in->not_accepted, REASON_INVALID_DEFINITION,
			"ConfigMap \"%s\" of spec.definition.hooks, entry \"%.100s\": another one has a script "
			"of that name",
			map, name);
	else
		in->scripts[in->n_scripts++] =
			(struct toolkit_document){ name, text, strlen(text) };
}

static const struct json *find(const struct world *w, struct inputs *in, const char *map)
{
	const struct object *o = world_find(w, KIND_CONFIG_MAP, in->ns, map);

	if (o && !o->json)
		problem(in, &in->not_resolved, REASON_CONFIG_MAP_NOT_FOUND,
			"ConfigMap \"%s\" of spec.definition.hooks not found in namespace \"%s\"; create it with "
			"the scripts as its entries",
			map, in->ns);
	return o ? json_get(o->json, "data") : NULL;
}

void scripts_find(const struct world *w, struct inputs *in)
{
	size_t n = 0;

	vec_foreach (const char *, map, &in->api.hooks)
		n += json_len(find(w, in, map));
	in->scripts = arena_alloc(w->arena, (n + 1) * sizeof(*in->scripts));
	vec_foreach (const char *, map, &in->api.hooks)
		json_foreach (entry, find(w, in, map))
			add_entry(in, map, entry);
}

void scripts_need(const struct inputs *in, struct needs *n)
{
	vec_foreach (const char *, map, &in->api.hooks)
		need_input(n, KIND_CONFIG_MAP, in->ns, map);
}
