/* The runtime's promises: what a pass writes. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/copier.h"
#include "tests/support/unit.h"

static void a_child_is_written_once_labelled_and_owned(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;
	const struct json *child;

	copier_start(&f, a);
	copier_put_original(&f);
	assert_false(copier_look(&f, NULL).again);
	child = memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	assert_string_equal(meta_label(child, LABEL_MANAGED_BY), "copier");
	assert_string_equal(meta_label(child, LABEL_OWNER), "s");
	assert_string_equal(meta_label(child, LABEL_OWNER_KIND), "security");
	assert_string_equal(
		json_get_str(
			json_first(json_path(child, "metadata", "ownerReferences", NULL)), "uid"),
		meta_uid(copier_root(&f)));
	assert_string_equal(json_get_str(copier_ready(&f), "status"), "True");
}

static void a_second_pass_writes_nothing(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;
	unsigned int writes;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	writes = f.memory.writes;
	copier_look(&f, NULL);
	assert_int_equal(f.memory.writes, writes);
}

static void the_inputs_that_were_read_stand_in_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *d;
	struct copier f;

	copier_start(&f, a);
	copier_look(&f, NULL);
	d = json_first(json_path(copier_root(&f), "status", "dependencies", NULL));
	assert_string_equal(json_get_str(d, "name"), "original");
	assert_string_equal(json_get_str(d, "resourceVersion"), "");
	copier_put_original(&f);
	copier_look(&f, "original");
	d = json_first(json_path(copier_root(&f), "status", "dependencies", NULL));
	assert_string_equal(json_get_str(d, "resourceVersion"),
		meta_version(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "original")));
}

static void a_child_changed_by_hand_is_put_right_when_told(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'x'}}");
	copier_look(&f, "copy");
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"v");
}

static void a_child_deleted_by_hand_comes_back(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	copier_look(&f, "copy");
	assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
}

static void a_broken_input_leaves_the_child_alone(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	copier_look(&f, "original");
	assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
	assert_int_equal(json_len(json_path(copier_root(&f), "status", "children", NULL)), 1);
	assert_string_equal(json_get_str(copier_ready(&f), "reason"), "NotFound");
}

static void an_object_of_somebody_else_is_not_taken_over(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy',"
		"'ownerReferences':[{'uid':'other','controller':true}]},'data':{'k':'theirs'}}");
	copier_look(&f, "copy");
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"theirs");
	assert_string_equal(json_get_str(copier_ready(&f), "reason"), "Rejected");
	assert_non_null(strstr(json_get_str(copier_ready(&f), "message"), "not ours"));
}

static void an_older_generation_cannot_overwrite_a_newer_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy',"
		"'annotations':{'apim.wso2.com/generation':'99'}},'data':{'k':'newer'}}");
	assert_true(copier_look(&f, "copy").again);
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"newer");
}

static void put_copy(struct copier *f, const char *uid, const char *generation)
{
	memory_put(&f->memory,
		arena_printf(f->arena,
			"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy','annotations':"
			"{'" ANNOTATION_GENERATION "':'%s'},'ownerReferences':[{'kind':'Security',"
			"'name':'s','uid':'%s','controller':true}]},'data':{'k':'theirs'}}",
			generation, uid));
}

static const char *copied(struct copier *f)
{
	return json_str(json_path(
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL));
}

static void a_child_that_another_replica_made_for_a_newer_generation_stays(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	put_copy(&f, meta_uid(copier_root(&f)), "9");
	assert_true(copier_look(&f, NULL).again);
	assert_string_equal(copied(&f), "theirs");
}

static void a_child_of_a_deleted_root_of_the_same_name_is_waited_out(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct outcome o;
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	put_copy(&f, "of the one before", "1");
	o = copier_look(&f, NULL);
	assert_true(o.again && o.delay_ms <= 1000);
	assert_string_equal(copied(&f), "theirs");
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	assert_false(copier_look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
}

static void a_child_spoilt_while_nothing_is_wanted_of_it_is_mended_later(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	assert_false(copier_look(&f, NULL).again);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'bad'}}");
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	assert_false(copier_look(&f, "copy").again);
	assert_string_equal(copied(&f), "bad");
	copier_put_original(&f);
	assert_false(copier_look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
}

static void looking_needs(const struct world *w, struct needs *n)
{
	copier.needs(w, n);
	need_child(n, KIND_CONFIG_MAP, w->root_ref.ns, "copy");
}

static void a_child_that_is_looked_at_is_mended_without_being_told(void **state UNUSED)
{
	const struct service looker = { .name = "looker",
		.about = "test",
		.needs = looking_needs,
		.reconcile = copier.reconcile };
	AUTO(arena_auto) struct arena *a = arena_new();
	unsigned int writes;
	struct copier f;

	copier_start(&f, a);
	f.rt.service = &looker;
	copier_put_original(&f);
	assert_false(copier_look(&f, NULL).again);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'bad'}}");
	assert_false(copier_look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
	/* What somebody adds is recorded and left alone. */
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy','annotations':{'n':'1'}}}");
	assert_false(copier_look(&f, NULL).again);
	writes = f.memory.writes;
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.memory.writes, writes);
}

