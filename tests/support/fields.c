#include "tests/support/fields.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* ---- schema ---- */

struct list_type {
	const char *member;
	const char *keys[3];
};

/* Lists that Kubernetes' built-in kinds merge by key. */
static const struct list_type built_in[] = {
	{ "ownerReferences", { "uid" } },
	{ "conditions", { "type" } },
	{ "containers", { "name" } },
	{ "initContainers", { "name" } },
	{ "volumes", { "name" } },
	{ "env", { "name" } },
	{ "imagePullSecrets", { "name" } },
	{ "volumeMounts", { "mountPath" } },
};
static const struct list_type container_ports = { "ports", { "containerPort", "protocol" } };
static const struct list_type service_ports = { "ports", { "port", "protocol" } };

/* NULL: atomic. */
static const struct list_type *list_type(enum kind kind, const char *member)
{
	size_t n = kind_is_ours(kind) ? 2 : ARRAY_LEN(built_in);

	for (size_t i = 0; i < n; i++)
		if (str_eq(built_in[i].member, member))
			return &built_in[i];
	if (str_eq(member, "ports") && (kind == KIND_DEPLOYMENT || kind == KIND_JOB))
		return &container_ports;
	return str_eq(member, "ports") && kind == KIND_SERVICE ? &service_ports : NULL;
}

static bool is_atomic_map(enum kind kind, const char *member)
{
	return !kind_is_ours(kind) &&
	       (str_eq(member, "selector") || str_eq(member, "nodeSelector"));
}

static const char *item_key(struct arena *a, const struct list_type *t, const struct json *item)
{
	const char *text = "";

	for (size_t i = 0; i < ARRAY_LEN(t->keys) && t->keys[i]; i++) {
		const struct json *v = json_get(item, t->keys[i]);

		text = arena_printf(a, "%s%s%s", text, i ? "," : "",
			json_str(v) ? json_str(v)
			: v	    ? json_text(a, v)
				    : "");
	}
	return text;
}

/* ---- sets of paths ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static void sort(struct vec *v)
{
	if (v->n > 1)
		qsort(v->at, v->n, sizeof(*v->at), by_text);
}

static bool has(const struct vec *sorted, const char *path)
{
	return sorted->n > 0 && bsearch(&path, sorted->at, sorted->n, sizeof(*sorted->at), by_text);
}

static bool is_identity(const char *path)
{
	static const char *const never[] = { "apiVersion", "kind", "metadata/name",
		"metadata/namespace", "metadata/uid", "metadata/resourceVersion",
		"metadata/generation", "metadata/creationTimestamp", NULL };

	for (size_t i = 0; never[i]; i++)
		if (str_eq(path, never[i]))
			return true;
	return false;
}

static void collect(struct arena *a, enum kind kind, const char *path, const char *member,
	const struct json *v, struct vec *ret);

static void collect_members(
	struct arena *a, enum kind kind, const char *path, const struct json *v, struct vec *ret)
{
	json_foreach (m, v)
		collect(a, kind, *path ? arena_printf(a, "%s/%s", path, json_key(m)) : json_key(m),
			json_key(m), m, ret);
}

static void collect(struct arena *a, enum kind kind, const char *path, const char *member,
	const struct json *v, struct vec *ret)
{
	const struct list_type *t = json_is_array(v) ? list_type(kind, member) : NULL;

	if (is_identity(path))
		return;
	if (json_is_object(v) && json_len(v) > 0 && !is_atomic_map(kind, member)) {
		collect_members(a, kind, path, v, ret);
		return;
	}
	if (!t || json_len(v) == 0) {
		vec_add(a, ret, arena_dup(a, path));
		return;
	}
	json_foreach (item, v) {
		const char *at = arena_printf(a, "%s[%s]", path, item_key(a, t, item));

		vec_add(a, ret, arena_printf(a, "%s/.", at));
		collect_members(a, kind, at, item, ret);
	}
}

static struct vec paths_of(struct arena *a, enum kind kind, const struct json *body)
{
	struct vec v = { .n = 0 };

	collect_members(a, kind, "", body, &v);
	sort(&v);
	return v;
}

/* ---- values by path ---- */

/* The parent of what the path names (NULL: there is none) and, in *ret_last, its last step. */
static struct json *item_of(
	struct arena *a, const struct list_type *t, const struct json *list, const char *key)
{
	json_foreach (item, list)
		if (str_eq(item_key(a, t, item), key))
			return (struct json *)(uintptr_t)item;
	return NULL;
}

/* One step of a path: `name`, `name[key]`. */
struct step {
	char *name;
	char *key; /* NULL: none */
};

