/* An index of the cluster: whom it wakes for what becomes of the object itself, when it leads, and
 * whatever comes. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/index.h"
#include "tests/support/unit.h"

/* ---- the object itself ---- */

static void nothing_is_told_before_every_kind_was_listed(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	is_quiet(s);
	lists_end_but_one(s);
	assert_false(index_is_complete(s->index));
	is_quiet(s);
	lists_end(s);
	assert_true(index_is_complete(s->index));
	wakes(s, "generation 1");
	is_quiet(s);
}

static void a_new_object_is_woken_once(void **state)
{
	SCENE;
	struct index_message *m;
	long version;

	lists_end(s);
	version = puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	m = wakes(s, "generation 1");
	assert_string_equal(m->wake.uid, "uid-store");
	assert_string_equal(m->wake.resource_version, text(s, version));
	assert_int_equal(m->wake.generation, 1);
	assert_int_equal(m->wake.moved.n, 0);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	is_quiet(s);
}

static void our_own_status_writes_wake_nobody(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	wakes(s, "generation 1");
	for (int i = 0; i < 3; i++) {
		puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = i < 2 });
		is_quiet(s);
	}
	passes(s, 1000);
	is_quiet(s);
}

static void each_generation_is_woken_and_has_a_trace_of_its_own(void **state)
{
	SCENE;
	const struct index_message *first, *second, *third;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	puts_api(s, &(struct api){ .generation = 2, .observed = 1, .not_ready = true });
	second = wakes(s, "generation 2");
	assert_string_not_equal(first->wake.traceparent, second->wake.traceparent);
	assert_int_equal(strlen(first->wake.traceparent), 55);
	index_compare_all(s->index); /* the same work goes on */
	third = wakes(s, "generation 2");
	assert_string_equal(third->wake.traceparent, second->wake.traceparent);
}

static void a_trace_lasts_until_ready(void **state)
{
	SCENE;
	const struct index_message *first, *second, *third;
	long v;

	v = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	puts_api(
		s, &(struct api){ .generation = 1,
			   .observed = 1,
			   .not_ready = true,
			   .dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", v), NULL) });
	v = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	second = wakes(s, "ConfigMap doc changed");
	assert_string_equal(first->wake.traceparent, second->wake.traceparent);
	puts_api(
		s, &(struct api){ .generation = 1,
			   .observed = 1,
			   .dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", v), NULL) });
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	third = wakes(s, "ConfigMap doc changed");
	assert_string_not_equal(first->wake.traceparent, third->wake.traceparent);
}

static void a_deleted_object_is_told_and_forgotten(void **state)
{
	SCENE;
	struct index_message *m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	is_quiet(s);
	deletes(s, KIND_API, "store");
	m = wakes(s, "deleted");
	assert_string_equal(m->wake.uid, "uid-store");
	is_quiet(s);
	assert_int_equal(index_figures(s->index).roots, 0);
	assert_int_equal(index_figures(s->index).objects, 0);
	assert_int_equal(index_figures(s->index).bytes, 0);
}

static void what_a_new_list_no_longer_names_is_deleted(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .name = "kept", .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "store", .generation = 1, .observed = 1 });
	lists_end(s);
	lists_begin(s);
	puts_api(s, &(struct api){ .name = "kept", .generation = 1, .observed = 1 });
	is_quiet(s);
	lists_end(s);
	wakes(s, "deleted");
	is_quiet(s);
	assert_int_equal(index_figures(s->index).roots, 1);
}

static void another_object_of_the_same_name_is_new(void **state)
{
	SCENE;
	struct index_message *m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	deletes(s, KIND_API, "store");
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true, .uid = "uid-2" });
	m = wakes(s, "generation 1");
	assert_string_equal(m->wake.uid, "uid-2");
	is_quiet(s);
}

static void a_recreated_object_is_woken_though_its_generation_was_told_before(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	wakes(s, "generation 1");
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true, .uid = "uid-2" });
	wakes(s, "generation 1");
}

