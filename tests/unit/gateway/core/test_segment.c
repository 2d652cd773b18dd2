#include "gateway/core/segment.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static void a_parameter_is_one_character_at_least(void **state)
{
	static const struct {
		const char *segment;
		const char *value;
		bool fits;
	} cases[] = {
		{ "{id}", "1", true },
		{ "{id}", "", false },
		{ "{id}.json", "1.json", true },
		{ "{id}.json", "a.json.json", true },
		{ "{id}.json", ".json", false },
		{ "{id}.json", "1.jso", false },
		{ "{id}.json", "1.json2", false },
		{ "{id}.json", "1.JSON", false },
		{ "v{id}", "v1", true },
		{ "v{id}", "v", false },
		{ "v{id}", "w1", false },
		{ "v{major}.{minor}", "v1.2", true },
		{ "v{major}.{minor}", "v1.2.3", true },
		{ "v{major}.{minor}", "v..", false },
		{ "v{major}.{minor}", "v...", true },
		{ "v{major}.{minor}", "v1.", false },
		{ "v{major}.{minor}", "v.1", false },
		{ "{a}-{b}-{c}", "1-2-3", true },
		{ "{a}-{b}-{c}", "---", false },
		{ "{a}-{b}-{c}", "-----", true },
		{ "{a}-{b}-{c}", "1-2", false },
		{ "{a}aa{b}a", "xaaya", true },
		{ "{a}aa{b}a", "xaaa", false },
		{ "{a}aa{b}a", "xaaaa", true },
		{ "({lat},{lon})", "(1,2)", true },
		{ "({lat},{lon})", "(1,2", false },
		{ "({lat},{lon})", "(,)", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (segment_matches(span(cases[i].segment), span(cases[i].value)) != cases[i].fits)
			fail_msg("%s with %s", cases[i].segment, cases[i].value);
}

static void braces_have_to_make_sense(void **state)
{
	static const char *const bad[][2] = {
		{ "{}", "without a name" },
		{ "x{}", "without a name" },
		{ "{a", "\"{\" without \"}\"" },
		{ "a}", "\"}\" without \"{\"" },
		{ "{a}}", "\"}\" without \"{\"" },
		{ "{a{b}", "inside of a parameter" },
		{ "{a}{b}", "side by side" },
	};
	static const char *const good[] = { "", "a", "{a}", "x{a}", "{a}x", "{a}x{b}" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(segment_parameters_ok(span(bad[i][0]), &err));
		assert_non_null(strstr(err.msg, bad[i][1]));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(segment_parameters_ok(span(good[i]), &err));
}

static void more_text_goes_first_and_names_do_not_count(void **state)
{
	(void)state;
	assert_true(segment_compare(span("{a}.json"), span("{a}.js")) < 0);
	assert_true(segment_compare(span("{a}.js"), span("{a}.json")) > 0);
	assert_true(segment_compare(span("{a}-{b}"), span("{a}-")) != 0);
	assert_true(segment_compare(span("x{a}"), span("{a}x")) ==
		    -segment_compare(span("{a}x"), span("x{a}")));
	assert_int_equal(segment_compare(span("{a}.json"), span("{id}.json")), 0);
	assert_int_equal(segment_compare(span("{a}-{b}"), span("{x}-{y}")), 0);
}

static void whole_parameters_are_told_from_parts(void **state)
{
	(void)state;
	assert_true(segment_is_parameter(span("{id}")));
	assert_false(segment_is_parameter(span("{id}x")));
	assert_false(segment_is_parameter(span("{a}-{b}")));
	assert_false(segment_is_parameter(span("id")));
	assert_true(segment_has_parameter(span("{a}-{b}")));
	assert_false(segment_has_parameter(span("id")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parameter_is_one_character_at_least),
		cmocka_unit_test(braces_have_to_make_sense),
		cmocka_unit_test(more_text_goes_first_and_names_do_not_count),
		cmocka_unit_test(whole_parameters_are_told_from_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
