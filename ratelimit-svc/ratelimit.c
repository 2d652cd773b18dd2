#include "ratelimit-svc/ratelimit.h"

#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "lib/plan/world.h"
#include "ratelimit-svc/live.h"

/* The document is read before the list: what is rendered from the list is then written only if
 * nobody rendered a newer list in between (the document's resourceVersion is the precondition). */
void ratelimit_needs(const struct world *w, struct needs *n)
{
	need_child(n, KIND_CONFIG_MAP, w->root_ref.ns, POLICIES_CONFIG_MAP);
	need_child(n, KIND_CONFIG_MAP, w->root_ref.ns, CALLER_POLICIES_CONFIG_MAP);
	if (world_find(w, KIND_CONFIG_MAP, w->root_ref.ns, POLICIES_CONFIG_MAP))
		need_list(n, KIND_RATE_LIMITING, w->root_ref.ns, NULL);
}

static bool exists(const struct plan *p, const char *map)
{
	return world_get(p->world, KIND_CONFIG_MAP, p->world->root_ref.ns, map) != NULL;
}

static void apply(struct plan *p, const char *map, const struct policies *policies)
{
	plan_apply(p,
		json_format(p->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s},"
			"'data':{'" POLICIES_KEY "':%s}}",
			map, policies_yaml(p->arena, policies)),
		PLAN_UNOWNED);
}

static void render(struct plan *p, const struct vec *all)
{
	struct policies policies;
	bool callers = false;

	live_policies(p->arena, all, &policies);
	vec_foreach (const struct live *, l, all)
		callers = callers || l->object.list != POLICY_RESOURCE;
	/* Without any the namespace is on its way out, or never had one: nothing to correct. */
	if (all->n > 0 || exists(p, POLICIES_CONFIG_MAP))
		apply(p, POLICIES_CONFIG_MAP, &policies);
	policies.lists[POLICY_RESOURCE] = (struct vec){ 0 };
	if (callers || exists(p, CALLER_POLICIES_CONFIG_MAP))
		apply(p, CALLER_POLICIES_CONFIG_MAP, &policies);
}

/* What the one says that cannot be called by its short name. */
static void conflict(struct plan *p, const struct live *l)
{
	const char *name = l->object.policy.name;
	const char *other = l->claims->object.policy.name;

	if (str_eq(other, l->alias))
		plan_condition(p, COND_PUBLISHED, "False", REASON_NAME_CONFLICT,
			"policy \"%s\" is in force, but its short name is the name of RateLimiting \"%s\" and stands for that one; rename one of them",
			name, other);
	else
		plan_condition(p, COND_PUBLISHED, "False", REASON_NAME_CONFLICT,
			"policy \"%s\" is in force, but its short name \"%s\" is claimed by RateLimiting \"%s\" as well and stands for neither; rename one of them",
			name, l->alias, other);
}

static void publish(struct plan *p, const struct vec *all, const struct live *l)
{
	const struct live *wants_it = live_with_alias(all, l->object.list, l->object.policy.name);

	json_set_str(p->arena, p->status, "policyName", l->object.policy.name);
	if (l->claims) {
		conflict(p, l);
		return;
	}
	if (l->alias)
		json_set_str(p->arena, p->status, "alias", l->alias);
	plan_condition(p, COND_PUBLISHED, "True", REASON_PUBLISHED, "%s of ConfigMap \"%s\"%s",
		policy_list_key(l->object.list), POLICIES_CONFIG_MAP,
		wants_it ? arena_printf(p->arena,
				   "; RateLimiting \"%s\" cannot use the name as its short name",
				   wants_it->object.policy.name)
			 : "");
}

bool ratelimit_reconcile(const struct world *w, struct plan *p, struct err *err)
{
	static const char *const required[] = { COND_ACCEPTED, COND_PUBLISHED, NULL };
	static const char *const later[] = { COND_PUBLISHED, NULL };
	static const char *const told[] = { COND_UNUSED_FIELDS, COND_ACCEPTED, COND_PUBLISHED,
		COND_READY, NULL };
	struct rate_limiting self;
	struct findings f;
	struct vec all;

	(void)err;
	live_collect(p->arena, w, &all);
	render(p, &all);
	if (!w->root || meta_deleting(w->root))
		return true;
	findings_init(&f, p->arena);
	rate_limiting_decode(p->arena, w->root, &self, &f);
	if (plan_accept(p, &f))
		publish(p, &all, live_find(&all, self.policy.name));
	else
		plan_block(p, later, COND_ACCEPTED);
	plan_summarize(p, required);
	plan_announce(p, told);
	return true;
}
