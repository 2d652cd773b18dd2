#include "apictl/table.h"
#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "tests/support/unit.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct table t = { .columns = 2 };
	char text[128] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	table_add(a, &t, "NAME");
	table_add(a, &t, "AGE");
	table_add(a, &t, "online-store");
	table_add(a, &t, "");
	table_add(a, &t, "x");
	table_add(a, &t, NULL);
	table_print(&t, f);
	(void)fclose(f);
	assert_string_equal(
		text, "NAME           AGE\nonline-store   <none>\nx              <none>\n");
}

static void an_empty_table_prints_nothing(void **state)
{
	struct table t = { .columns = 2 };
	char text[8] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	table_print(&t, f);
	(void)fclose(f);
	assert_string_equal(text, "");
}

static void an_age_has_one_or_two_units(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(age_text(a, -5), "0s");
	assert_string_equal(age_text(a, 0), "0s");
	assert_string_equal(age_text(a, 119), "119s");
	assert_string_equal(age_text(a, 120), "2m");
	assert_string_equal(age_text(a, 330), "5m30s");
	assert_string_equal(age_text(a, 600), "10m");
	assert_string_equal(age_text(a, 3 * 3600 - 1), "179m");
	assert_string_equal(age_text(a, 3 * 3600), "3h");
	assert_string_equal(age_text(a, 3 * 3600 + 300), "3h5m");
	assert_string_equal(age_text(a, 8 * 3600 + 300), "8h");
	assert_string_equal(age_text(a, 2 * 86400), "2d");
	assert_string_equal(age_text(a, 2 * 86400 + 7200), "2d2h");
	assert_string_equal(age_text(a, 8 * 86400 + 7200), "8d");
	assert_string_equal(age_text(a, 800LL * 86400), "800d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(an_empty_table_prints_nothing),
		cmocka_unit_test(an_age_has_one_or_two_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
