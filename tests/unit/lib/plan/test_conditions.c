#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "tests/support/unit.h"

static const char *const required[] = { COND_ACCEPTED, COND_BUILT, NULL };

static struct plan *a_plan(struct arena *a)
{
	struct world *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->root_ref = (struct ref){ KIND_API, "shop", "online.store" };
	w->root = json_format(a, "{'metadata':{'generation':4,'uid':'u','name':'online.store'}}");
	w->now_s = 1572256179;
	return plan_new(a, w);
}

static const char *status_of(const struct plan *p, const char *type)
{
	const struct condition *c = plan_condition_get(p, type);

	return c ? c->status : "none";
}

static void ready_is_true_when_all_required_are(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);

	plan_condition(p, COND_ACCEPTED, "True", REASON_VALID, "fine");
	plan_condition(p, COND_BUILT, "True", REASON_IMAGE_EXISTS, "there");
	plan_condition(p, COND_EXPOSED, "False", REASON_ADDRESS_PENDING, "never part of Ready");
	plan_summarize(p, required);
	assert_string_equal(status_of(p, COND_READY), "True");
	assert_string_equal(status_of(p, COND_RECONCILING), "none");
	assert_string_equal(status_of(p, COND_STALLED), "none");
}

static void ready_repeats_the_first_that_is_not_satisfied(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);

	plan_condition(p, COND_BUILT, "Unknown", REASON_BLOCKED, "later");
	plan_condition(p, COND_ACCEPTED, "False", REASON_INVALID_DEFINITION, "line %d", 3);
	plan_summarize(p, required);
	assert_string_equal(plan_condition_get(p, COND_READY)->reason, REASON_INVALID_DEFINITION);
	assert_string_equal(plan_condition_get(p, COND_READY)->message, "line 3");
	assert_string_equal(status_of(p, COND_STALLED), "True");
}

static void what_is_false_counts_before_what_waits_for_it(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);

	plan_condition(p, COND_ACCEPTED, "Unknown", REASON_BLOCKED, "waits");
	plan_condition(p, COND_BUILT, "False", REASON_BUILD_FAILED, "why");
	plan_summarize(p, required);
	assert_string_equal(plan_condition_get(p, COND_READY)->reason, REASON_BUILD_FAILED);
}

static void what_is_tried_again_is_reconciling_and_not_stalled(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);

	plan_condition(p, COND_ACCEPTED, "True", REASON_VALID, "fine");
	plan_condition(p, COND_BUILT, "False", REASON_REGISTRY_UNAVAILABLE, "down");
	p->retrying = true;
	plan_summarize(p, required);
	assert_string_equal(status_of(p, COND_RECONCILING), "True");
	assert_string_equal(status_of(p, COND_STALLED), "none");
}

static void a_cloud_event_is_addressed_without_dots_in_names(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);
	const struct plan_message *m;

	plan_cloud_event(p, "deploy.ready", json_object(a));
	m = p->messages.at[0];
	assert_string_equal(m->subject, "evt.deploy.ready.shop.online_store");
	assert_string_equal(m->ce_type, "com.wso2.apim.deploy.ready");
}

static void the_sooner_of_two_requeues_counts(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);

	plan_requeue(p, 5000);
	plan_requeue(p, 1000);
	plan_requeue(p, 9000);
	assert_int_equal(p->requeue_ms, 1000);
}

static void an_unowned_child_says_nothing_about_one_root(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = a_plan(a);
	const struct json *body;

	plan_apply(p, json_format(a, "{'kind':'ConfigMap','metadata':{'name':'x'}}"), PLAN_UNOWNED);
	body = ((const struct plan_apply *)p->applies.at[0])->body;
	assert_null(json_path(body, "metadata", "ownerReferences", NULL));
	assert_null(meta_annotation(body, ANNOTATION_GENERATION));
	assert_string_equal(meta_label(body, LABEL_PART_OF), PART_OF);
	assert_string_equal(json_str(json_path(body, "metadata", "namespace", NULL)), "shop");
}

static void equal_plans_have_equal_dumps(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *x = a_plan(a);
	struct plan *y = a_plan(a);

	plan_event(x, "Normal", "R", "m");
	plan_event(y, "Normal", "R", "m");
	assert_string_equal(plan_json(a, x), plan_json(a, y));
	plan_requeue(y, 1);
	assert_string_not_equal(plan_json(a, x), plan_json(a, y));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_is_true_when_all_required_are),
		cmocka_unit_test(ready_repeats_the_first_that_is_not_satisfied),
		cmocka_unit_test(what_is_false_counts_before_what_waits_for_it),
		cmocka_unit_test(what_is_tried_again_is_reconciling_and_not_stalled),
		cmocka_unit_test(a_cloud_event_is_addressed_without_dots_in_names),
		cmocka_unit_test(the_sooner_of_two_requeues_counts),
		cmocka_unit_test(an_unowned_child_says_nothing_about_one_root),
		cmocka_unit_test(equal_plans_have_equal_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
