#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "ratelimit-svc/ratelimit.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

static void add(struct test_world *t, const char *name, int limit)
{
	char *yaml = arena_printf(t->world.arena,
		"{kind: RateLimiting, metadata: {name: %s, namespace: online, generation: %d}, "
		"spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: %d}}}",
		name, limit, limit);

	test_world_add(t, yaml);
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

static void a_short_name_comes_back_when_its_rival_goes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *both = test_world_new(a);
	struct test_world *alone = test_world_new(a);
	struct plan *p;

	add(both, "five-req", 5);
	add(both, "five-other", 6);
	test_world_root(both, KIND_RATE_LIMITING, "online", "five-req");
	p = test_world_run(both, ratelimit_needs, ratelimit_reconcile);
	assert_string_equal(test_condition(p, COND_PUBLISHED), "False NameConflict");
	assert_null(json_get(p->status, "alias"));
	assert_null(strstr(document(both, "five-req"), "\\\"five\\\""));

	add(alone, "five-req", 5);
	test_world_root(alone, KIND_RATE_LIMITING, "online", "five-req");
	p = test_world_run(alone, ratelimit_needs, ratelimit_reconcile);
	assert_string_equal(test_condition(p, COND_PUBLISHED), "True Published");
	assert_string_equal(json_get_str(p->status, "alias"), "five");
	assert_non_null(strstr(document(alone, "five-req"), "\\\"five\\\""));
}

static void three_of_one_short_name_are_all_told(void **state UNUSED)
{
	static const char *const names[] = { "five-a", "five-b", "five-c" };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add(t, names[i], 5);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		test_world_root(t, KIND_RATE_LIMITING, "online", names[i]);
		assert_string_equal(
			test_condition(test_world_run(t, ratelimit_needs, ratelimit_reconcile),
				COND_PUBLISHED),
			"False NameConflict");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_is_looked_at_the_document_is_the_same),
		cmocka_unit_test(the_order_in_which_they_are_listed_does_not_matter),
		cmocka_unit_test(the_list_is_read_after_the_document),
		cmocka_unit_test(a_short_name_comes_back_when_its_rival_goes),
		cmocka_unit_test(three_of_one_short_name_are_all_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
