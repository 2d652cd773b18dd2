#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/fiber.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/world.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

enum {
	MAX_ROUNDS = 8,	    /* each answers a question that the one before raised */
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

/* A kind that the server does not know has no objects. */
static bool get_all(struct runtime *rt, struct world *w, struct object *o, struct err *err)
{
	struct vec items = { 0 };

	runtime_keep_alive(rt);
	if (!rt->kube.list(rt->kube.self, w->arena,
		    &(struct kube_query){ .kind = o->ref.kind, .ns = o->ref.ns, .recent = true },
		    &items, err) &&
		err->code != ERR_NOT_FOUND)
		return false;
	o->json = collection_json(w->arena, &items);
	return true;
}

/* The version that the root's status has of an input; NULL if it says nothing about it. */
static const char *recorded(const struct world *w, struct ref ref)
{
	json_foreach (d, json_path(w->root, "status", "dependencies", NULL))
		if (kind_by_name(json_get_str(d, "kind")) == ref.kind &&
			str_eq(json_get_str(d, "namespace"), ref.ns) &&
			str_eq(json_get_str(d, "name"), ref.name))
			return json_get_str(d, "resourceVersion");
	return NULL;
}

/* A message that comes back may have been on its way for long. */
static uint64_t mark_of(const struct world *w, struct ref ref)
{
	bool told = ref.kind == KIND_CONFIG_MAP || ref.kind == KIND_SECRET;

	return told && w->attempt == 1 && str_eq(ref.ns, w->system_ns) ? w->system_mark : 0;
}

/* The version that a kept child still has, as far as the wake and the root's status say. */
static const char *recorded_child(const struct world *w, struct ref ref)
{
	struct child c;

	if (w->attempt > 1 || w->moved.n == 0 || !world_child(w, ref.kind, ref.name, &c))
		return NULL;
	return c.version;
}

static bool is_known(
	struct runtime *rt, struct world *w, const struct need *need, struct object *ret)
{
	struct memo_hint hint = { recorded(w, need->ref), mark_of(w, need->ref),
		rt->clock.now_ms(rt->clock.self) };

	ret->ref = need->ref;
	if (need->role == REF_CHILD || world_has_moved(w, need->ref))
		return false;
	if (need->role == REF_KEPT && !(hint.recorded = recorded_child(w, need->ref)))
		return false;
	if (!memo_get(rt->memo, w->arena, ret, hint))
		return false;
	rt->counts.remembered++;
	return true;
}

static bool is_kept(const struct needs *n, struct ref ref)
{
	vec_foreach (const struct need *, need, &n->refs)
		if (need->role != REF_CHILD && ref_eq(need->ref, ref))
			return true;
	return false;
}

static void remember(
	struct runtime *rt, struct world *w, const struct needs *n, const struct object *o)
{
	if (is_kept(n, o->ref))
		memo_put(rt->memo, w->arena, o, w->system_mark, rt->clock.now_ms(rt->clock.self));
}

/* Read at once, for the world and for the memo. */
static bool read_batch(struct runtime *rt, struct world *w, const struct needs *n,
	struct object *batch, size_t count, struct err *err)
{
	bool ok;

