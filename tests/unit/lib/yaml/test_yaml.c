#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "tests/support/unit.h"

static void reads_as(const char *yaml, const char *expected)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .msg = "" };
	struct json *v = yaml_parse(a, yaml, strlen(yaml), NULL, &err);

	if (!v)
		fail_msg("%s: %s", yaml, err.msg);
	assert_string_equal(json_text(a, v), expected);
}

static void is_refused_n(const char *yaml, size_t n, enum err_code code, const char *words)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct yaml_lines *lines = NULL;
	struct err err = { .msg = "" };

	assert_null(yaml_parse(a, yaml, n, &lines, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.msg, words))
		fail_msg("%s: message \"%s\" lacks \"%s\"", yaml, err.msg, words);
}

static void is_refused(const char *yaml, const char *words)
{
	is_refused_n(yaml, strlen(yaml), ERR_INVALID, words);
}

static void plain_scalars_follow_the_core_schema(void **state)
{
	(void)state;
	reads_as("[null, ~, Null, NULL, nUll]", "[null,null,null,null,\"nUll\"]");
	reads_as("a:\nb: ~", "{\"a\":null,\"b\":null}");
	reads_as("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
	reads_as("[yes, no, on, off, Y, tRue]", "[\"yes\",\"no\",\"on\",\"off\",\"Y\",\"tRue\"]");
	reads_as("[0, -19, +3, 007, 0o17, 0xFF]", "[0,-19,3,7,15,255]");
	reads_as("[0x, 0o8, 0b1, -0x1, 1_000]", "[\"0x\",\"0o8\",\"0b1\",\"-0x1\",\"1_000\"]");
	reads_as("[1.5, -2.5e2, .5, 1., 1e3]", "[1.5,-250,0.5,1,1000]");
	reads_as(
		"[., e5, 1e, 1.2.3, +, -, '']", "[\".\",\"e5\",\"1e\",\"1.2.3\",\"+\",\"-\",\"\"]");
	reads_as("[.inf, .nan, 1e999]", "[\".inf\",\".nan\",\"1e999\"]");
	reads_as("2001-12-14", "\"2001-12-14\"");
}

static void integers_that_a_double_cannot_hold_stay_strings(void **state)
{
	(void)state;
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err;
	int64_t n = 0;

	assert_true(json_int(json_first(yaml_parse(a, "[9007199254740992]", 18, NULL, &err)), &n));
	assert_true(n == INT64_C(9007199254740992));
	reads_as("[9007199254740993]", "[\"9007199254740993\"]");
	reads_as("[99999999999999999999999]", "[\"99999999999999999999999\"]");
}

static void quoted_and_block_scalars_are_strings(void **state)
{
	(void)state;
	reads_as("['1', \"true\", '~']", "[\"1\",\"true\",\"~\"]");
	reads_as("a: |\n  1\n  2\n", "{\"a\":\"1\\n2\\n\"}");
	reads_as("a: >-\n  1\n  2\n", "{\"a\":\"1 2\"}");
}

static void core_tags_are_obeyed_and_others_refused(void **state)
{
	(void)state;
	reads_as("[!!str 1, !!int \"3\", !!bool 'true', ! 5]", "[\"1\",3,true,\"5\"]");
	reads_as("!!map {a: !!seq [!!null '']}", "{\"a\":[null]}");
	is_refused("!!int x", "tag");
	is_refused("!!bool 1", "tag");
	is_refused("!!binary aGk=", "tag");
	is_refused("a: !mine {}", "line 1, column 4");
	is_refused("!!seq {}", "tag");
}

static void keys_are_text_as_written(void **state)
{
	(void)state;
	reads_as("200: ok\ntrue: 1\n~: 2\n1.0: x",
		"{\"200\":\"ok\",\"true\":1,\"~\":2,\"1.0\":\"x\"}");
	is_refused("? [a]\n: b", "key that is not a scalar");
	is_refused("? {a: b}\n: b", "key that is not a scalar");
}

static void duplicate_keys_are_refused_with_both_lines(void **state)
{
	(void)state;
	is_refused("a: 1\nb: 2\na: 3\n", "line 3, column 1: duplicate key \"a\", first on line 1");
	is_refused("x:\n- {k: 1, 'k': 2}", "duplicate key \"k\"");
	is_refused("{\"a\":1,\"a\":2}", "duplicate key");
	reads_as("a: {a: 1}\nA: 2", "{\"a\":{\"a\":1},\"A\":2}");
}

static void anchors_and_aliases_are_refused(void **state)
{
	(void)state;
	is_refused("a: &x 1\nb: *x", "line 1, column 4: anchors");
	is_refused("a: &x {}\n", "anchors");
	is_refused("- &x []\n", "anchors");
	is_refused("&k a: 1\n", "anchors");
	is_refused("*k : 1\n", "anchors");
}

static void one_document_is_expected(void **state)
{
	(void)state;
	reads_as("---\na: 1\n...\n", "{\"a\":1}");
	is_refused("a: 1\n---\nb: 2\n", "line 2, column 1: a second document");
	is_refused("", "empty");
	is_refused("# nothing\n", "empty");
}

static void all_documents_come_as_a_list(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = "---\na: 1\n---\n---\n- b\n---\n";
	struct err err;
	struct json *v = yaml_parse_all(a, text, strlen(text), &err);

	(void)state;
	assert_non_null(v);
	assert_string_equal(json_text(a, v), "[{\"a\":1},[\"b\"]]");
	assert_string_equal(json_text(a, yaml_parse_all(a, "", 0, &err)), "[]");
	assert_null(yaml_parse_all(a, "a: 1\n--- \n}", 12, &err));
}

static void syntax_errors_name_line_and_column(void **state)
{
	(void)state;
	is_refused("a: 1\n b: 2\n", "line 2, column 3: not YAML");
	is_refused("a: [1, 2\n", "line 2, column 1: not YAML");
	is_refused("a: \"x", "not YAML");
	is_refused("a:\n\t- b", "line 2, column 1: not YAML");
	is_refused_n("a: \xff\n", 5, ERR_INVALID, "not YAML");
}

static void nul_characters_are_refused(void **state)
{
	(void)state;
	is_refused("a: \"x\\0y\"", "NUL");
	is_refused("\"x\\0y\": 1", "NUL");
	is_refused("{\"a\": \"x\\u0000\"}", "NUL");
	is_refused_n("a: x\0y", 6, ERR_INVALID, "not YAML");
}

static void depth_is_bounded(void **state)
{
	char deep[2 * JSON_MAX_DEPTH + 3];
	char too_deep[4 * JSON_MAX_DEPTH];

	(void)state;
	memset(deep, '[', JSON_MAX_DEPTH);
	memset(deep + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	deep[2 * JSON_MAX_DEPTH] = '\0';
	reads_as(deep, deep);
	memset(too_deep, '[', sizeof(too_deep));
	is_refused_n(too_deep, sizeof(too_deep), ERR_LIMIT, "nested too deeply");
}

static void json_is_read_as_yaml(void **state)
{
	(void)state;
	reads_as("{\"a\":\"b\\/c\\u00e9\",\"n\":[1,2.5,true,null]}\n",
		"{\"a\":\"b/c\xc3\xa9\",\"n\":[1,2.5,true,null]}");
	reads_as("{\n\t\"a\":\n\t\t1\n}", "{\"a\":1}");
	reads_as("{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}");
}

static void every_value_knows_its_line(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = "# c\na: 1\nb:\n  - x\n  - y: 2\n    z: |\n      t\n";
	struct yaml_lines *lines = NULL;
	struct err err;
	struct json *v = yaml_parse(a, text, strlen(text), &lines, &err);
	const struct json *b = json_get(v, "b");

	(void)state;
	assert_int_equal(yaml_line(lines, v), 2);
	assert_int_equal(yaml_line(lines, json_get(v, "a")), 2);
	assert_int_equal(yaml_line(lines, b), 4);
	assert_int_equal(yaml_line(lines, json_at(b, 0)), 4);
	assert_int_equal(yaml_line(lines, json_path(json_at(b, 1), "z", NULL)), 6);
	assert_int_equal(yaml_line(lines, json_string(a, "other")), 0);
	assert_int_equal(yaml_line(NULL, v), 0);
	assert_int_equal(yaml_line(lines, NULL), 0);
}

static void numbers_remember_how_they_were_written(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = "{v: 1.10, s: '1.10', t: True, n: ~}";
	struct yaml_lines *lines = NULL;
	struct err err;
	struct json *v = yaml_parse(a, text, strlen(text), &lines, &err);

	(void)state;
	assert_string_equal(yaml_written(lines, json_get(v, "v")), "1.10");
	assert_string_equal(yaml_written(lines, json_get(v, "t")), "True");
	assert_string_equal(yaml_written(lines, json_get(v, "n")), "~");
	assert_null(yaml_written(lines, json_get(v, "s")));
	assert_null(yaml_written(NULL, v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_follow_the_core_schema),
		cmocka_unit_test(integers_that_a_double_cannot_hold_stay_strings),
		cmocka_unit_test(quoted_and_block_scalars_are_strings),
		cmocka_unit_test(core_tags_are_obeyed_and_others_refused),
		cmocka_unit_test(keys_are_text_as_written),
		cmocka_unit_test(duplicate_keys_are_refused_with_both_lines),
		cmocka_unit_test(anchors_and_aliases_are_refused),
		cmocka_unit_test(one_document_is_expected),
		cmocka_unit_test(all_documents_come_as_a_list),
		cmocka_unit_test(syntax_errors_name_line_and_column),
		cmocka_unit_test(nul_characters_are_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(json_is_read_as_yaml),
		cmocka_unit_test(every_value_knows_its_line),
		cmocka_unit_test(numbers_remember_how_they_were_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
