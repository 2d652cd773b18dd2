#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/verdict.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

struct fixture {
	struct arena *arena;
	struct test_world *world;
	struct plan *plan;
	struct findings findings;
};

/* A root whose status says what the text says. */
static struct fixture fixture_with(const char *status)
{
	struct fixture x = { .arena = arena_new() };

	x.world = test_world_new(x.arena);
	x.world->world.root_ref = (struct ref){ KIND_SECURITY, "online", "s" };
	x.world->world.root = json_format(
		x.arena, "{'metadata':{'generation':3},'status':%j}", json_format(x.arena, status));
	x.plan = plan_new(x.arena, &x.world->world);
	findings_init(&x.findings, x.arena);
	return x;
}

static void release(struct fixture *x)
{
	arena_free(x->arena);
}

static void an_object_without_findings_is_accepted(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_with("{}");

	assert_true(plan_accept(x.plan, &x.findings));
	assert_string_equal(test_condition(x.plan, COND_ACCEPTED), "True Valid");
	assert_string_equal(test_condition(x.plan, COND_UNUSED_FIELDS), "");
}

static void what_has_no_effect_is_accepted_and_named(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_with("{}");

	finding_add(&x.findings, FINDING_UNUSED, "spec.a", "has no effect");
	assert_true(plan_accept(x.plan, &x.findings));
	assert_string_equal(test_condition(x.plan, COND_ACCEPTED), "True FieldsIgnored");
	assert_non_null(strstr(
		plan_condition_get(x.plan, COND_ACCEPTED)->message, "spec.a: has no effect"));
	assert_string_equal(test_condition(x.plan, COND_UNUSED_FIELDS), "True FieldsIgnored");
}

static void the_first_that_refuses_gives_the_reason_and_all_speak(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_with("{}");

	finding_add(&x.findings, FINDING_UNUSED, "spec.a", "has no effect");
	finding_add(&x.findings, FINDING_UNKNOWN_MODE, "spec.b", "is wrong");
	finding_add(&x.findings, FINDING_INVALID_FIELD, "spec.c", "is wrong");
	assert_false(plan_accept(x.plan, &x.findings));
	assert_string_equal(test_condition(x.plan, COND_ACCEPTED), "False UnknownMode");
	assert_string_equal(plan_condition_get(x.plan, COND_ACCEPTED)->message,
		"spec.b: is wrong; spec.c: is wrong");
	assert_string_equal(
		plan_condition_get(x.plan, COND_UNUSED_FIELDS)->message, "spec.a: has no effect");
}

static void every_finding_has_a_reason(void **state UNUSED)
{
	for (enum finding_kind k = FINDING_INVALID_FIELD; k <= FINDING_ADJUSTED; k++)
		assert_false(str_empty(verdict_reason(k)));
}

static void bad_news_is_told_once(void **state UNUSED)
{
	static const char *const types[] = { COND_ACCEPTED, COND_READY, NULL };
	AUTO(release) struct fixture first = fixture_with("{}");
	AUTO(release)
	struct fixture again = fixture_with(
		"{'conditions':[{'type':'Accepted','status':'False','reason':'UnknownType'}]}");

	plan_condition(first.plan, COND_ACCEPTED, "False", REASON_UNKNOWN_TYPE, "%s", "x");
	plan_condition(again.plan, COND_ACCEPTED, "False", REASON_UNKNOWN_TYPE, "%s", "y");
	plan_condition(first.plan, COND_READY, "False", REASON_UNKNOWN_TYPE, "%s", "x");
	plan_announce(first.plan, types);
	plan_announce(again.plan, types);
	assert_int_equal(first.plan->events.n, 1);
	assert_int_equal(test_events(first.plan, REASON_UNKNOWN_TYPE), 1);
	assert_int_equal(again.plan->events.n, 0);
}

static void what_waits_for_something_else_is_no_news(void **state UNUSED)
{
	static const char *const types[] = { COND_RESOLVED_REFS, NULL };
	AUTO(release) struct fixture x = fixture_with("{}");

	plan_block(x.plan, types, COND_ACCEPTED);
	plan_announce(x.plan, types);
	assert_string_equal(test_condition(x.plan, COND_RESOLVED_REFS), "Unknown Blocked");
	assert_int_equal(x.plan->events.n, 0);
}

static void becoming_ready_is_good_news(void **state UNUSED)
{
	static const char *const types[] = { COND_READY, NULL };
	AUTO(release) struct fixture x = fixture_with("{}");

	plan_condition(x.plan, COND_READY, "True", "Ready", "%s", "");
	plan_announce(x.plan, types);
	assert_int_equal(test_events(x.plan, COND_READY), 1);
}

static void wrong_configuration_is_told_when_it_is_news(void **state UNUSED)
{
	AUTO(release) struct fixture known = fixture_with("{'observedGeneration':3}");
	AUTO(release) struct fixture moved = fixture_with("{'observedGeneration':3}");
	AUTO(release) struct fixture fresh = fixture_with("{'observedGeneration':2}");
	AUTO(release) struct fixture right = fixture_with("{}");
	struct ref config = { KIND_CONFIG_MAP, "wso2-system", "controller-config" };
	struct fixture *const wrong[] = { &known, &moved, &fresh };

	vec_add(moved.arena, &moved.world->world.moved, &config);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		finding_add(
			&wrong[i]->findings, FINDING_INVALID_FIELD, "controller-config.x", "no");
		plan_warn_configuration(wrong[i]->plan, &wrong[i]->findings);
	}
	plan_warn_configuration(right.plan, &right.findings);
	assert_int_equal(known.plan->events.n, 0);
	assert_int_equal(moved.plan->events.n, 1);
	assert_int_equal(fresh.plan->events.n, 1);
	assert_int_equal(right.plan->events.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_without_findings_is_accepted),
		cmocka_unit_test(what_has_no_effect_is_accepted_and_named),
		cmocka_unit_test(the_first_that_refuses_gives_the_reason_and_all_speak),
		cmocka_unit_test(every_finding_has_a_reason),
		cmocka_unit_test(bad_news_is_told_once),
		cmocka_unit_test(what_waits_for_something_else_is_no_news),
		cmocka_unit_test(becoming_ready_is_good_news),
		cmocka_unit_test(wrong_configuration_is_told_when_it_is_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
