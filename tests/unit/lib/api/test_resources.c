#include "lib/api/finding.h"
#include "lib/api/resources.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static double value(const char *text)
{
	double v = -1;

	return quantity_parse(text, &v) ? v : -1;
}

static bool is(double x, double y)
{
	return x > y * 0.999999 && x < y * 1.000001;
}

static void quantities_have_the_suffixes_of_kubernetes(void **state UNUSED)
{
	assert_true(is(value("1"), 1));
	assert_true(is(value("1.5"), 1.5));
	assert_true(is(value("+.5"), 0.5));
	assert_true(is(value("2."), 2));
	assert_true(is(value("100m"), 0.1));
	assert_true(is(value("5n"), 5e-9));
	assert_true(is(value("1k"), 1000));
	assert_true(is(value("64Mi"), 67108864));
	assert_true(is(value("1E"), 1e18));
	assert_true(is(value("1E3"), 1000));
	assert_true(is(value("12e-1"), 1.2));
	assert_true(value("0") >= 0);
}

static void other_words_are_no_quantities(void **state UNUSED)
{
	static const char *const words[] = { "", "m", "-1", "1 Gi", "1Gib", "1K", "lots", "1..2",
		"1e", "1e9999", "0x10", ".", "1,5", "1\n", "100000000000000000000000000000000000" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_true(value(words[i]) < 0);
	assert_true(value(NULL) < 0);
}

static void defaults_give_way_to_what_is_said(void **state UNUSED)
{
	const struct resources defaults = { "100m", "64Mi", "500m", "512Mi" };
	struct resources none = { 0 };
	struct resources big = { .request_cpu = "2", .limit_memory = "32Mi" };
	struct resources odd = { .limit_cpu = "lots" };

	resources_default(&none, &defaults);
	assert_string_equal(none.request_cpu, "100m");
	assert_string_equal(none.limit_memory, "512Mi");
	resources_default(&big, &defaults);
	assert_string_equal(big.limit_cpu, "2");
	assert_string_equal(big.request_memory, "32Mi");
	resources_default(&odd, &defaults);
	assert_string_equal(odd.limit_cpu, "500m");
}

static void a_limit_below_the_request_is_said_and_mended(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct resources paths = { "rc", "rm", "lc", "lm" };
	struct resources r = { "2", "1Gi", "1000m", "1G" };
	struct findings f;

	findings_init(&f, a);
	resources_check(&r, &paths, &f);
	assert_string_equal(findings_fatal_text(&f),
		"lc: 1000m is less than 2 of rc, expected at least as much; lm: 1G is less than 1Gi of rm, expected at least as much");
	resources_mend(&r);
	assert_string_equal(r.limit_cpu, "2");
	assert_string_equal(r.limit_memory, "1Gi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_have_the_suffixes_of_kubernetes),
		cmocka_unit_test(other_words_are_no_quantities),
		cmocka_unit_test(defaults_give_way_to_what_is_said),
		cmocka_unit_test(a_limit_below_the_request_is_said_and_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
