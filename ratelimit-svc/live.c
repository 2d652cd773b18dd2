#include "ratelimit-svc/live.h"

#include "lib/api/finding.h"
#include "lib/api/object.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
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
	vec_add(a, ret, l);
}

static int by_name(const void *x, const void *y)
{
	const struct live *const *a = x;
	const struct live *const *b = y;

	return strcmp((*a)->object.policy.name, (*b)->object.policy.name);
}

static const struct live *rival(const struct vec *all, const struct live *l)
{
	vec_foreach (const struct live *, other, all) {
		bool claims = str_eq(other->alias, l->alias) ||
			      str_eq(other->object.policy.name, l->alias);

		if (other != l && other->object.list == l->object.list && claims)
			return other;
	}
	return NULL;
}

void live_collect(struct arena *a, const struct world *w, struct vec *ret)
{
	const struct world_list *list = world_list(w, KIND_RATE_LIMITING, w->root_ref.ns, NULL);

	*ret = (struct vec){ 0 };
	add(a, w->root, ret);
	vec_foreach (const struct object *, o, list ? &list->items : &(struct vec){ 0 })
		if (!w->root || !ref_eq(o->ref, w->root_ref))
			add(a, o->json, ret);
	if (ret->n > 0)
		qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
	vec_foreach (struct live *, l, ret)
		l->claims = l->alias ? rival(ret, l) : NULL;
}

const struct live *live_find(const struct vec *all, const char *name)
{
	vec_foreach (const struct live *, l, all)
		if (str_eq(l->object.policy.name, name))
			return l;
	return NULL;
}

const struct live *live_with_alias(const struct vec *all, enum policy_list list, const char *name)
{
	vec_foreach (const struct live *, l, all)
		if (l->object.list == list && str_eq(l->alias, name))
			return l;
	return NULL;
}

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
		if (l->alias && !l->claims)
			policies_put(a, ret, l->object.list, &short_named);
	}
}
