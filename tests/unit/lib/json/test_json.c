#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

static struct json *parse(struct arena *a, const char *text)
{
	struct err err = { .code = ERR_NONE };

	return json_parse(a, text, strlen(text), &err);
}

static void refused(const char *text, const char *because)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };

	assert_null(json_parse(a, text, strlen(text), &err));
	assert_non_null(strstr(err.msg, because));
}

static void keys_are_case_sensitive(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *v = parse(a, "{\"Name\":1}");

	assert_null(json_get(v, "name"));
	assert_non_null(json_get(v, "Name"));
}

static void trailing_text_is_refused(void **state UNUSED)
{
	refused("{} x", "line 1, column 4");
	refused("1 2", "not JSON");
	refused("", "not JSON");
}

static void an_error_names_line_and_column(void **state UNUSED)
{
	refused("{\n  \"a\": }", "line 2");
}

static void duplicate_keys_are_refused(void **state UNUSED)
{
	refused("{\"a\":{\"k\":1,\"k\":2}}", "duplicate key \"k\"");
}

static void numbers_that_others_read_otherwise_are_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const odd[] = { "01", "-01", "1.", "-", "1.e2", "1e", "1e+", "[1,00]",
		"{\"exp\":0123}" };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		refused(odd[i], "number");
	assert_non_null(parse(a, "[0,-0,0.5,10,1e3,1.5E-3,-1.25e+2,\"01\",\"1.\"]"));
}

static void control_characters_are_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };

	refused("{\"iss\":\"good\\u0000evil\"}", "control");
	refused("{\f}", "control");
	refused("{\"iss\":\"good\\u00exevil\"}", "broken escape");
	refused("\"a\tb\"", "control");
	assert_null(json_parse(a, "1\0", 2, &err));
	assert_non_null(parse(a, "\"\\\\u0000\""));
}

static void deep_nesting_is_refused(void **state UNUSED)
{
	char text[2 * 150 + 1] = "";

	memset(text, '[', 150);
	memset(text + 150, ']', 150);
	refused(text, "nested");
}

static void integers_are_exact_or_none(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	int64_t n = 7;

	assert_true(json_int(parse(a, "9007199254740992"), &n));
	assert_true(n == 9007199254740992LL);
	assert_false(json_int(parse(a, "9007199254740994"), &n));
	assert_false(json_int(parse(a, "1.5"), &n));
	assert_false(json_int(parse(a, "\"1\""), &n));
	assert_true(n == 9007199254740992LL);
}

static void only_true_is_true(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_true(json_is_true(parse(a, "true")));
	assert_false(json_is_true(parse(a, "false")));
	assert_false(json_is_true(parse(a, "1")));
	assert_false(json_is_true(NULL));
}

static void canonical_numbers_keep_every_digit(void **state UNUSED)
{
	static const char *const same[] = { "9007199254740991", "-9007199254740991",
		"1234567890123456", "0.30000000000000004", "0.3", "19.99", "-0.5", "0", "1e+300" };
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_string_equal(json_canonical(a, parse(a, same[i])), same[i]);
	assert_string_equal(json_canonical(a, parse(a, "[1.0,1e2,1.50]")), "[1,100,1.5]");
}

static void a_path_through_nothing_is_nothing(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *v = parse(a, "{\"a\":{\"b\":\"x\"}}");

	assert_string_equal(json_str(json_path(v, "a", "b", NULL)), "x");
	assert_null(json_path(v, "a", "c", "d", NULL));
	assert_null(json_path(NULL, "a", NULL));
	assert_int_equal(json_len(NULL), 0);
}

static void canonical_text_ignores_the_order_of_members(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *x = parse(a, "{\"b\":[1,{\"z\":1,\"y\":\"\\\"\"}],\"a\":null}");
	const struct json *y = parse(a, " {\"a\":null, \"b\":[1, {\"y\":\"\\\"\",\"z\":1}]}");

	assert_string_equal(
		json_canonical(a, x), "{\"a\":null,\"b\":[1,{\"y\":\"\\\"\",\"z\":1}]}");
	assert_string_equal(json_sha256(a, x), json_sha256(a, y));
	assert_true(json_equal(x, y));
}

static void a_template_quotes_what_it_is_given(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *v = json_format(a, "{'s':%s,'n':%d,'l':%l,'b':%b,'j':%j,'none':%s}",
		"it's \"1\"\n", 3, (int64_t)4, true, parse(a, "[1]"), NULL);

	assert_string_equal(json_text(a, v),
		"{\"s\":\"it's \\\"1\\\"\\n\",\"n\":3,\"l\":4,\"b\":true,\"j\":[1],\"none\":null}");
}

static void pruning_removes_null_members_at_every_depth(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *v =
		parse(a, "{\"a\":null,\"b\":{\"c\":null,\"d\":1},\"e\":[null,{\"f\":null}]}");

	assert_string_equal(json_text(a, json_prune(v)), "{\"b\":{\"d\":1},\"e\":[null,{}]}");
}

static void setting_replaces_and_null_removes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *v = json_object(a);

	json_set_int(a, v, "a", 1);
	json_set_str(a, v, "a", "x");
	json_set_str(a, v, "b", "y");
	json_set_str(a, v, "b", NULL);
	json_set_bool(a, json_sub(a, v, "c"), "d", true);
	assert_string_equal(json_text(a, v), "{\"a\":\"x\",\"c\":{\"d\":true}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_case_sensitive),
		cmocka_unit_test(trailing_text_is_refused),
		cmocka_unit_test(an_error_names_line_and_column),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(numbers_that_others_read_otherwise_are_refused),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(integers_are_exact_or_none),
		cmocka_unit_test(a_path_through_nothing_is_nothing),
		cmocka_unit_test(only_true_is_true),
		cmocka_unit_test(canonical_numbers_keep_every_digit),
		cmocka_unit_test(canonical_text_ignores_the_order_of_members),
		cmocka_unit_test(a_template_quotes_what_it_is_given),
		cmocka_unit_test(pruning_removes_null_members_at_every_depth),
		cmocka_unit_test(setting_replaces_and_null_removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
