#include "api-svc/tiers.h"

#include "api-svc/inputs.h"
#include "api-svc/names.h"
#include "lib/api/name.h"
#include "lib/api/object.h"
#include "lib/api/policies.h"
#include "lib/api/ratelimiting.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/yaml/yaml.h"
#include "toolkit/conf.h"

enum {
	MESSAGE_MAX = 1000,
};

/* The policies of a document of ratelimit-svc; false when there is none that can be read. */
static bool read_document(
	const struct world *w, const char *ns, const char *map, struct policies *ret)
{
	const struct json *o = world_get(w, KIND_CONFIG_MAP, ns, map);
	const struct json *document;
	const char *text;
	struct err ignored;
	size_t n = 0;

	text = o ? data_entry(w->arena, o, POLICIES_KEY, &n) : NULL;
	document = text ? yaml_parse(w->arena, text, n, NULL, &ignored) : NULL;
	return document && policies_read(w->arena, document, ret, &ignored);
}

/* The policy of a RateLimiting of type advance; false if it is none, or not a valid one. */
static bool read_object(const struct world *w, const char *ns, const char *name, struct policy *ret)
{
	const struct json *o = world_get(w, KIND_RATE_LIMITING, ns, name);
	struct rate_limiting limiting;
	struct findings f;

	if (!o || meta_deleting(o))
		return false;
	findings_init(&f, w->arena);
	rate_limiting_decode(w->arena, o, &limiting, &f);
	*ret = limiting.policy;
	return !findings_fatal(&f) && limiting.list == POLICY_RESOURCE;
}

static bool is_built_in(const struct policies *defaults, const char *name)
{
	return policies_get(defaults, POLICY_RESOURCE, name) != NULL;
}

static bool find(const struct world *w, const struct inputs *in, const struct policies *defaults,
	const char *name, struct policy *ret)
{
	const struct policy *p = policies_get(defaults, POLICY_RESOURCE, name);
	struct policies all;

	if (!p && read_object(w, in->ns, name, ret))
		return true;
	if (!p && read_document(w, in->ns, POLICIES_CONFIG_MAP, &all))
		p = policies_get(&all, POLICY_RESOURCE, name);
	if (!p)
		return false;
	*ret = *p;
	ret->name = name;
	return true;
}

static void copy_list(
	struct arena *a, const struct policies *from, enum policy_list list, struct policies *to)
{
	vec_foreach (const struct policy *, p, &from->lists[list])
		policies_put(a, to, list, p);
}

/* The last build had a policy for it: whose RateLimiting was deleted is not to lose its calls. */
static bool was_built_with(const struct world *w, const struct inputs *in, const char *tier)
{
	const struct json *conf =
		world_get(w, KIND_SECRET, in->ns, names_gateway_conf(w->arena, in->name));
	struct toolkit_inputs built = { .policies = NULL };
	struct err ignored;
	const char *text;
	size_t n = 0;

	text = conf ? data_entry(w->arena, conf, GATEWAY_CONF_KEY, &n) : NULL;
	return text && toolkit_conf_read(w->arena, text, n, &built, &ignored) && built.policies &&
	       policies_get(built.policies, POLICY_RESOURCE, tier);
}

static void add_missing(const struct world *w, struct inputs *in, const char *tier)
{
	vec_add(w->arena, &in->missing_tiers, (void *)(uintptr_t)tier);
	if (!in->api.image && was_built_with(w, in, tier))
		problem(in, &in->not_resolved, REASON_POLICY_NOT_FOUND,
			"the policy of throttling tier \"%s\" is gone; the gateway goes on with the one that it was built "
			"with: create a RateLimiting of type advance with that name in namespace \"%s\", or correct the tier",
			tier, in->ns);
}

void tiers_read(const struct world *w, struct inputs *in)
{
	const struct toolkit_names *tiers = &in->scan.tiers;
	struct policies *all = arena_alloc(w->arena, sizeof(*all));
	struct policies defaults;
	struct policies callers;

	policies_defaults(w->arena, &defaults);
	for (size_t i = 0; i < tiers->n; i++) {
		struct policy p;

		if (find(w, in, &defaults, tiers->at[i], &p))
			policies_put(w->arena, all, POLICY_RESOURCE, &p);
		else
			add_missing(w, in, tiers->at[i]);
	}
	if (!read_document(w, in->ns, CALLER_POLICIES_CONFIG_MAP, &callers))
		callers = defaults;
	copy_list(w->arena, &callers, POLICY_APPLICATION, all);
	copy_list(w->arena, &callers, POLICY_SUBSCRIPTION, all);
	in->policies = all;
}

void tiers_need(const struct world *w, const struct inputs *in, struct needs *n)
{
	const struct toolkit_names *tiers = &in->scan.tiers;
	struct policies defaults;
	struct policy p;

	if (!in->scanned)
		return;
	policies_defaults(w->arena, &defaults);
	need_input(n, KIND_CONFIG_MAP, in->ns, CALLER_POLICIES_CONFIG_MAP);
	for (size_t i = 0; i < tiers->n; i++) {
		const char *name = tiers->at[i];

		if (is_built_in(&defaults, name) || !name_is_subdomain(name))
			continue;
		need_input(n, KIND_RATE_LIMITING, in->ns, name);
		if (world_find(w, KIND_RATE_LIMITING, in->ns, name) &&
			!read_object(w, in->ns, name, &p))
			need_input(n, KIND_CONFIG_MAP, in->ns, POLICIES_CONFIG_MAP);
		if (world_find(w, KIND_CONFIG_MAP, in->ns, POLICIES_CONFIG_MAP) &&
			!find(w, in, &defaults, name, &p))
			need_child(n, KIND_SECRET, in->ns, names_gateway_conf(w->arena, in->name));
	}
}

void tiers_judge(struct plan *p, const struct inputs *in)
{
	struct str s;

	if (in->scan.tiers.n == 0)
		return;
	if (in->missing_tiers.n == 0) {
		plan_condition(p, COND_POLICIES_RESOLVED, "True", REASON_RESOLVED,
			"every throttling tier has its policy");
		return;
	}
	str_init(&s, p->arena, MESSAGE_MAX);
	vec_foreach (const char *, name, &in->missing_tiers)
		if (s.len + strlen(name) + 8 < MESSAGE_MAX)
			str_addf(&s, "%s\"%s\"", s.len > 0 ? ", " : "", name);
	plan_condition(p, COND_POLICIES_RESOLVED, "False", REASON_POLICY_NOT_FOUND,
		"no policy for throttling tier %s; %s: "
		"create a RateLimiting of type advance with that name in namespace \"%s\", or correct "
		"the tier",
		s.ptr,
		str_eq(in->not_resolved.reason, REASON_POLICY_NOT_FOUND)
			? "the gateway goes on with what it was built with"
			: "calls under it are answered 500 until there is",
		in->ns);
}