/* Keys may contain slashes (mountPath): they count only outside of brackets. */
static bool next_step(struct arena *a, const char **path, struct step *ret)
{
	const char *p = *path;
	const char *open = NULL;
	const char *close = NULL;
	int depth = 0;

	if (!*p)
		return false;
	for (; *p && (depth > 0 || *p != '/'); p++) {
		if (*p == '[' && depth++ == 0)
			open = p;
		if (*p == ']' && --depth == 0)
			close = p;
	}
	ret->name = arena_dupn(a, *path, (size_t)((open && close ? open : p) - *path));
	ret->key = open && close ? arena_dupn(a, open + 1, (size_t)(close - open - 1)) : NULL;
	*path = *p ? p + 1 : p;
	return true;
}

static const struct json *find(
	struct arena *a, enum kind kind, const struct json *object, const char *path)
{
	const struct json *at = object;
	struct step s;

	/* Label and annotation names contain slashes: the rest is tried as one name first. */
	while (at && *path) {
		const struct json *whole = json_get(at, path);

		if (whole)
			return whole;
		if (!next_step(a, &path, &s))
			break;
		if (str_eq(s.name, ".") && !s.key)
			return at;
		at = json_get(at, s.name);
		if (s.key)
			at = at && list_type(kind, s.name)
				     ? item_of(a, list_type(kind, s.name), at, s.key)
				     : NULL;
	}
	return at;
}

/* ---- merging ---- */

static void merge(struct arena *a, enum kind kind, struct json *into, const struct json *from);

static void merge_list(struct arena *a, enum kind kind, struct json *into,
	const struct list_type *t, const struct json *from)
{
	json_foreach (item, from) {
		struct json *have = item_of(a, t, into, item_key(a, t, item));

		if (have)
			merge(a, kind, have, item);
		else
			json_add(into, json_dup(a, item));
	}
}

static void merge(struct arena *a, enum kind kind, struct json *into, const struct json *from)
{
	json_foreach (m, from) {
		const char *key = json_key(m);
		const struct json *have = json_get(into, key);
		const struct list_type *t = json_is_array(m) ? list_type(kind, key) : NULL;

		if (json_is_object(m) && json_is_object(have) && !is_atomic_map(kind, key))
			merge(a, kind, (struct json *)(uintptr_t)have, m);
		else if (t && json_is_array(have))
			merge_list(a, kind, (struct json *)(uintptr_t)have, t, m);
		else
			json_set(a, into, key, json_dup(a, m));
	}
}

/* ---- removing ---- */

/* The object without what `gone` names, as a new value; NULL: nothing of it is left. */
static struct json *without(struct arena *a, enum kind kind, const char *path, const char *member,
	const struct json *v, const struct vec *gone);

static struct json *object_without(struct arena *a, enum kind kind, const char *path,
	const struct json *v, const struct vec *gone)
{
	struct json *out = json_object(a);

	json_foreach (m, v) {
		const char *at = *path ? arena_printf(a, "%s/%s", path, json_key(m)) : json_key(m);
		struct json *left = without(a, kind, at, json_key(m), m, gone);

		if (left)
			json_append(a, out, json_key(m), left);
	}
	return out;
}

static struct json *without(struct arena *a, enum kind kind, const char *path, const char *member,
	const struct json *v, const struct vec *gone)
{
	const struct list_type *t = json_is_array(v) ? list_type(kind, member) : NULL;
	struct json *out;

	if (has(gone, path))
		return NULL;
	if (json_is_object(v) && json_len(v) > 0 && !is_atomic_map(kind, member)) {
		out = object_without(a, kind, path, v, gone);
		return json_len(out) > 0 ? out : NULL;
	}
	if (!t || json_len(v) == 0)
		return json_dup(a, v);
	out = json_array(a);
	json_foreach (item, v) {
		const char *at = arena_printf(a, "%s[%s]", path, item_key(a, t, item));

		if (!has(gone, arena_printf(a, "%s/.", at)))
			json_add(out, object_without(a, kind, at, item, gone));
	}
	return json_len(out) > 0 ? out : NULL;
}

/* ---- managers ---- */

static struct manager *manager_find(
	const struct managers *m, const char *name, bool status, bool applies)
{
	vec_foreach (struct manager *, x, &m->list)
		if (str_eq(x->name, name) && x->status == status && x->applies == applies)
			return x;
	return NULL;
}

static bool is_owned_by_others(
	const struct managers *m, const struct manager *self, const char *path)
{
	vec_foreach (const struct manager *, x, &m->list)
		if (x != self && has(&x->paths, path))
			return true;
	return false;
}

static struct manager *manager_without(
	struct arena *a, const struct manager *m, const struct vec *gone)
{
	struct manager *copy = arena_alloc(a, sizeof(*copy));

	*copy = *m;
	copy->paths = (struct vec){ .n = 0 };
	vec_foreach (char *, path, &m->paths)
		if (!has(gone, path))
			vec_add(a, &copy->paths, path);
	return copy;
}

