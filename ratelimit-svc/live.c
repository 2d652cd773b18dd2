#include "ratelimit-svc/live.h"

#include "lib/api/finding.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"

static void add(struct arena *a, const struct json *object, struct vec *ret)
{
	struct live *l = arena_alloc(a, sizeof(*l));
	struct findings f;

	if (!object || meta_deleting(object))
		return;
	findings_init(&f, a);
	rate_limiting_decode(a, object, &l->object, &f);
	if (findings_fatal(&f))
		return;
	l->alias = rate_limiting_alias(a, l->object.policy.name);
	l->created = json_get_str(json_get(object, "metadata"), "creationTimestamp");
	vec_add(a, ret, l);
}

/* ---- which there are ---- */

static bool is_read(const struct world *w, struct ref ref)
{
	return ref_eq(ref, w->root_ref) || world_find(w, ref.kind, ref.ns, ref.name);
}

/* What was read by itself is what status records, so that counts, whatever the list says. */
static void collect(struct arena *a, const struct world *w, struct vec *ret)
{
	const struct world_list *list = world_list(w, KIND_RATE_LIMITING, w->root_ref.ns, NULL);

	add(a, w->root, ret);
	vec_foreach (const struct object *, o, &w->objects)
		if (o->ref.kind == KIND_RATE_LIMITING && !ref_eq(o->ref, w->root_ref))
			add(a, o->json, ret);
	vec_foreach (const struct object *, o, list ? &list->items : &(struct vec){ 0 })
		if (!is_read(w, o->ref))
			add(a, o->json, ret);
}

static int by_name(const void *x, const void *y)
{
	const struct live *const *a = x;
	const struct live *const *b = y;

	return strcmp((*a)->object.policy.name, (*b)->object.policy.name);
}

/* ---- whose short names are ---- */

static const char *name_key(struct arena *a, const struct live *l)
{
	return arena_printf(a, "%s/%s", policy_list_key(l->object.list), l->alias);
}

/* Who had each short name when the document was written: {"resourcePolicies/five": "five-req"}. */
static const struct json *holders(struct arena *a, const struct world *w)
{
	const struct json *map = world_get(w, KIND_CONFIG_MAP, w->root_ref.ns, POLICIES_CONFIG_MAP);
	const char *text = map ? meta_annotation(map, ANNOTATION_SHORT_NAMES) : NULL;
	struct err ignored;

	return text ? json_parse(a, text, strlen(text), &ignored) : NULL;
}

static bool is_older(const struct live *a, const struct live *b)
{
	int order = strcmp(a->created ? a->created : "", b->created ? b->created : "");

	return order < 0 || (order == 0 && by_name(&a, &b) < 0);
}

static bool claims(const struct live *l, enum policy_list list, const char *alias)
{
	return l->object.list == list && str_eq(l->alias, alias);
}

/* Whose the short name of l is. An object that is called so; who had it already; the oldest. */
static const struct live *winner(const struct vec *all, const struct live *l, const char *holder)
{
	const struct live *oldest = l;
	const struct live *first = NULL;

	vec_foreach (const struct live *, other, all) {
		if (other->object.list == l->object.list &&
			str_eq(other->object.policy.name, l->alias))
			return other;
		if (!claims(other, l->object.list, l->alias))
			continue;
		if (str_eq(other->object.policy.name, holder))
			first = other;
		if (is_older(other, oldest))
			oldest = other;
	}
	return first ? first : oldest;
}

void live_collect(struct arena *a, const struct world *w, struct vec *ret)
{
	const struct json *had = holders(a, w);

	*ret = (struct vec){ 0 };
	collect(a, w, ret);
	if (ret->n > 0)
		qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
	vec_foreach (struct live *, l, ret) {
		const struct live *first =
			l->alias ? winner(ret, l, json_get_str(had, name_key(a, l))) : l;

		l->lost_to = first == l ? NULL : first;
	}
}

const struct live *live_find(const struct vec *all, const char *name)
{
	vec_foreach (const struct live *, l, all)
		if (str_eq(l->object.policy.name, name))
			return l;
	return NULL;
}

const struct live *live_keeper(const struct vec *all)
{
	const struct live *oldest = NULL;

	vec_foreach (const struct live *, l, all)
		if (!oldest || is_older(l, oldest))
			oldest = l;
	return oldest;
}

/* ---- what is rendered ---- */

/* What nobody names cannot be replaced by naming it: an object's name has no capital letter. */
static void replace_unnamed(struct arena *a, const struct live *l, struct policies *ret)
{
	static const char *const unnamed[] = { POLICY_DEFAULT, POLICY_UNAUTHENTICATED };

	for (size_t i = 0; i < ARRAY_LEN(unnamed); i++) {
		struct policy p = l->object.policy;

		if (l->object.list != POLICY_SUBSCRIPTION || !str_eq_nocase(p.name, unnamed[i]))
			continue;
		p.name = unnamed[i];
		policies_put(a, ret, POLICY_SUBSCRIPTION, &p);
	}
}

void live_policies(struct arena *a, const struct vec *all, struct policies *ret)
{
	policies_defaults(a, ret);
	vec_foreach (const struct live *, l, all) {
		policies_put(a, ret, l->object.list, &l->object.policy);
		replace_unnamed(a, l, ret);
	}
	vec_foreach (const struct live *, l, all) {
		struct policy short_named = l->object.policy;

		short_named.name = l->alias;
		if (l->alias && !l->lost_to)
			policies_put(a, ret, l->object.list, &short_named);
	}
}

char *live_short_names(struct arena *a, const struct vec *all)
{
	struct json *names = json_object(a);

	vec_foreach (const struct live *, l, all)
		if (l->alias && !l->lost_to)
			json_set_str(a, names, name_key(a, l), l->object.policy.name);
	return json_canonical(a, names);
}
