/* Writes the objects of a plan.
 *
 * A child is written only when it has to be: what we would send is hashed, and the hash of the last
 * time stands in status.children. The watcher tells when a child no longer is as we left it
 * (wake.moved). A child that is written again is read first and its resourceVersion is the
 * precondition, so that a replica that slept through a newer change cannot overwrite it.
 */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"

enum {
	HASH_DIGITS = 16
};

/* A resourceVersion that no object has: whoever made the object before us is met as a conflict. */
#define NEVER "1"

/* One object on its way through this file. */
struct item {
	const struct plan_apply *plan;
	struct ref ref;
	const char *hash;    /* of what we would send */
	struct child record; /* of the last pass */
	bool recorded;
	const struct json *live; /* as read or as answered; NULL: not looked at or not there */
	bool looked;		 /* live tells the truth */
	bool write;
	struct kube_apply apply;
};

/* What is wanted, without what is said beside it and what is somebody else's to decide. */
static const struct json *essence(struct arena *a, const struct ref *ref, const struct json *body)
{
	struct json *copy = json_dup(a, body);
	struct json *annotations = json_sub(a, json_sub(a, copy, "metadata"), "annotations");

	json_remove(annotations, ANNOTATION_GENERATION);
	json_remove(annotations, ANNOTATION_TRACE);
	if (ref->kind == KIND_DEPLOYMENT)
		json_remove(json_sub(a, copy, "spec"), "replicas");
	return copy;
}

static const char *hash_of(struct arena *a, const struct json *wanted)
{
	return arena_dupn(a, json_sha256(a, wanted), HASH_DIGITS);
}

static bool contains(const struct json *have, const struct json *want);

static bool list_contains(const struct json *have, const struct json *want)
{
	json_foreach (v, have)
		if (contains(v, want))
			return true;
	return false;
}

/* Every member of want stands in have with the same value; of a list, every element somewhere. */
static bool contains(const struct json *have, const struct json *want)
{
	if (json_is_object(want)) {
		json_foreach (m, want)
			if (!contains(json_get(have, json_key(m)), m))
				return false;
		return json_is_object(have);
	}
	if (json_is_array(want)) {
		json_foreach (m, want)
			if (!list_contains(have, m))
				return false;
		return json_is_array(have);
	}
	return have && json_equal(have, want);
}

/* Somebody changed it since the record. What others may add (a note on a ConfigMap) is no reason to
 * write. */
static bool is_spoilt(const struct plan *p, const struct item *it, const struct json *wanted)
{
	return it->live &&
	       !str_eq(it->record.version, child_version(p->arena, it->ref.kind, it->live)) &&
	       (world_has_moved(p->world, it->ref) || !contains(it->live, wanted));
}

static void judge(struct plan *p, struct item *it)
{
	const struct world *w = p->world;
	const struct object *seen = world_find(w, it->ref.kind, it->ref.ns, it->ref.name);
	const struct json *wanted = essence(p->arena, &it->ref, it->plan->body);

	it->looked = seen != NULL;
	it->live = seen ? seen->json : NULL;
	if (it->plan->flags & (PLAN_FOREIGN | PLAN_UNRECORDED)) {
		it->write = !it->live || !contains(it->live, it->plan->body);
		return;
	}
	it->hash = hash_of(p->arena, wanted);
	it->recorded = world_child(w, it->ref.kind, it->ref.name, &it->record);
	it->write = !it->recorded || !str_eq(it->record.applied, it->hash) ||
		    (it->looked && !it->live) || is_spoilt(p, it, wanted);
}

/* What exists and will be written again must be looked at first. */
static bool look(struct runtime *rt, struct plan *p, struct item *items, size_t n, struct err *err)
{
	struct object *batch = arena_alloc(p->arena, n * sizeof(*batch) + 1);
	size_t count = 0;
	size_t next = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].write && items[i].recorded && !items[i].looked)
			batch[count++].ref = items[i].ref;
	if (count == 0)
		return true;
	if (!rt->kube.get(rt->kube.self, p->arena, batch, count, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (items[i].write && items[i].recorded && !items[i].looked) {
			items[i].live = batch[next++].json;
			items[i].looked = true;
		}
	}
	return true;
}

