/* The runtime's promises, with a small service that keeps one ConfigMap per Security. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

static void copier_needs(const struct world *w, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, w->root_ref.ns,
		json_str(json_path(w->root, "spec", "from", NULL)));
}

static bool copier_reconcile(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	static const char *const required[] = { COND_RESOLVED_REFS, NULL };
	const char *from = json_str(json_path(w->root, "spec", "from", NULL));
	const struct json *source = world_get(w, KIND_CONFIG_MAP, w->root_ref.ns, from);

	if (!w->root)
		return true;
	if (source) {
		plan_apply(p,
			json_format(p->arena,
				"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'copy'},'data':%j}",
				json_get(source, "data")),
			0);
		plan_condition(p, COND_RESOLVED_REFS, "True", REASON_RESOLVED, "found");
	} else {
		plan_condition(p, COND_RESOLVED_REFS, "False", "NotFound",
			"ConfigMap \"%s\" not found", from);
	}
	plan_summarize(p, required);
	if (plan_changed(p, COND_READY))
		plan_event(p, "Normal", "Changed", "it changed");
	plan_cloud_event(p, "copy.made", json_object(p->arena));
	return true;
}

static const struct service copier = {
	.name = "copier",
	.about = "test",
	.needs = copier_needs,
	.reconcile = copier_reconcile,
};

struct fixture {
	struct memory memory;
	struct runtime rt;
	struct arena *arena;
};

static void start(struct fixture *f, struct arena *a)
{
	memory_init(&f->memory, a);
	f->arena = a;
	f->rt = (struct runtime){ .service = &copier,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.instance = "copier-0" };
	log_open("test", LOG_ERROR);
	memory_put(&f->memory, "{'kind':'Security','metadata':{'namespace':'shop','name':'s'},"
			       "'spec':{'from':'original'}}");
}

static struct outcome look(struct fixture *f, const char *moved)
{
	struct ref ref = { KIND_CONFIG_MAP, "shop", moved };
	struct wake wake = { .ref = { KIND_SECURITY, "shop", "s" }, .cause = "test" };

	if (moved)
		vec_add(f->arena, &wake.moved, &ref);
	return runtime_pass(&f->rt, f->arena, &wake, 1);
}

static void put_original(struct fixture *f)
{
	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'original'},"
		"'data':{'k':'v'}}");
}

static const struct json *root(struct fixture *f)
{
	return memory_get(&f->memory, KIND_SECURITY, "shop", "s");
}

static const struct json *ready(struct fixture *f)
{
	json_foreach (c, json_path(root(f), "status", "conditions", NULL))
		if (str_eq(json_get_str(c, "type"), "Ready"))
			return c;
	return NULL;
}

static void a_child_is_written_once_labelled_and_owned(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	const struct json *child;

	start(&f, a);
	put_original(&f);
	assert_false(look(&f, NULL).again);
	child = memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	assert_string_equal(meta_label(child, LABEL_MANAGED_BY), "copier");
	assert_string_equal(meta_label(child, LABEL_OWNER), "s");
	assert_string_equal(meta_label(child, LABEL_OWNER_KIND), "security");
	assert_string_equal(
		json_get_str(
			json_first(json_path(child, "metadata", "ownerReferences", NULL)), "uid"),
		meta_uid(root(&f)));
	assert_string_equal(json_get_str(ready(&f), "status"), "True");
}

static void a_second_pass_writes_nothing(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	unsigned int writes;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	writes = f.memory.writes;
	look(&f, NULL);
	assert_int_equal(f.memory.writes, writes);
}

static void the_inputs_that_were_read_stand_in_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *d;
	struct fixture f;

	start(&f, a);
	look(&f, NULL);
	d = json_first(json_path(root(&f), "status", "dependencies", NULL));
	assert_string_equal(json_get_str(d, "name"), "original");
	assert_string_equal(json_get_str(d, "resourceVersion"), "");
	put_original(&f);
	look(&f, "original");
	d = json_first(json_path(root(&f), "status", "dependencies", NULL));
	assert_string_equal(json_get_str(d, "resourceVersion"),
		meta_version(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "original")));
}

static void a_child_changed_by_hand_is_put_right_when_told(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'x'}}");
	look(&f, "copy");
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"v");
}

static void a_child_deleted_by_hand_comes_back(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	look(&f, "copy");
	assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
}

static void a_broken_input_leaves_the_child_alone(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	look(&f, "original");
	assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
	assert_int_equal(json_len(json_path(root(&f), "status", "children", NULL)), 1);
	assert_string_equal(json_get_str(ready(&f), "reason"), "NotFound");
}

static void an_object_of_somebody_else_is_not_taken_over(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy',"
		"'ownerReferences':[{'uid':'other','controller':true}]},'data':{'k':'theirs'}}");
	look(&f, "copy");
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"theirs");
	assert_string_equal(json_get_str(ready(&f), "reason"), "Rejected");
	assert_non_null(strstr(json_get_str(ready(&f), "message"), "not ours"));
}

static void an_older_generation_cannot_overwrite_a_newer_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy',"
		"'annotations':{'apim.wso2.com/generation':'99'}},'data':{'k':'newer'}}");
	assert_true(look(&f, "copy").again);
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"newer");
}

static void put_copy(struct fixture *f, const char *uid, const char *generation)
{
	memory_put(&f->memory,
		arena_printf(f->arena,
			"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy','annotations':"
			"{'" ANNOTATION_GENERATION "':'%s'},'ownerReferences':[{'kind':'Security',"
			"'name':'s','uid':'%s','controller':true}]},'data':{'k':'theirs'}}",
			generation, uid));
}

static const char *copied(struct fixture *f)
{
	return json_str(json_path(
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL));
}

static void a_child_that_another_replica_made_for_a_newer_generation_stays(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	put_copy(&f, meta_uid(root(&f)), "9");
	assert_true(look(&f, NULL).again);
	assert_string_equal(copied(&f), "theirs");
}

static void a_child_of_a_deleted_root_of_the_same_name_is_waited_out(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct outcome o;
	struct fixture f;

	start(&f, a);
	put_original(&f);
	put_copy(&f, "of the one before", "1");
	o = look(&f, NULL);
	assert_true(o.again && o.delay_ms <= 1000);
	assert_string_equal(copied(&f), "theirs");
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "copy");
	assert_false(look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
}

static void a_child_spoilt_while_nothing_is_wanted_of_it_is_mended_later(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	put_original(&f);
	assert_false(look(&f, NULL).again);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'bad'}}");
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	assert_false(look(&f, "copy").again);
	assert_string_equal(copied(&f), "bad");
	put_original(&f);
	assert_false(look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
}

static void looking_needs(const struct world *w, struct needs *n)
{
	copier_needs(w, n);
	need_child(n, KIND_CONFIG_MAP, w->root_ref.ns, "copy");
}

static void a_child_that_is_looked_at_is_mended_without_being_told(void **state UNUSED)
{
	static const struct service looker = { .name = "looker",
		.about = "test",
		.needs = looking_needs,
		.reconcile = copier_reconcile };
	AUTO(arena_auto) struct arena *a = arena_new();
	unsigned int writes;
	struct fixture f;

	start(&f, a);
	f.rt.service = &looker;
	put_original(&f);
	assert_false(look(&f, NULL).again);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy'},'data':{'k':'bad'}}");
	assert_false(look(&f, NULL).again);
	assert_string_equal(copied(&f), "v");
	/* What somebody adds is recorded and left alone. */
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'copy','annotations':{'n':'1'}}}");
	assert_false(look(&f, NULL).again);
	writes = f.memory.writes;
	assert_false(look(&f, NULL).again);
	assert_int_equal(f.memory.writes, writes);
}

