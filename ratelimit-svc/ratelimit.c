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

#define KEEPER_CONFIG_MAP "policy-configmap-keeper"

static bool is_keeper(const struct world *w, const struct vec *all)
{
	const struct live *keeper = live_keeper(all);

	return keeper && w->root && str_eq(keeper->object.policy.name, w->root_ref.name);
}

/* The documents are read before the list: what is rendered from the list is then written only if
 * nobody rendered a newer list in between (the document's resourceVersion is the precondition). */
void ratelimit_needs(const struct world *w, struct needs *n)
{
	const char *ns = w->root_ref.ns;
	const struct live *self;
	struct vec all;

	need_child(n, KIND_CONFIG_MAP, ns, POLICIES_CONFIG_MAP);
	need_child(n, KIND_CONFIG_MAP, ns, CALLER_POLICIES_CONFIG_MAP);
	if (!world_find(w, KIND_CONFIG_MAP, ns, POLICIES_CONFIG_MAP))
		return;
	need_list(n, KIND_RATE_LIMITING, ns, NULL);
	if (!world_list(w, KIND_RATE_LIMITING, ns, NULL))
		return;
	live_collect(n->arena, w, &all);
	if (is_keeper(w, &all))
		need_child(n, KIND_CONFIG_MAP, ns, KEEPER_CONFIG_MAP);
	else
		need_input(n, KIND_CONFIG_MAP, ns, KEEPER_CONFIG_MAP);
	self = w->root ? live_find(&all, w->root_ref.name) : NULL;
	if (!self || !self->alias)
		return;
	need_input(n, KIND_RATE_LIMITING, ns, self->alias);
	if (self->lost_to)
		need_input(n, KIND_RATE_LIMITING, ns, self->lost_to->object.policy.name);
}

static void apply(
	struct plan *p, const char *map, const struct vec *all, const char *key, const char *text)
{
	struct json *body = json_format(p->arena,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'annotations':{}},"
		"'data':{}}",
		map);

	json_set_str(p->arena, json_sub(p->arena, body, "data"), key, text);
	if (str_eq(map, POLICIES_CONFIG_MAP))
		json_set_str(p->arena,
			json_sub(p->arena, json_sub(p->arena, body, "metadata"), "annotations"),
			ANNOTATION_SHORT_NAMES, live_short_names(p->arena, all));
	plan_apply(
		p, body, is_keeper(p->world, all) ? PLAN_UNOWNED : PLAN_UNOWNED | PLAN_UNRECORDED);
}

/* What nobody keeps right any more goes: who edits it by hand would be obeyed. */
static void take_away(struct plan *p, const char *map)
{
	struct ref r = { KIND_CONFIG_MAP, p->world->root_ref.ns, map };
	const struct json *live = world_get(p->world, r.kind, r.ns, r.name);

	if (live && str_eq(meta_label(live, LABEL_PART_OF), PART_OF))
		plan_delete(p, r, meta_uid(live));
}

static void render(struct plan *p, const struct vec *all)
{
	const struct live *keeper = live_keeper(all);
	struct policies policies;
	bool callers = false;

	if (!keeper) {
		take_away(p, POLICIES_CONFIG_MAP);
		take_away(p, CALLER_POLICIES_CONFIG_MAP);
		take_away(p, KEEPER_CONFIG_MAP);
		return;
	}
	live_policies(p->arena, all, &policies);
	vec_foreach (const struct live *, l, all)
		callers = callers || l->object.list != POLICY_RESOURCE;
	apply(p, POLICIES_CONFIG_MAP, all, POLICIES_KEY, policies_yaml(p->arena, &policies));
	policies.lists[POLICY_RESOURCE] = (struct vec){ 0 };
	if (callers)
		apply(p, CALLER_POLICIES_CONFIG_MAP, all, POLICIES_KEY,
			policies_yaml(p->arena, &policies));
	else
		take_away(p, CALLER_POLICIES_CONFIG_MAP);
	apply(p, KEEPER_CONFIG_MAP, all, "keeper", keeper->object.policy.name);
}

static void publish(struct plan *p, const struct live *l)
{
	const char *name = l->object.policy.name;

	json_set_str(p->arena, p->status, "policyName", name);
	if (l->lost_to) {
		plan_condition(p, COND_PUBLISHED, "True", REASON_NAME_CONFLICT,
			"policy \"%s\" is in force under its full name only: its short name \"%s\" "
			"stands for RateLimiting \"%s\", which had it first; use the full name, or "
			"rename one of them",
			name, l->alias, l->lost_to->object.policy.name);
		return;
	}
	if (l->alias)
		json_set_str(p->arena, p->status, "alias", l->alias);
	plan_condition(p, COND_PUBLISHED, "True", REASON_PUBLISHED, "%s of ConfigMap \"%s\"",
		policy_list_key(l->object.list), POLICIES_CONFIG_MAP);
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
		publish(p, live_find(&all, self.policy.name));
	else
		plan_block(p, later, COND_ACCEPTED);
	plan_summarize(p, required);
	plan_announce(p, told);
	return true;
}