static void an_object_marked_for_deletion_is_woken_once(void **state)
{
	SCENE;
	struct json *v;

	lists_end(s);
	for (int i = 0; i < 2; i++) {
		s->version++;
		v = json_of(s, KIND_API, "store", NULL);
		json_set_str(s->arena, json_sub(s->arena, v, "metadata"), "deletionTimestamp",
			"2026-11-23T12:00:00Z");
		index_upsert(s->index, KIND_API, v, text(s, s->version));
		if (i == 0)
			wakes(s, "being deleted");
		is_quiet(s);
	}
}

/* ---- complete comparisons, leading ---- */

static void a_complete_comparison_tells_who_has_something_left_to_do(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .name = "done", .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .reconciling = true });
	is_quiet(s);
	index_compare_all(s->index);
	assert_non_null(says(s, "cr.api.shop.store", "not settled yet"));
	is_quiet(s);
}

static void a_complete_comparison_has_the_policies_of_each_namespace_rendered(void **state)
{
	SCENE;
	const struct index_message *m;

	puts_object(s, KIND_CONFIG_MAP, "policy-configmap", NULL);
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	is_quiet(s);
	lists_end(s);
	m = says(s, "cr.ratelimiting.shop.policy-configmap", "deleted");
	is_quiet(s);
	index_compare_all(s->index);
	assert_string_not_equal(
		says(s, "cr.ratelimiting.shop.policy-configmap", "deleted")->id, m->id);
	is_quiet(s);
}

static void a_record_from_the_future_is_told_by_a_complete_comparison(void **state)
{
	SCENE;

	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", 999999), NULL);
	is_quiet(s);
	index_compare_all(s->index);
	assert_true(names(wakes(s, "ConfigMap doc changed"), KIND_CONFIG_MAP, "doc"));
	is_quiet(s);
}

static void after_a_restart_settled_objects_are_left_alone(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	const struct api settled = { .generation = 4,
		.observed = 4,
		.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL),
		.children = list_of(s, child(s, KIND_DEPLOYMENT, "store", deployment_up), NULL) };

	puts_object(s, KIND_DEPLOYMENT, "store", deployment_up);
	puts_api(s, &settled);
	lists_end(s);
	is_quiet(s);
	passes(s, 5000);
	index_compare_all(s->index);
	passes(s, 5000);
	is_quiet(s);
}

static void after_a_restart_what_changed_meanwhile_is_told(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);

	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL);
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	wakes(s, "ConfigMap doc changed");
	is_quiet(s);
}

static void a_complete_comparison_repeats_what_is_unsettled_with_another_id(void **state)
{
	SCENE;
	const struct index_message *first, *second;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	index_compare_all(s->index);
	second = wakes(s, "generation 1");
	assert_string_not_equal(first->id, second->id);
	is_quiet(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	is_quiet(s);
	index_compare_all(s->index);
	wakes(s, "not settled yet");
	is_quiet(s);
}

static void an_untold_message_stays_due(void **state)
{
	SCENE;
	struct index_message m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	for (int i = 0; i < 3; i++) {
		assert_true(index_next(s->index, s->arena, &m));
		assert_string_equal(m.subject, "cr.api.shop.store");
	}
	assert_int_equal(index_tick(s->index, 1000), 0);
	/* Settled before it could be told: no longer news. */
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	is_quiet(s);
}

static void a_standby_says_nothing_and_knows_everything_when_it_leads(void **state)
{
	SCENE;

	lists_end(s);
	index_lead(s->index, false);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "new", .generation = 1, .not_ready = true });
	passes(s, 1000);
	is_quiet(s);
	index_lead(s->index, true);
	says(s, "cr.api.shop.new", "generation 1");
	is_quiet(s);
}