static const struct json *controller(const struct json *object)
{
	json_foreach (o, json_path(object, "metadata", "ownerReferences", NULL))
		if (json_get_bool(o, "controller", false))
			return o;
	return NULL;
}

/* Ours to take over: controlled by the root, or an unowned object that carries our label. */
static bool is_ours(const struct plan *p, const struct item *it)
{
	if (it->plan->flags & PLAN_UNOWNED)
		return str_eq(meta_label(it->live, LABEL_PART_OF), PART_OF);
	return str_eq(json_get_str(controller(it->live), "uid"), meta_uid(p->world->root));
}

/* A child of an object that had the root's name before it: the garbage collector is about to take
 * it. */
static bool is_a_predecessors(const struct plan *p, const struct item *it)
{
	const struct json *owner = controller(it->live);

	return kind_by_name(json_get_str(owner, "kind")) == p->world->root_ref.kind &&
	       str_eq(json_get_str(owner, "name"), p->world->root_ref.name);
}

static bool fence(struct plan *p, struct item *it, struct err *err)
{
	const char *text = meta_annotation(it->live, ANNOTATION_GENERATION);
	long long theirs = text ? strtoll(text, NULL, 10) : 0;

	if (!it->live || (it->plan->flags & PLAN_FOREIGN))
		return true;
	if (!is_ours(p, it) && is_a_predecessors(p, it))
		return err_set(err, ERR_CONFLICT, "%s goes with a %s of the same name that is gone",
			ref_text(p->arena, it->ref), kind_info(p->world->root_ref.kind)->kind);
	if (!is_ours(p, it))
		return err_set(err, ERR_INVALID,
			"%s exists and is not ours: rename or delete it, its name is needed for %s \"%s\"",
			ref_text(p->arena, it->ref), kind_info(p->world->root_ref.kind)->kind,
			p->world->root_ref.name);
	if (!(it->plan->flags & PLAN_UNOWNED) && theirs > meta_generation(p->world->root))
		return err_set(err, ERR_CONFLICT, "%s was written for generation %lld already",
			ref_text(p->arena, it->ref), theirs);
	return true;
}

/* Who says it: what a manager no longer says goes, and one root knows nothing of the others that
 * own an object as well. */
static const char *manager_of(struct runtime *rt, struct plan *p, const struct item *it)
{
	return it->plan->flags & PLAN_JOINED ? arena_printf(p->arena, "%s-%s", rt->service->name,
						       meta_uid(p->world->root))
					     : rt->service->name;
}

static bool prepare(struct runtime *rt, struct plan *p, struct item *it, struct err *err)
{
	struct json *body = it->plan->body;
	struct json *meta = json_sub(p->arena, body, "metadata");

	if (!fence(p, it, err))
		return false;
	if (!(it->plan->flags & PLAN_FOREIGN)) {
		json_set_str(p->arena, json_sub(p->arena, meta, "labels"), LABEL_MANAGED_BY,
			rt->service->name);
		json_set_str(p->arena, meta, "resourceVersion",
			it->live ? meta_version(it->live) : NEVER);
		/* With the uid, an object that was deleted meanwhile is a conflict instead of made
		 * anew. */
		json_set_str(p->arena, meta, "uid", meta_uid(it->live));
	}
	/* The first time nothing is forced: an object of somebody else answers with a conflict
	 * instead of being taken over. */
	it->apply = (struct kube_apply){
		.body = body,
		.manager = manager_of(rt, p, it),
		.force = it->live && !(it->plan->flags & PLAN_FOREIGN),
	};
	return true;
}

