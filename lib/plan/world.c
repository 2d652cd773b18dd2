#include "lib/plan/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

const struct object *world_find(
	const struct world *w, enum kind kind, const char *ns, const char *name)
{
	struct ref wanted = { kind, ns, name };

	vec_foreach (const struct object *, o, &w->objects)
		if (ref_eq(o->ref, wanted))
			return o;
	return NULL;
}

const struct json *world_get(
	const struct world *w, enum kind kind, const char *ns, const char *name)
{
	const struct object *o = world_find(w, kind, ns, name);

	return o ? o->json : NULL;
}

const struct world_list *world_list(
	const struct world *w, enum kind kind, const char *ns, const char *selector)
{
	vec_foreach (const struct world_list *, l, &w->lists)
		if (l->kind == kind && str_eq(l->ns, ns) && str_eq(l->selector, selector))
			return l;
	return NULL;
}

bool world_has_moved(const struct world *w, struct ref ref)
{
	vec_foreach (const struct ref *, r, &w->moved)
		if (ref_eq(*r, ref))
			return true;
	return false;
}

/* ---- collections ---- */

/* FNV-1a, and then mixed (splitmix64), since parts are summed up. */
uint64_t collection_part(const char *name, uint64_t version)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	h += version * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

struct json *collection_json(struct arena *a, const struct vec *items)
{
	struct json *list = json_array(a);
	uint64_t all = 0;

	if (items->n == 0)
		return NULL;
	vec_foreach (const struct object *, o, items) {
		const char *version = meta_version(o->json);

		all ^= collection_part(o->ref.name, version ? strtoull(version, NULL, 10) : 0);
		json_add(list, json_dup(a, o->json));
	}
	return json_format(a,
		"{'apiVersion':'v1','kind':'List','metadata':{'resourceVersion':%s},'items':%j}",
		arena_printf(a, "%" PRIu64, all), list);
}

/* ---- asking ---- */

static void need(struct needs *n, enum ref_role role, struct ref ref)
{
	struct need *item;

	if (str_empty(ref.name) || str_empty(ref.ns))
		return;
	vec_foreach (const struct need *, have, &n->refs)
		if (ref_eq(have->ref, ref))
			return;
	item = arena_alloc(n->arena, sizeof(*item));
	*item = (struct need){ ref, role };
	vec_add(n->arena, &n->refs, item);
}

void need_input(struct needs *n, enum kind kind, const char *ns, const char *name)
{
	need(n, REF_INPUT, (struct ref){ kind, ns, name });
}

void need_child(struct needs *n, enum kind kind, const char *ns, const char *name)
{
	need(n, REF_CHILD, (struct ref){ kind, ns, name });
}

void need_kept_child(struct needs *n, enum kind kind, const char *ns, const char *name)
{
	need(n, REF_KEPT, (struct ref){ kind, ns, name });
}

static void add_list(struct needs *n, const struct world_list *wanted)
{
	struct world_list *l;

	vec_foreach (const struct world_list *, have, &n->lists)
		if (have->kind == wanted->kind && str_eq(have->ns, wanted->ns) &&
			str_eq(have->selector, wanted->selector))
			return;
	l = arena_alloc(n->arena, sizeof(*l));
	*l = *wanted;
	vec_add(n->arena, &n->lists, l);
}

void need_list(struct needs *n, enum kind kind, const char *ns, const char *selector)
{
	add_list(n, &(struct world_list){ .kind = kind, .ns = ns, .selector = selector });
}

void need_recent_list(
	struct needs *n, enum kind kind, const char *ns, const char *selector, const char *fields)
{
	add_list(n, &(struct world_list){ kind, ns, selector, fields, true, { 0 } });
}

bool world_child(const struct world *w, enum kind kind, const char *name, struct child *ret)
{
	json_foreach (c, json_path(w->root, "status", "children", NULL)) {
		if (kind_by_name(json_get_str(c, "kind")) != kind)
			continue;
		if (!str_eq(json_get_str(c, "name"), name))
			continue;
		*ret = (struct child){ kind, json_get_str(c, "name"), json_get_str(c, "version"),
			json_get_str(c, "state"), json_get_str(c, "applied") };
		return true;
	}
	return false;
}