static void in_a_namespace_that_ends_nothing_is_made_nor_told(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	f.memory.fail_call = 3; /* after two reads: the copy is made */
	f.memory.fail_code = ERR_ENDING;
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.memory.calls, 3);
	assert_int_equal(f.memory.writes, 0);
}

static void an_object_that_goes_meanwhile_is_left_alone(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	f.memory.fail_call = 5; /* the copy is made and told of: its status is written */
	f.memory.fail_code = ERR_NOT_FOUND;
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.memory.calls, 5);
	assert_null(copier_ready(&f));
}

static void failing_at_any_call_still_converges(void **state UNUSED)
{
	for (unsigned int k = 1;; k++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		struct copier f;
		bool failed;

		copier_start(&f, a);
		copier_put_original(&f);
		f.memory.fail_call = k;
		failed = copier_look(&f, NULL).again;
		if (f.memory.calls < k)
			break;
		while (copier_look(&f, NULL).again)
			assert_true(f.memory.calls < 100);
		assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
		assert_string_equal(json_get_str(copier_ready(&f), "status"), "True");
		assert_true(memory_published(&f.memory, "evt.copy.made.shop.s") >= 1);
		(void)failed;
	}
}

static void a_deleted_root_writes_no_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	memory_delete(&f.memory, KIND_SECURITY, "shop", "s");
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.memory.writes, 0);
}

static void the_transition_time_moves_only_with_the_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;
	const char *since;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL);
	since = json_get_str(copier_ready(&f), "lastTransitionTime");
	f.memory.now_ms += 60000;
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'original'},'data':{'k':'w'}}");
	copier_look(&f, "original");
	assert_string_equal(json_get_str(copier_ready(&f), "lastTransitionTime"), since);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	copier_look(&f, "original");
	assert_string_not_equal(json_get_str(copier_ready(&f), "lastTransitionTime"), since);
}

static void what_roots_share_is_written_once(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	f.rt.service = &sharer;
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.rt.counts.applied, 1);
	assert_false(copier_look(&f, NULL).again);
	assert_int_equal(f.rt.counts.applied, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_is_written_once_labelled_and_owned),
		cmocka_unit_test(a_second_pass_writes_nothing),
		cmocka_unit_test(the_inputs_that_were_read_stand_in_status),
		cmocka_unit_test(a_child_changed_by_hand_is_put_right_when_told),
		cmocka_unit_test(a_child_deleted_by_hand_comes_back),
		cmocka_unit_test(a_broken_input_leaves_the_child_alone),
		cmocka_unit_test(an_object_of_somebody_else_is_not_taken_over),
		cmocka_unit_test(an_older_generation_cannot_overwrite_a_newer_one),
		cmocka_unit_test(a_child_that_another_replica_made_for_a_newer_generation_stays),
		cmocka_unit_test(a_child_of_a_deleted_root_of_the_same_name_is_waited_out),
		cmocka_unit_test(a_child_spoilt_while_nothing_is_wanted_of_it_is_mended_later),
		cmocka_unit_test(a_child_that_is_looked_at_is_mended_without_being_told),
		cmocka_unit_test(in_a_namespace_that_ends_nothing_is_made_nor_told),
		cmocka_unit_test(an_object_that_goes_meanwhile_is_left_alone),
		cmocka_unit_test(failing_at_any_call_still_converges),
		cmocka_unit_test(a_deleted_root_writes_no_status),
		cmocka_unit_test(the_transition_time_moves_only_with_the_status),
		cmocka_unit_test(what_roots_share_is_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
