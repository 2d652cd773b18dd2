/* The runtime's promises: what a pass reads, and what it remembers instead. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/copier.h"
#include "tests/support/unit.h"

/* Looks at a child that another service keeps, and at a list that says how it goes. */
static void keeper_needs(const struct world *w, struct needs *n)
{
	need_kept_child(n, KIND_CONFIG_MAP, w->root_ref.ns, "copy");
}

static bool keeper_reconcile(const struct world *w UNUSED, struct plan *p, struct err *err UNUSED)
{
	p->keep_status = true;
	plan_requeue(p, 1000);
	return true;
}

static const struct service keeper = {
	.name = "keeper",
	.about = "test",
	.needs = keeper_needs,
	.reconcile = keeper_reconcile,
	.settles = true,
};

static unsigned int reads_of_a_pass(struct copier *f, const char *moved)
{
	unsigned int before = f->memory.reads;

	copier_look(f, moved);
	return f->memory.reads - before;
}

static void an_input_is_read_again_only_when_something_says_so(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	f.rt.memo = memo_new();
	copier_put_original(&f);
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

static unsigned int reads_when_told_of_version(struct copier *f, const char *version)
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
	struct copier f;

	copier_start(&f, a);
	f.rt.memo = memo_new();
	copier_look(&f, NULL); /* the original is missing: not Ready */
	assert_int_equal(reads_when_told_of_version(&f, meta_version(copier_root(&f))), 0);
	assert_int_equal(reads_when_told_of_version(&f, "999"), 1);
	copier_put_original(&f);
	copier_look(&f, "original");
	assert_string_equal(json_get_str(copier_ready(&f), "status"), "True");
	/* Done with: it need not be kept. */
	assert_int_equal(reads_when_told_of_version(&f, meta_version(copier_root(&f))), 1);
	memo_free(f.rt.memo);
}

static void an_object_that_changed_behind_the_wake_is_read_in_the_next_attempt(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;
	struct wake wake = { .ref = { KIND_SECURITY, "shop", "s" }, .cause = "test" };
	struct ref original = { KIND_CONFIG_MAP, "shop", "original" };

	copier_start(&f, a);
	f.rt.memo = memo_new();
	copier_look(&f, NULL);
	wake.resource_version = meta_version(copier_root(&f));
	vec_add(a, &wake.moved, &original);
	copier_put_original(&f);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s','labels':{'a':'b'}}}");
	assert_true(runtime_pass(&f.rt, a, &wake, 1).again);
	assert_false(runtime_pass(&f.rt, a, &wake, 2).again);
	assert_string_equal(json_get_str(copier_ready(&f), "status"), "True");
	memo_free(f.rt.memo);
}

static void an_input_that_status_does_not_know_is_believed_for_a_moment_only(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	f.rt.memo = memo_new();
	copier_put_original(&f);
	copier_look(&f, NULL);
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
	struct copier f;

	copier_start(&f, a);
	f.rt.memo = memo_new();
	copier_put_original(&f);
	copier_look(&f, NULL);
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s'},'status':{'dependencies':"
		"[{'kind':'ConfigMap','namespace':'shop','name':'original','resourceVersion':'999'}]}}");
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	memo_free(f.rt.memo);
}

static void a_kept_child_is_not_read_again_for_what_others_did(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	copier_put_original(&f);
	copier_look(&f, NULL); /* the copier records its copy */
	f.rt.service = &keeper;
	f.rt.memo = memo_new();
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	assert_int_equal(reads_of_a_pass(&f, "somebody"), 1);
	/* Nothing moved: whoever asks may have written it. */
	assert_int_equal(reads_of_a_pass(&f, NULL), 2);
	assert_int_equal(reads_of_a_pass(&f, "copy"), 2);
	/* The status knows another version. */
	memory_put(&f.memory,
		"{'kind':'Security','metadata':{'namespace':'shop','name':'s'},'status':{'children':"
		"[{'kind':'ConfigMap','name':'copy','version':'999','applied':'x'}]}}");
	assert_int_equal(reads_of_a_pass(&f, "somebody"), 2);
	memo_free(f.rt.memo);
}

static void a_conflict_ends_what_is_remembered(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct copier f;

	copier_start(&f, a);
	f.rt.service = &sharer;
	f.rt.memo = memo_new();
	assert_false(copier_look(&f, NULL).again);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "shared");
	memory_put(&f.memory, "{'kind':'Security','metadata':{'namespace':'shop','name':'s'},"
			      "'spec':{'from':'another'}}");
	assert_true(copier_look(&f, NULL).again);
	assert_false(copier_look(&f, NULL).again);
	assert_non_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "shared"));
	memo_free(f.rt.memo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_input_is_read_again_only_when_something_says_so),
		cmocka_unit_test(an_object_that_nobody_has_written_since_we_did_is_not_read_again),
		cmocka_unit_test(
			an_object_that_changed_behind_the_wake_is_read_in_the_next_attempt),
		cmocka_unit_test(an_input_that_status_does_not_know_is_believed_for_a_moment_only),
		cmocka_unit_test(another_replica_that_read_something_newer_is_believed),
		cmocka_unit_test(a_kept_child_is_not_read_again_for_what_others_did),
		cmocka_unit_test(a_conflict_ends_what_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
