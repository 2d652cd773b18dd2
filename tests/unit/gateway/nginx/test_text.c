#include "gateway/nginx/text.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

typedef char *writer(char *at, const char *end, struct span s);

static const char *written(writer *write, const char *bytes, size_t n)
{
	static char out[1024];

	*write(out, out + sizeof(out) - 1, (struct span){ bytes, n }) = '\0';
	return out;
}

static void json_escapes_what_json_must(void **state)
{
	(void)state;
	assert_string_equal(written(text_json, "a\"b\\c", 5), "a\\\"b\\\\c");
	assert_string_equal(written(text_json, "\n\x01\x7f", 3), "\\u000a\\u0001\\u007f");
	assert_string_equal(written(text_json, "\0", 1), "\xef\xbf\xbd");
}

static void json_keeps_utf8_and_replaces_what_is_none(void **state)
{
	(void)state;
	assert_string_equal(written(text_json, "\xc3\xa9", 2), "\xc3\xa9");
	assert_string_equal(written(text_json, "\xf0\x9f\x98\x80", 4), "\xf0\x9f\x98\x80");
	assert_string_equal(written(text_json, "\xe9", 1), "\xef\xbf\xbd"); /* Latin-1 */
	assert_string_equal(
		written(text_json, "\xc0\xaf", 2), "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
	assert_string_equal(written(text_json, "\xed\xa0\x80x", 4),
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"); /* half of a surrogate pair */
	assert_string_equal(written(text_json, "\xf4\x90\x80\x80", 4),
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");	    /* beyond U+10FFFF */
	assert_string_equal(written(text_json, "\xc3", 1), "\xef\xbf\xbd"); /* cut off */
}

static void every_pair_of_bytes_is_valid_json(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (unsigned int i = 0; i < 0x10000; i++) {
		char bytes[2] = { (char)(i >> 8), (char)i };
		const char *text = arena_printf(a, "\"%s\"", written(text_json, bytes, 2));
		struct err err;

		assert_non_null(json_parse(a, text, strlen(text), &err));
		if (i % 256 == 0)
			arena_reset(a);
	}
}

static void a_path_is_printable_ascii(void **state)
{
	(void)state;
	assert_string_equal(
		written(text_path, "/a b\"\\\xc3\xa9\n~", 10), "/a%20b%22%5C%C3%A9%0A~");
}

static void labels_are_what_prometheus_reads(void **state)
{
	(void)state;
	assert_string_equal(written(text_label, "a\"b\\c\nd\te\xff", 10), "a\\\"b\\\\c\\nd?e?");
}

static void nothing_is_written_beyond_the_end(void **state)
{
	static writer *const writers[] = { text_json, text_path, text_label };
	static const char bytes[] = "a\"\x01\xff\\\n\xc3\xa9";

	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(writers); w++)
		for (size_t room = 0; room < 24; room++) {
			char out[32];
			char *at;

			memset(out, '#', sizeof(out));
			at = writers[w](out, out + room, (struct span){ bytes, sizeof(bytes) - 1 });
			assert_in_range(at - out, 0, room);
			for (size_t i = room; i < sizeof(out); i++)
				assert_int_equal(out[i], '#');
		}
}

static void numbers_are_decimal(void **state)
{
	char out[32];

	(void)state;
	*text_number(out, out + sizeof(out), 0) = '\0';
	assert_string_equal(out, "0");
	*text_number(out, out + sizeof(out), UINT64_MAX) = '\0';
	assert_string_equal(out, "18446744073709551615");
}

static void no_text_is_an_empty_span(void **state)
{
	(void)state;
	assert_int_equal(text_span(NULL).n, 0);
	assert_int_equal(text_span("ab").n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_escapes_what_json_must),
		cmocka_unit_test(json_keeps_utf8_and_replaces_what_is_none),
		cmocka_unit_test(every_pair_of_bytes_is_valid_json),
		cmocka_unit_test(a_path_is_printable_ascii),
		cmocka_unit_test(labels_are_what_prometheus_reads),
		cmocka_unit_test(nothing_is_written_beyond_the_end),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(no_text_is_an_empty_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