static void failing_at_any_call_still_converges(void **state UNUSED)
{
	for (unsigned int k = 1;; k++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		struct fixture f;
		bool failed;

		start(&f, a);
		put_original(&f);
		f.memory.fail_call = k;
		failed = look(&f, NULL).again;
		if (f.memory.calls < k)
			break;
		while (look(&f, NULL).again)
			assert_true(f.memory.calls < 100);
		assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"));
		assert_string_equal(json_get_str(ready(&f), "status"), "True");
		assert_true(memory_published(&f.memory, "evt.copy.made.shop.s") >= 1);
		(void)failed;
	}
}

static void a_deleted_root_writes_no_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	memory_delete(&f.memory, KIND_SECURITY, "shop", "s");
	assert_false(look(&f, NULL).again);
	assert_int_equal(f.memory.writes, 1);
}

static unsigned int reads_of_a_pass(struct fixture *f, const char *moved)
{
	unsigned int before = f->memory.reads;

	look(f, moved);
	return f->memory.reads - before;
}

static void an_input_is_read_again_only_when_something_says_so(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	f.rt.memo = memo_new();
	put_original(&f);
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	f.memory.now_ms += 3600000;
	assert_int_equal(reads_of_a_pass(&f, NULL), 1);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'original'},'data':{'k':'w'}}");
	assert_int_equal(reads_of_a_pass(&f, "original"), 3);
	assert_string_equal(
		json_str(json_path(
			memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "copy"), "data", "k", NULL)),
		"w");
	memo_free(f.rt.memo);
}

