#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "ratelimit-svc/ratelimit.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

/* Made in the minute of its limit. */
static void add(struct test_world *t, const char *name, int limit)
{
	char *yaml = arena_printf(t->world.arena,
		"{kind: RateLimiting, metadata: {name: %s, namespace: online, generation: %d, "
		"creationTimestamp: \"2026-11-01T10:%02d:00Z\"}, "
		"spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: %d}}}",
		name, limit, limit, limit);

	test_world_add(t, yaml);
}

static struct plan *look_at(struct test_world *t, const char *name)
{
	test_world_root(t, KIND_RATE_LIMITING, "online", name);
	return test_world_run(t, ratelimit_needs, ratelimit_reconcile);
}

/* What is written when this one is looked at. */
static const char *document(struct test_world *t, const char *name)
{
	struct plan *p;

	test_world_root(t, KIND_RATE_LIMITING, "online", name);
	p = test_world_run(t, ratelimit_needs, ratelimit_reconcile);
	return json_canonical(t->world.arena, test_applied(p, KIND_CONFIG_MAP, "policy-configmap"));
}

static void whichever_is_looked_at_the_document_is_the_same(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	const char *first;

	add(t, "ten", 10);
	add(t, "five-req", 5);
	add(t, "zz", 1);
	first = document(t, "five-req");
	assert_string_equal(document(t, "ten"), first);
	assert_string_equal(document(t, "zz"), first);
	assert_string_equal(document(t, "was-never-there"), first);
}

static void the_order_in_which_they_are_listed_does_not_matter(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *one = test_world_new(a);
	struct test_world *other = test_world_new(a);

	add(one, "a", 1);
	add(one, "b", 2);
	add(other, "b", 2);
	add(other, "a", 1);
	assert_string_equal(document(one, "a"), document(other, "a"));
}

static void the_list_is_read_after_the_document(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct object seen = { .ref = { KIND_CONFIG_MAP, "online", "policy-configmap" } };
	struct needs first = { .arena = a };
	struct needs second = { .arena = a };

	test_world_root(t, KIND_RATE_LIMITING, "online", "x");
	ratelimit_needs(&t->world, &first);
	assert_int_equal(first.refs.n, 2);
	assert_int_equal(first.lists.n, 0);
	vec_add(a, &t->world.objects, &seen);
	ratelimit_needs(&t->world, &second);
	assert_int_equal(second.lists.n, 1);
}

static void the_first_keeps_the_short_name_and_later_ones_are_told(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	add(t, "five-z", 5);
	add(t, "five-b", 6);
	add(t, "five-a", 7);
	p = look_at(t, "five-z");
	assert_string_equal(test_condition(p, COND_PUBLISHED), "True Published");
	assert_string_equal(json_get_str(p->status, "alias"), "five");
	p = look_at(t, "five-b");
	assert_string_equal(test_condition(p, COND_PUBLISHED), "True NameConflict");
	assert_string_equal(test_condition(p, COND_READY), "True Ready");
	assert_null(json_get(p->status, "alias"));
	assert_non_null(strstr(plan_condition_get(p, COND_PUBLISHED)->message,
		"stands for RateLimiting \"five-z\""));
	assert_string_equal(
		test_condition(look_at(t, "five-a"), COND_PUBLISHED), "True NameConflict");
	assert_non_null(strstr(document(t, "five-a"), "\\\"five\\\":\\n      count: 5"));
}

static void who_had_the_short_name_keeps_it_though_an_older_one_claims_it(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);

	test_world_add(t,
		"{kind: ConfigMap, metadata: {name: policy-configmap, namespace: online, annotations: "
		"{apim.wso2.com/short-names: '{\"resourcePolicies/five\":\"five-later\"}'}}, data: {}}");
	add(t, "five-earlier", 5);
	add(t, "five-later", 6);
	assert_string_equal(
		test_condition(look_at(t, "five-later"), COND_PUBLISHED), "True Published");
	assert_string_equal(
		test_condition(look_at(t, "five-earlier"), COND_PUBLISHED), "True NameConflict");
}

static void a_full_name_goes_before_a_short_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);

	add(t, "five-req", 5);
	add(t, "five", 6);
	assert_string_equal(
		test_condition(look_at(t, "five-req"), COND_PUBLISHED), "True NameConflict");
	assert_string_equal(test_condition(look_at(t, "five"), COND_PUBLISHED), "True Published");
	assert_non_null(strstr(document(t, "five"), "\\\"five\\\":\\n      count: 6"));
}

