#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/world.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

enum {
	MAX_ROUNDS = 5, /* an API names its Security, which names its Secret; a fifth round asks for
			   nothing */
	MAX_OBJECTS = 2000, /* of one world */
};

static bool get(
	struct runtime *rt, struct world *w, struct object *objects, size_t n, struct err *err)
{
	if (n == 0)
		return true;
	runtime_keep_alive(rt);
	return rt->kube.get(rt->kube.self, w->arena, objects, n, err);
}

/* Everything of one round that is not in the world yet, read at once. */
static bool read_objects(
	struct runtime *rt, struct world *w, const struct needs *n, bool *ret_grew, struct err *err)
{
	struct object *batch = arena_alloc(w->arena, n->refs.n * sizeof(*batch) + 1);
	size_t count = 0;

	vec_foreach (const struct need *, need, &n->refs) {
		struct ref r = need->ref;

		if (!ref_eq(r, w->root_ref) && !world_find(w, r.kind, r.ns, r.name))
			batch[count++].ref = r;
	}
	if (w->objects.n + count > MAX_OBJECTS)
		return err_set(err, ERR_LIMIT, "more than %d objects are named", MAX_OBJECTS);
	if (!get(rt, w, batch, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		vec_add(w->arena, &w->objects, &batch[i]);
	*ret_grew |= count > 0;
	return true;
}

static bool read_lists(
	struct runtime *rt, struct world *w, const struct needs *n, bool *ret_grew, struct err *err)
{
	vec_foreach (struct world_list *, l, &n->lists) {
		if (world_list(w, l->kind, l->ns, l->selector))
			continue;
		runtime_keep_alive(rt);
		if (!rt->kube.list(
			    rt->kube.self, w->arena, l->kind, l->ns, l->selector, &l->items, err))
			return false;
		vec_add(w->arena, &w->lists, l);
		*ret_grew = true;
	}
	return true;
}

/* A child that is known to have moved is looked at even if the service does not ask, so that the
 * record is put right. */
static void need_moved_children(const struct world *w, struct needs *n)
{
	struct child c;

	vec_foreach (const struct ref *, r, &w->moved)
		if (str_eq(r->ns, w->root_ref.ns) && world_child(w, r->kind, r->name, &c))
			need_child(n, r->kind, r->ns, r->name);
}

bool runtime_gather(struct runtime *rt, const struct wake *wake, struct world *w, struct err *err)
{
	struct object root = { .ref = wake->ref };

	w->root_ref = wake->ref;
	w->moved = wake->moved;
	w->system_ns = rt->system_ns;
	w->env = rt->env;
	w->now_s = rt->clock.now_ms(rt->clock.self) / 1000;
	if (!get(rt, w, &root, 1, err))
		return false;
	w->root = root.json;
	for (int round = 0; round < MAX_ROUNDS; round++) {
		struct needs n = { .arena = w->arena };
		bool grew = false;

		rt->service->needs(w, &n);
		need_moved_children(w, &n);
		if (!read_objects(rt, w, &n, &grew, err) || !read_lists(rt, w, &n, &grew, err))
			return false;
		w->needed = n.refs;
		if (!grew)
			return true;
	}
	return err_set(err, ERR_BUG, "%s still asks for more after %d rounds", rt->service->name,
		MAX_ROUNDS);
}