static unsigned int reads_when_told_of_version(struct fixture *f, const char *version)
{
	struct wake wake = {
		.ref = { KIND_SECURITY, "shop", "s" }, .resource_version = version, .cause = "test"
	};
	unsigned int before = f->memory.reads;

	assert_false(runtime_pass(&f->rt, f->arena, &wake, 1).again);
	return f->memory.reads - before;
}

static void an_object_that_nobody_has_written_since_we_did_is_not_read_again(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	f.rt.memo = memo_new();
	look(&f, NULL); /* the original is missing: not Ready */
	assert_int_equal(reads_when_told_of_version(&f, meta_version(root(&f))), 0);
	assert_int_equal(reads_when_told_of_version(&f, "999"), 1);
	put_original(&f);
	look(&f, "original");
	assert_string_equal(json_get_str(ready(&f), "status"), "True");
	/* Done with: it need not be kept. */
	assert_int_equal(reads_when_told_of_version(&f, meta_version(root(&f))), 1);
	memo_free(f.rt.memo);
}

static void an_object_that_changed_behind_the_wake_is_read_in_the_next_attempt(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	struct wake wake = { .ref = { KIND_SECURITY, "shop", "s" }, .cause = "test" };
	struct ref original = { KIND_CONFIG_MAP, "shop", "original" };

	start(&f, a);
	f.rt.memo = memo_new();
	look(&f, NULL);
	wake.resource_version = meta_version(root(&f));
	vec_add(a, &wake.moved, &original);
	put_original(&f);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s','labels':{'a':'b'}}}");
	assert_true(runtime_pass(&f.rt, a, &wake, 1).again);
	assert_false(runtime_pass(&f.rt, a, &wake, 2).again);
	assert_string_equal(json_get_str(ready(&f), "status"), "True");
	memo_free(f.rt.memo);
}

static void an_input_that_status_does_not_know_is_believed_for_a_moment_only(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	f.rt.memo = memo_new();
	put_original(&f);
	look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s'},'status':{'dependencies':[]}}");
	assert_int_equal(reads_of_a_pass(&f, NULL), 1);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s'},'status':{'dependencies':[]}}");
	f.memory.now_ms += MEMO_NEW_MS + 1;
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	memo_free(f.rt.memo);
}

static void another_replica_that_read_something_newer_is_believed(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	start(&f, a);
	f.rt.memo = memo_new();
	put_original(&f);
	look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s'},'status':{'dependencies':"
		"[{'kind':'ConfigMap','namespace':'shop','name':'original','resourceVersion':'999'}]}}");
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	memo_free(f.rt.memo);
}

static void the_transition_time_moves_only_with_the_status(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	const char *since;

	start(&f, a);
	put_original(&f);
	look(&f, NULL);
	since = json_get_str(ready(&f), "lastTransitionTime");
	f.memory.now_ms += 60000;
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'original'},'data':{'k':'w'}}");
	look(&f, "original");
	assert_string_equal(json_get_str(ready(&f), "lastTransitionTime"), since);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "original");
	look(&f, "original");
	assert_string_not_equal(json_get_str(ready(&f), "lastTransitionTime"), since);
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
		cmocka_unit_test(failing_at_any_call_still_converges),
		cmocka_unit_test(a_deleted_root_writes_no_status),
		cmocka_unit_test(an_input_is_read_again_only_when_something_says_so),
		cmocka_unit_test(an_object_that_nobody_has_written_since_we_did_is_not_read_again),
		cmocka_unit_test(
			an_object_that_changed_behind_the_wake_is_read_in_the_next_attempt),
		cmocka_unit_test(an_input_that_status_does_not_know_is_believed_for_a_moment_only),
		cmocka_unit_test(another_replica_that_read_something_newer_is_believed),
		cmocka_unit_test(the_transition_time_moves_only_with_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