static void a_short_name_passes_on_when_its_first_goes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	test_world_add(t,
		"{kind: ConfigMap, metadata: {name: policy-configmap, namespace: online, annotations: "
		"{apim.wso2.com/short-names: '{\"resourcePolicies/five\":\"five-gone\"}'}}, data: {}}");
	add(t, "five-b", 6);
	add(t, "five-a", 7);
	p = look_at(t, "five-b");
	assert_string_equal(test_condition(p, COND_PUBLISHED), "True Published");
	assert_string_equal(json_get_str(p->status, "alias"), "five");
}

static bool asks_for(
	const struct test_world *t, enum kind kind, const char *name, enum ref_role role)
{
	vec_foreach (const struct need *, n, &t->asked)
		if (n->ref.kind == kind && str_eq(n->ref.name, name) && n->role == role)
			return true;
	return false;
}

static void one_that_lost_its_short_name_looks_again_when_the_first_changes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);

	add(t, "five-first", 5);
	add(t, "five-second", 6);
	(void)look_at(t, "five-second");
	assert_true(asks_for(t, KIND_RATE_LIMITING, "five-first", REF_INPUT));
	assert_true(asks_for(t, KIND_RATE_LIMITING, "five", REF_INPUT));
	(void)look_at(t, "five-first");
	assert_false(asks_for(t, KIND_RATE_LIMITING, "five-second", REF_INPUT));
	assert_true(asks_for(t, KIND_RATE_LIMITING, "five", REF_INPUT));
}

static unsigned int flags_of(const struct plan *p, const char *map)
{
	vec_foreach (const struct plan_apply *, x, &p->applies)
		if (str_eq(ref_of(x->body).name, map))
			return x->flags;
	fail_msg("%s is not applied", map);
	return 0;
}

static void only_the_oldest_records_the_document(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	add(t, "z", 1);
	add(t, "b", 2);
	add(t, "c", 3);
	p = look_at(t, "z");
	assert_int_equal(flags_of(p, "policy-configmap"), PLAN_UNOWNED);
	assert_int_equal(flags_of(p, "policy-configmap-keeper"), PLAN_UNOWNED);
	assert_false(asks_for(t, KIND_CONFIG_MAP, "policy-configmap-keeper", REF_INPUT));
	p = look_at(t, "b");
	assert_int_equal(flags_of(p, "policy-configmap"), PLAN_UNOWNED | PLAN_UNRECORDED);
	assert_true(asks_for(t, KIND_CONFIG_MAP, "policy-configmap-keeper", REF_INPUT));
	p = look_at(t, "gone");
	assert_int_equal(flags_of(p, "policy-configmap"), PLAN_UNOWNED | PLAN_UNRECORDED);
}

static void what_tokens_name_is_written_twice_while_there_is_any(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	test_world_add(t,
		"{kind: ConfigMap, metadata: {name: policy-configmap-callers, namespace: online, "
		"uid: u1, labels: {app.kubernetes.io/part-of: apim.wso2.com}}, data: {}}");
	add(t, "five-req", 5);
	p = look_at(t, "five-req");
	assert_null(test_applied(p, KIND_CONFIG_MAP, "policy-configmap-callers"));
	assert_int_equal(p->deletes.n, 1);
	assert_string_equal(
		((struct plan_delete *)p->deletes.at[0])->ref.name, "policy-configmap-callers");
	test_world_add(t, "{kind: RateLimiting, metadata: {name: gold, namespace: online}, "
			  "spec: {type: subscription, timeUnit: min, unitTime: 1, "
			  "requestCount: {limit: 7}}}");
	p = look_at(t, "five-req");
	assert_non_null(test_applied(p, KIND_CONFIG_MAP, "policy-configmap-callers"));
	assert_int_equal(p->deletes.n, 0);
}

static void who_is_the_keeper_is_written_once(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	add(t, "first", 1);
	add(t, "second", 2);
	for (size_t i = 0; i < 2; i++) {
		p = look_at(t, i ? "second" : "first");
		assert_string_equal(json_get_str(json_get(test_applied(p, KIND_CONFIG_MAP,
								  "policy-configmap-keeper"),
							 "data"),
					    "keeper"),
			"first");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_is_looked_at_the_document_is_the_same),
		cmocka_unit_test(the_order_in_which_they_are_listed_does_not_matter),
		cmocka_unit_test(the_list_is_read_after_the_document),
		cmocka_unit_test(the_first_keeps_the_short_name_and_later_ones_are_told),
		cmocka_unit_test(who_had_the_short_name_keeps_it_though_an_older_one_claims_it),
		cmocka_unit_test(a_full_name_goes_before_a_short_one),
		cmocka_unit_test(a_short_name_passes_on_when_its_first_goes),
		cmocka_unit_test(one_that_lost_its_short_name_looks_again_when_the_first_changes),
		cmocka_unit_test(only_the_oldest_records_the_document),
		cmocka_unit_test(what_tokens_name_is_written_twice_while_there_is_any),
		cmocka_unit_test(who_is_the_keeper_is_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