/* Fields that somebody else owns and that would get another value. */
static bool check_conflicts(struct arena *a, enum kind kind, const struct json *live,
	const struct json *body, const struct vec *paths, const struct managers *before,
	const struct manager *self, bool force, struct vec *ret_lost, struct vec *ret_taken,
	struct err *err)
{
	vec_foreach (char *, path, paths) {
		if (str_ends(path, "/.") || !is_owned_by_others(before, self, path) ||
			json_equal(find(a, kind, live, path), find(a, kind, body, path)))
			continue;
		vec_foreach (const struct manager *, x, &before->list) {
			if (x == self || !has(&x->paths, path))
				continue;
			if (!force)
				return err_set(err, ERR_CONFLICT, "conflict with \"%s\": field %s",
					x->name, path);
			vec_add(a, ret_taken, arena_printf(a, "%s %s", x->name, path));
		}
		vec_add(a, ret_lost, path);
	}
	sort(ret_lost);
	return true;
}

static void take_away(struct arena *a, enum kind kind, struct json *live, const struct vec *gone)
{
	struct json *left = object_without(a, kind, "", live, gone);

	if (gone->n == 0)
		return;
	while (json_first(live))
		json_remove(live, json_key(json_first(live)));
	json_foreach (m, left)
		json_append(a, live, json_key(m), json_dup(a, m));
}

bool fields_apply(struct arena *a, enum kind kind, struct json *live, const struct json *body,
	const struct managers *before, const char *name, bool status, bool force,
	struct managers *ret, struct vec *ret_taken, struct err *err)
{
	const struct manager *self = manager_find(before, name, status, true);
	struct vec paths = paths_of(a, kind, body);
	struct manager *next = arena_alloc(a, sizeof(*next));
	struct vec lost = { .n = 0 };
	struct vec gone = { .n = 0 };

	if (!check_conflicts(
		    a, kind, live, body, &paths, before, self, force, &lost, ret_taken, err))
		return false;
	if (self)
		vec_foreach (char *, path, &self->paths)
			if (!has(&paths, path) && !is_owned_by_others(before, self, path))
				vec_add(a, &gone, path);
	sort(&gone);
	take_away(a, kind, live, &gone);
	merge(a, kind, live, body);
	*next = (struct manager){ arena_dup(a, name), status, true, paths };
	*ret = (struct managers){ .list = { .n = 0 } };
	vec_foreach (const struct manager *, x, &before->list)
		if (x != self)
			vec_add(a, &ret->list, manager_without(a, x, &lost));
	vec_add(a, &ret->list, next);
	return true;
}

void fields_created(struct arena *a, enum kind kind, const struct json *object, const char *name,
	struct managers *ret)
{
	struct manager *m = arena_alloc(a, sizeof(*m));

	*m = (struct manager){ arena_dup(a, name), false, false, paths_of(a, kind, object) };
	*ret = (struct managers){ .list = { .n = 0 } };
	vec_add(a, &ret->list, m);
}

void fields_updated(struct arena *a, enum kind kind, const struct json *before,
	const struct json *after, const struct managers *managers, const char *name,
	struct managers *ret)
{
	const struct manager *self = manager_find(managers, name, false, false);
	struct vec old = paths_of(a, kind, before);
	struct vec now = paths_of(a, kind, after);
	struct vec changed = { .n = 0 };
	struct vec gone = { .n = 0 };
	struct manager *next = arena_alloc(a, sizeof(*next));

	vec_foreach (char *, path, &now)
		if (!has(&old, path) ||
			(!str_ends(path, "/.") && !json_equal(find(a, kind, before, path),
							  find(a, kind, after, path))))
			vec_add(a, &changed, path);
	vec_foreach (char *, path, &old)
		if (!has(&now, path) || has(&changed, path))
			vec_add(a, &gone, path);
	*next = (struct manager){ arena_dup(a, name), false, false, changed };
	*ret = (struct managers){ .list = { .n = 0 } };
	vec_foreach (const struct manager *, x, &managers->list) {
		struct manager *left = manager_without(a, x, &gone);

		if (x != self) {
			vec_add(a, &ret->list, left);
			continue;
		}
		vec_foreach (char *, path, &left->paths)
			vec_add(a, &next->paths, path);
		sort(&next->paths);
	}
	if (next->paths.n > 0)
		vec_add(a, &ret->list, next);
}

static bool paths_equal(const struct vec *x, const struct vec *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!str_eq(x->at[i], y->at[i]))
			return false;
	return true;
}

bool managers_equal(const struct managers *x, const struct managers *y)
{
	if (x->list.n != y->list.n)
		return false;
	vec_foreach (const struct manager *, m, &x->list) {
		const struct manager *other = manager_find(y, m->name, m->status, m->applies);

		if (!other || !paths_equal(&m->paths, &other->paths))
			return false;
	}
	return true;
}