static bool create(struct runtime *rt, struct plan *p, struct item *it, struct err *err)
{
	struct err failure = { .code = ERR_NONE };

	json_set_str(p->arena,
		json_sub(p->arena, json_sub(p->arena, it->plan->body, "metadata"), "labels"),
		LABEL_MANAGED_BY, rt->service->name);
	if (rt->kube.create(rt->kube.self, p->arena, it->plan->body, rt->service->name, &it->live,
		    &failure)) {
		rt->counts.applied++;
		return true;
	}
	*err = failure;
	return err_wrap(err, "create %s", ref_text(p->arena, it->ref));
}

/* A conflict on what we believed to be new: there is one already. Either we wrote it and died
 * before the record, or it is somebody else's. */
static bool resolve_conflict(struct runtime *rt, struct plan *p, struct item *it, struct err *err)
{
	struct object o = { .ref = it->ref };
	struct err again = { .code = ERR_NONE };

	/* What is remembered of it is old, and would be as old the next time. */
	if (err->code == ERR_CONFLICT)
		memo_forget(rt->memo, p->arena, it->ref);
	if (err->code != ERR_CONFLICT || it->live || (it->plan->flags & PLAN_FOREIGN))
		return err_wrap(err, "apply %s", ref_text(p->arena, it->ref));
	if (!rt->kube.get(rt->kube.self, p->arena, &o, 1, err))
		return false;
	it->live = o.json;
	if (!prepare(rt, p, it, err))
		return false;
	if (rt->kube.apply(rt->kube.self, p->arena, &it->apply, 1, &again))
		return true;
	*err = again;
	return err_wrap(err, "apply %s", ref_text(p->arena, it->ref));
}

/* Our own touch of an input must not look like somebody's change of it: the version to record is
 * the one we made. */
static void read_again(struct runtime *rt, const struct world *w, const struct item *it)
{
	vec_foreach (struct object *, o, &w->objects) {
		if (!ref_eq(o->ref, it->ref))
			continue;
		o->json = it->live;
		memo_put(rt->memo, w->arena, o, w->system_mark, rt->clock.now_ms(rt->clock.self));
	}
}

/* As read: it has not changed since, and the root was there later than that. */
static bool was_there_with_the_root(const struct plan *p, const struct item *it)
{
	return it->live && version_before(meta_version(it->live), meta_version(p->world->root));
}

/* The garbage collector takes what belongs to nobody that exists, so objects that are joined, named
 * by their uid, must have been there while the root was: older than it, or read before this. */
static bool may_join(struct runtime *rt, const struct plan *p, const struct item *items, size_t n,
	struct err *err)
{
	struct object root = { .ref = p->world->root_ref };
	bool is_sure = true;

	for (size_t i = 0; i < n; i++)
		if (items[i].write && (items[i].plan->flags & PLAN_JOINED))
			is_sure = is_sure && was_there_with_the_root(p, &items[i]);
	if (is_sure)
		return true;
	if (!rt->kube.get(rt->kube.self, p->arena, &root, 1, err))
		return false;
	return str_eq(meta_uid(root.json), meta_uid(p->world->root)) ||
	       err_set(err, ERR_CONFLICT, "%s is gone", ref_text(p->arena, root.ref));
}

static bool write_all(
	struct runtime *rt, struct plan *p, struct item *items, size_t n, struct err *err)
{
	struct kube_apply *batch = arena_alloc(p->arena, n * sizeof(*batch) + 1);
	struct item **of = arena_alloc(p->arena, n * sizeof(*of) + 1);
	struct err failure = { .code = ERR_NONE };
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!items[i].write || (items[i].plan->flags & PLAN_CREATE))
			continue;
		if (!prepare(rt, p, &items[i], err))
			return false;
		of[count] = &items[i];
		batch[count++] = items[i].apply;
	}
	if (count == 0)
		return true;
	runtime_keep_alive(rt);
	if (!rt->kube.apply(rt->kube.self, p->arena, batch, count, &failure)) {
		for (size_t i = 0; i < count; i++) {
			*err = failure;
			if (!batch[i].live && !resolve_conflict(rt, p, of[i], err))
				return false;
			if (!batch[i].live)
				batch[i].live = of[i]->apply.live;
		}
	}
	for (size_t i = 0; i < count; i++) {
		of[i]->live = batch[i].live;
		of[i]->looked = true;
		if (of[i]->plan->flags & (PLAN_FOREIGN | PLAN_UNRECORDED))
			read_again(rt, p->world, of[i]);
	}
	rt->counts.applied += count;
	return true;
}