static void a_standby_remembers_the_dead_for_a_minute(void **state)
{
	SCENE;

	lists_end(s);
	index_lead(s->index, false);
	puts_api(s, &(struct api){ .name = "early", .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	deletes(s, KIND_API, "early");
	passes(s, INDEX_TOMBSTONE_MS - 1000);
	deletes(s, KIND_API, "store");
	passes(s, 2000);
	index_lead(s->index, true);
	wakes(s, "deleted");
	is_quiet(s);
}

static void who_stops_leading_keeps_only_the_dead_to_tell(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "new", .generation = 1, .not_ready = true });
	deletes(s, KIND_API, "store");
	index_lead(s->index, false);
	assert_int_equal(index_figures(s->index).due, 1);
	assert_null(told(s));
	index_lead(s->index, true);
	wakes(s, "deleted");
	says(s, "cr.api.shop.new", "generation 1");
	is_quiet(s);
}

static void tick_tells_how_long_there_is_nothing_to_do(void **state)
{
	SCENE;

	assert_int_equal(index_tick(s->index, 700), 700);
	settle_with_deployment(s, deployment_new, deployment_new);
	assert_int_equal(index_tick(s->index, 700), 700);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	assert_int_equal(index_tick(s->index, 700), INDEX_PATIENCE_MS);
	assert_int_equal(index_tick(s->index, 10), 10);
}

/* ---- robustness ---- */

static void objects_that_make_no_sense_are_survived(void **state)
{
	static const char *const nonsense[] = {
		"{}",
		"{\"kind\":\"API\",\"metadata\":{\"name\":\"x\"}}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"\",\"name\":\"\"}}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"uid\":7},\"status\":[]}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"resourceVersion\":\"x\"},"
		"\"status\":{\"dependencies\":[1,null,{},{\"kind\":\"ConfigMap\"},"
		"{\"kind\":\"Nothing\",\"namespace\":\"a\",\"name\":\"b\"}],\"children\":{\"a\":[]},"
		"\"conditions\":\"x\"}}",
	};
	SCENE;
	struct err err;

	lists_end(s);
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		const struct json *v = json_parse(s->arena, nonsense[i], strlen(nonsense[i]), &err);

		for (enum kind kind = KIND_NONE; kind <= KIND_COUNT; kind++) {
			index_upsert(s->index, kind, v, "x");
			index_upsert(s->index, kind, NULL, NULL);
			index_delete(s->index, kind, v, "");
			index_delete(s->index, kind, NULL, NULL);
			index_list_begins(s->index, kind);
		}
	}
	while (told(s))
		;
}

static void many_objects_take_few_megabytes(void **state)
{
	SCENE;
	struct index_figures f;

	for (int i = 0; i < 1000; i++) {
		struct str inputs, children;

		str_init(&inputs, s->arena, 4096);
		str_init(&children, s->arena, 4096);
		for (int j = 0; j < 5; j++)
			str_addf(&inputs, "%s%s", j ? "," : "",
				input(s, KIND_CONFIG_MAP,
					arena_printf(s->arena, "document-%d-%d", i, j), 0));
		for (int j = 0; j < 6; j++)
			str_addf(&children, "%s%s", j ? "," : "",
				child(s, KIND_DEPLOYMENT,
					arena_printf(s->arena, "child-%d-%d", i, j),
					deployment_new));
		puts_api(s, &(struct api){ .name = arena_printf(s->arena, "api-%d", i),
				    .generation = 1,
				    .observed = 1,
				    .dependencies = list_of(s, inputs.ptr, NULL),
				    .children = list_of(s, children.ptr, NULL) });
	}
	lists_end(s);
	f = index_figures(s->index);
	assert_int_equal(f.records, 11000);
	print_message("1000 objects with 5 inputs and 6 children each: %zu KB\n", f.bytes / 1024);
	assert_in_range(f.bytes, 1, 5 * 1024 * 1024);
	for (int i = 0; i < 1000; i++)
		deletes(s, KIND_API, arena_printf(s->arena, "api-%d", i));
	while (told(s))
		;
	assert_int_equal(index_figures(s->index).bytes, 0);
}

/* Any order of events leads to the same: everything is told in the end, and nothing is left behind.
 */
