#include "toolkit/limit.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "toolkit/model.h"

/* The lists of lib/api and of the contract are the same, in the same order. */
static_assert((int)POLICY_RESOURCE == (int)LIMIT_RESOURCE, "resource");
static_assert((int)POLICY_APPLICATION == (int)LIMIT_APPLICATION, "application");
static_assert((int)POLICY_SUBSCRIPTION == (int)LIMIT_SUBSCRIPTION, "subscription");

/* What the operations of all documents make necessary. */
struct wanted {
	bool secured; /* tokens may name any policy of application and subscription */
	bool open;
	bool all_resources;
	struct vec tiers; /* const struct model_tier * */
};

static bool is_tier(const struct model_tier *t)
{
	return t->name && !str_eq(t->name, "Unlimited");
}

static void want(struct arena *a, const struct model *m, struct wanted *w)
{
	if (is_tier(&m->tier))
		vec_add(a, &w->tiers, (void *)(uintptr_t)&m->tier);
	vec_foreach (const struct model_path *, p, &m->paths)
		vec_foreach (const struct model_operation *, op, &p->operations) {
			*(op->secured ? &w->secured : &w->open) = true;
			if (is_tier(&op->tier))
				vec_add(a, &w->tiers, (void *)(uintptr_t)&op->tier);
		}
}

static bool is_named(const struct wanted *w, const char *name)
{
	vec_foreach (const struct model_tier *, t, &w->tiers)
		if (str_eq(t->name, name))
			return true;
	return false;
}

static bool is_wanted(const struct wanted *w, enum policy_list list, const char *name)
{
	if (list == POLICY_RESOURCE)
		return w->all_resources || is_named(w, name);
	if (w->open && list == POLICY_SUBSCRIPTION && str_eq(name, POLICY_UNAUTHENTICATED))
		return true;
	return w->secured;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct limit *)x)->name, ((const struct limit *)y)->name);
}

static const char *lower(struct arena *a, const char *text)
{
	char *copy = arena_dup(a, text);

	for (char *c = copy; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void add(struct arena *a, struct limits *l, enum policy_list list, const struct policy *p)
{
	l->lists[list][l->n[list]++] = (struct limit){
		.name = p->name,
		.count = p->count,
		.unit_s = policy_unit_s(p),
		.units = p->unit_time,
		.over_quota = p->over_quota,
		.bytes = p->bytes,
		.header = lower(a, p->header),
		.header_value = p->header_value,
		.address_first = p->address_first,
		.address_last = p->address_last,
		.address_not = p->address_not,
		.claim = p->claim,
		.claim_value = p->claim_value,
	};
}

static void put_list(struct arena *a, const struct policies *p, const struct wanted *w,
	enum policy_list list, struct limits *l)
{
	l->lists[list] = arena_alloc(a, (p->lists[list].n + 1) * sizeof(struct limit));
	vec_foreach (const struct policy *, policy, &p->lists[list])
		if (is_wanted(w, list, policy->name))
			add(a, l, list, policy);
	if (l->n[list] > 1)
		qsort(l->lists[list], l->n[list], sizeof(struct limit), by_name);
}

static void check(const struct vec *models, const struct limits *l)
{
	static const char missing[] =
		"tier \"%.100s\": there is no such policy, calls are answered 500 until there is; "
		"create a RateLimiting of type advance with that name, or correct the tier";

	vec_foreach (struct model *, m, models) {
		struct reader *r = &m->reader;

		if (is_tier(&m->tier) && !limits_find(l, LIMIT_RESOURCE, m->tier.name))
			warn(r, "PolicyNotFound", m->tier.place, missing, m->tier.name);
		vec_foreach (const struct model_path *, p, &m->paths)
			vec_foreach (const struct model_operation *, op, &p->operations)
				if (is_tier(&op->tier) &&
					!limits_find(l, LIMIT_RESOURCE, op->tier.name))
					warn(r, "PolicyNotFound", op->tier.place, missing,
						op->tier.name);
	}
}

struct limits limits_compile(
	struct arena *a, const struct vec *models, const struct policies *p, bool all_resources)
{
	struct wanted w = { .all_resources = all_resources };
	struct limits l = { .given = true };
	struct policies all;

	policies_complete(a, p, &all);
	vec_foreach (const struct model *, m, models)
		want(a, m, &w);
	for (enum policy_list list = 0; list < POLICY_LISTS; list++)
		put_list(a, &all, &w, list, &l);
	check(models, &l);
	return l;
}

struct tier limits_tier(const struct limits *l, const struct model_tier *t)
{
	if (!is_tier(t))
		return (struct tier){ NULL, NULL };
	return (struct tier){ t->name, limits_find(l, LIMIT_RESOURCE, t->name) };
}
