#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "lib/svc/memo.h"
#include "tests/support/unit.h"

static const struct ref config = { KIND_CONFIG_MAP, "wso2-system", "controller-config" };

static void keeps(struct memo *m, struct arena *a, const char *version, uint64_t mark, int64_t ms)
{
	struct object o = { .ref = config };

	if (version)
		o.json = json_format(a, "{'metadata':{'resourceVersion':%s}}", version);
	memo_put(m, a, &o, mark, ms);
}

static bool knows(struct memo *m, struct arena *a, struct memo_hint hint)
{
	struct object o = { .ref = config };

	return memo_get(m, a, &o, hint);
}

static void the_version_that_status_has_decides_before_all_else(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct memo *m = memo_new();

	keeps(m, a, "7", 100, 0);
	assert_true(
		knows(m, a, (struct memo_hint){ .recorded = "7", .mark = 200, .now_ms = 1000000 }));
	assert_false(knows(m, a, (struct memo_hint){ .recorded = "6", .mark = 100 }));
	keeps(m, a, NULL, 100, 0);
	assert_true(knows(m, a, (struct memo_hint){ .recorded = "" }));
	memo_free(m);
}

static void what_was_read_after_the_last_change_is_current(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct memo *m = memo_new();

	keeps(m, a, "7", 100, 0);
	assert_true(knows(m, a, (struct memo_hint){ .mark = 100, .now_ms = 5 * MEMO_NEW_MS }));
	assert_true(knows(m, a, (struct memo_hint){ .mark = 99, .now_ms = 5 * MEMO_NEW_MS }));
	memo_free(m);
}

static void a_change_since_it_was_read_counts_at_once(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct memo *m = memo_new();

	keeps(m, a, "7", 100, 0);
	assert_false(knows(m, a, (struct memo_hint){ .mark = 101, .now_ms = 1 }));
	keeps(m, a, NULL, 100, 0);
	assert_false(knows(m, a, (struct memo_hint){ .mark = 101, .now_ms = 1 }));
	/* Read for a wake that knew of no mark. */
	keeps(m, a, "7", 0, 0);
	assert_false(knows(m, a, (struct memo_hint){ .mark = 101, .now_ms = 1 }));
	memo_free(m);
}

static void no_mark_is_good_for_ever(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct memo *m = memo_new();

	keeps(m, a, "7", 100, 0);
	assert_true(knows(m, a, (struct memo_hint){ .mark = 100, .now_ms = MEMO_MARKED_MS }));
	assert_false(knows(m, a, (struct memo_hint){ .mark = 100, .now_ms = MEMO_MARKED_MS + 1 }));
	memo_free(m);
}

static void without_a_mark_it_is_believed_for_a_moment(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct memo *m = memo_new();

	keeps(m, a, "7", 100, 0);
	assert_true(knows(m, a, (struct memo_hint){ .now_ms = MEMO_NEW_MS }));
	assert_false(knows(m, a, (struct memo_hint){ .now_ms = MEMO_NEW_MS + 1 }));
	memo_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_that_status_has_decides_before_all_else),
		cmocka_unit_test(what_was_read_after_the_last_change_is_current),
		cmocka_unit_test(a_change_since_it_was_read_counts_at_once),
		cmocka_unit_test(no_mark_is_good_for_ever),
		cmocka_unit_test(without_a_mark_it_is_believed_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