static void chance_finds_no_crash_and_no_leftover(void **state)
{
	SCENE;
	uint64_t dice = 42;

	for (int step = 0; step < 20000; step++) {
		const char *name = arena_printf(s->arena, "n%d", (int)(dice >> 33 & 3));
		int act = (int)(dice >> 40 & 15);

		dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (act < 3)
			puts_object(
				s, dice & 2 ? KIND_CONFIG_MAP : KIND_REFERENCE_GRANT, name, NULL);
		else if (act < 5)
			deletes(s, dice & 2 ? KIND_CONFIG_MAP : KIND_REFERENCE_GRANT, name);
		else if (act < 8)
			puts_api(s,
				&(struct api){ .name = name,
					.generation = (long)(dice >> 50 & 3),
					.observed = (long)(dice >> 52 & 3),
					.dependencies = list_of(s,
						input(s, KIND_CONFIG_MAP, "n1", s->version - 3),
						input(s, dice & 4 ? KIND_API : KIND_REFERENCE_GRANT,
							dice & 4 ? "n2" : ALL_NAMES, s->version)),
					.children = list_of(s,
						child(s, KIND_DEPLOYMENT, name, deployment_new),
						NULL) });
		else if (act < 9)
			deletes(s, KIND_API, name);
		else if (act < 10)
			puts_job(s, name, dice & 1 ? job_running : job_complete);
		else if (act < 11)
			deletes(s, KIND_JOB, name);
		else if (act < 12)
			puts_object(s, KIND_DEPLOYMENT, name,
				dice & 1 ? deployment_up : deployment_bent);
		else if (act < 13)
			index_lead(s->index, dice >> 60 & 1);
		else if (act < 14)
			passes(s, 100);
		else if (act < 15)
			(void)told(s);
		else {
			lists_begin(s);
			puts_object(s, KIND_CONFIG_MAP, name, NULL);
			lists_end(s);
		}
	}
	lists_begin(s);
	lists_end(s);
	index_lead(s->index, true);
	while (told(s))
		;
	assert_int_equal(index_figures(s->index).bytes, 0);
}

int main(void)
{
#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, index_begin, index_end)
	const struct CMUnitTest tests[] = {
		IN_A_SCENE(nothing_is_told_before_every_kind_was_listed),
		IN_A_SCENE(a_new_object_is_woken_once),
		IN_A_SCENE(our_own_status_writes_wake_nobody),
		IN_A_SCENE(each_generation_is_woken_and_has_a_trace_of_its_own),
		IN_A_SCENE(a_trace_lasts_until_ready),
		IN_A_SCENE(a_deleted_object_is_told_and_forgotten),
		IN_A_SCENE(what_a_new_list_no_longer_names_is_deleted),
		IN_A_SCENE(another_object_of_the_same_name_is_new),
		IN_A_SCENE(a_recreated_object_is_woken_though_its_generation_was_told_before),
		IN_A_SCENE(an_object_marked_for_deletion_is_woken_once),
		IN_A_SCENE(a_complete_comparison_tells_who_has_something_left_to_do),
		IN_A_SCENE(a_complete_comparison_has_the_policies_of_each_namespace_rendered),
		IN_A_SCENE(a_record_from_the_future_is_told_by_a_complete_comparison),
		IN_A_SCENE(after_a_restart_settled_objects_are_left_alone),
		IN_A_SCENE(after_a_restart_what_changed_meanwhile_is_told),
		IN_A_SCENE(a_complete_comparison_repeats_what_is_unsettled_with_another_id),
		IN_A_SCENE(an_untold_message_stays_due),
		IN_A_SCENE(a_standby_says_nothing_and_knows_everything_when_it_leads),
		IN_A_SCENE(a_standby_remembers_the_dead_for_a_minute),
		IN_A_SCENE(who_stops_leading_keeps_only_the_dead_to_tell),
		IN_A_SCENE(tick_tells_how_long_there_is_nothing_to_do),
		IN_A_SCENE(objects_that_make_no_sense_are_survived),
		IN_A_SCENE(many_objects_take_few_megabytes),
		IN_A_SCENE(chance_finds_no_crash_and_no_leftover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
