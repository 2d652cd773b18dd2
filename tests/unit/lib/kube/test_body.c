#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/kube/body.h"
#include "tests/support/unit.h"

static void expect(const char *value, const char *text)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	size_t n = 0;
	const char *body = body_for_apply(a, json_string(a, value), &n);

	assert_string_equal(body, text);
	assert_int_equal(n, strlen(text));
}

static void ordinary_text_is_as_json_has_it(void **state UNUSED)
{
	expect("", "\"\"");
	expect("a\"b\\\n\t", "\"a\\\"b\\\\\\n\\t\"");
	expect("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
		"\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

static void what_yaml_would_change_is_escaped(void **state UNUSED)
{
	expect("\x7f", "\"\\u007f\"");
	expect("a\xc2\x85"
	       "b",
		"\"a\\u0085b\"");
	expect("\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"");
	expect("\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"");
	expect("\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd",
		"\"\\ufeff\\ufffe\\uffff\xef\xbf\xbd\"");
}

static void broken_utf8_is_not_read_beyond_its_end(void **state UNUSED)
{
	expect("\xe2\x80", "\"\xe2\x80\"");
	expect("\xe2", "\"\xe2\"");
	expect("\xc2", "\"\xc2\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_text_is_as_json_has_it),
		cmocka_unit_test(what_yaml_would_change_is_escaped),
		cmocka_unit_test(broken_utf8_is_not_read_beyond_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