static struct json *record_json(struct plan *p, const struct item *it)
{
	const char *version = it->record.version;
	const char *state = it->record.state;

	if (it->looked && it->live) {
		version = child_version(p->arena, it->ref.kind, it->live);
		state = child_state(p->arena, it->ref.kind, it->live);
	}
	return json_format(p->arena, "{'kind':%s,'name':%s,'version':%s,'state':%s,'applied':%s}",
		kind_info(it->ref.kind)->kind, it->ref.name, version ? version : "",
		state ? state : "", it->hash);
}

static bool is_deleted(const struct plan *p, struct ref ref)
{
	vec_foreach (const struct plan_delete *, d, &p->deletes)
		if (ref_eq(d->ref, ref))
			return true;
	return false;
}

/* A child that this plan says nothing about stays as it is (a broken document does not stop the
 * running gateway). */
static void carry_over(struct plan *p, const struct item *items, size_t n, struct json *children)
{
	const struct world *w = p->world;

	json_foreach (c, json_path(w->root, "status", "children", NULL)) {
		struct ref ref = { kind_by_name(json_get_str(c, "kind")), w->root_ref.ns,
			json_get_str(c, "name") };
		const struct object *seen = world_find(w, ref.kind, ref.ns, ref.name);
		struct json *copy = json_dup(p->arena, c);
		bool planned = is_deleted(p, ref) || (seen && !seen->json);

		for (size_t i = 0; i < n && !planned; i++)
			planned = ref_eq(items[i].ref, ref);
		if (planned)
			continue;
		if (seen) {
			const char *version = child_version(p->arena, ref.kind, seen->json);

			/* No longer what we wrote: to be written again when a plan wants it. */
			if (!str_eq(version, json_get_str(c, "version")))
				json_set_str(p->arena, copy, "applied", "");
			json_set_str(p->arena, copy, "version", version);
			json_set_str(p->arena, copy, "state",
				child_state(p->arena, ref.kind, seen->json));
		}
		json_add(children, copy);
	}
}

static bool delete_all(struct runtime *rt, struct plan *p, struct err *err)
{
	vec_foreach (const struct plan_delete *, d, &p->deletes) {
		runtime_keep_alive(rt);
		if (!rt->kube.remove(rt->kube.self, p->arena, d->ref, d->uid, err))
			return err_wrap(err, "delete %s", ref_text(p->arena, d->ref));
	}
	return true;
}

bool runtime_apply(struct runtime *rt, struct plan *p, struct json **ret_children, struct err *err)
{
	size_t n = p->applies.n;
	struct item *items = arena_alloc(p->arena, n * sizeof(*items) + 1);
	struct json *children = json_array(p->arena);

	for (size_t i = 0; i < n; i++) {
		items[i].plan = p->applies.at[i];
		items[i].ref = ref_of(items[i].plan->body);
		if (items[i].plan->flags & PLAN_CREATE) {
			items[i].write = true;
			continue;
		}
		judge(p, &items[i]);
		rt->counts.unchanged += !items[i].write;
	}
	if (!look(rt, p, items, n, err) || !may_join(rt, p, items, n, err) ||
		!write_all(rt, p, items, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((items[i].plan->flags & PLAN_CREATE) && !create(rt, p, &items[i], err))
			return false;
	if (!delete_all(rt, p, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(items[i].plan->flags & (PLAN_FOREIGN | PLAN_CREATE | PLAN_UNRECORDED)))
			json_add(children, record_json(p, &items[i]));
	carry_over(p, items, n, children);
	*ret_children = children;
	return true;
}