	for (size_t i = 0; i < count; i++)
		if (is_kept(n, batch[i].ref))
			memo_expect(rt->memo, w->arena, batch[i].ref);
	ok = get(rt, w, batch, count, err);
	for (size_t i = 0; i < count; i++) {
		if (ok) {
			vec_add(w->arena, &w->objects, &batch[i]);
			remember(rt, w, n, &batch[i]);
		} else if (is_kept(n, batch[i].ref)) {
			memo_forget(rt->memo, w->arena, batch[i].ref);
		}
	}
	return ok;
}

/* What another pass has asked for is there in a moment; if its read fails, we ask ourselves. */
static bool take_expected(struct runtime *rt, struct world *w, const struct needs *n,
	const struct need **expected, size_t n_expected, struct err *err)
{
	struct object *found = arena_alloc(w->arena, n_expected * sizeof(*found) + 1);
	struct object *batch = arena_alloc(w->arena, n_expected * sizeof(*batch) + 1);
	size_t count = 0;

	for (size_t i = 0; i < n_expected; i++) {
		while (memo_is_expected(rt->memo, w->arena, expected[i]->ref))
			fiber_wait();
		if (is_known(rt, w, expected[i], &found[i]))
			vec_add(w->arena, &w->objects, &found[i]);
		else
			batch[count++].ref = expected[i]->ref;
	}
	return read_batch(rt, w, n, batch, count, err);
}

/* Everything of one round that is not in the world yet. */
static bool read_objects(
	struct runtime *rt, struct world *w, const struct needs *n, bool *ret_grew, struct err *err)
{
	struct object *batch = arena_alloc(w->arena, n->refs.n * sizeof(*batch) + 1);
	struct object *known = arena_alloc(w->arena, n->refs.n * sizeof(*known) + 1);
	const struct need **expected = arena_alloc(w->arena, n->refs.n * sizeof(*expected) + 1);
	size_t n_known = 0, n_expected = 0, count = 0;

	vec_foreach (const struct need *, need, &n->refs) {
		struct ref r = need->ref;

		if (ref_eq(r, w->root_ref) || world_find(w, r.kind, r.ns, r.name))
			continue;
		*ret_grew = true;
		if (is_known(rt, w, need, &known[n_known])) {
			vec_add(w->arena, &w->objects, &known[n_known++]);
		} else if (str_eq(r.name, ALL_NAMES)) {
			if (!get_all(rt, w, &known[n_known], err))
				return false;
			remember(rt, w, n, &known[n_known]);
			vec_add(w->arena, &w->objects, &known[n_known++]);
		} else if (need->role == REF_INPUT && fiber_inside() &&
			   memo_is_expected(rt->memo, w->arena, r)) {
			expected[n_expected++] = need;
		} else {
			batch[count++].ref = r;
		}
	}
	if (w->objects.n + count + n_expected > MAX_OBJECTS)
		return err_set(err, ERR_LIMIT, "more than %d objects are named", MAX_OBJECTS);
	return read_batch(rt, w, n, batch, count, err) &&
	       take_expected(rt, w, n, expected, n_expected, err);
}

static bool read_lists(
	struct runtime *rt, struct world *w, const struct needs *n, bool *ret_grew, struct err *err)
{
	vec_foreach (struct world_list *, l, &n->lists) {
		if (world_list(w, l->kind, l->ns, l->selector))
			continue;
		runtime_keep_alive(rt);
		if (!rt->kube.list(rt->kube.self, w->arena,
			    &(struct kube_query){
				    l->kind, l->ns, l->selector, l->fields, l->recent },
			    &l->items, err))
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

/* Nobody has written the root since we wrote or read it: the wake has that version. Should it be
 * newer after all, the status cannot be written, and the next attempt reads. */
static bool read_root(struct runtime *rt, struct world *w, const struct wake *wake,
	struct object *ret, struct err *err)
{
	bool known = w->attempt == 1 && !str_empty(wake->resource_version) &&
		     memo_get(rt->memo, w->arena, ret,
			     (struct memo_hint){ .recorded = wake->resource_version });

	rt->counts.remembered += known;
	if (known)
		return true;
	if (!get(rt, w, ret, 1, err))
		return false;
	if (rt->service->settles)
		memo_put(rt->memo, w->arena, ret, 0, rt->clock.now_ms(rt->clock.self));
	return true;
}

bool runtime_gather(struct runtime *rt, const struct wake *wake, struct world *w, struct err *err)
{
	struct object root = { .ref = wake->ref };

	w->root_ref = wake->ref;
	w->moved = wake->moved;
	w->system_mark = wake->system_mark;
	w->system_ns = rt->system_ns;
	w->env = rt->env;
	w->now_s = rt->clock.now_ms(rt->clock.self) / 1000;
	if (!read_root(rt, w, wake, &root, err))
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
