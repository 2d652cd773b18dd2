#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/kube/stream.h"
#include "tests/support/unit.h"

/* Texts as they were handed out, with a bar behind each. */
static bool note(void *arg, const char *text, size_t n, struct err *err UNUSED)
{
	struct str *s = arg;

	str_addn(s, text, n);
	str_addc(s, '|');
	return true;
}

static bool refuse(void *arg UNUSED, const char *text UNUSED, size_t n UNUSED, struct err *err)
{
	return err_set(err, ERR_CONFLICT, "enough");
}

/* Feeds in pieces of `piece` bytes; the texts, or "!" and the message. */
static const char *lines_of(struct arena *a, const char *bytes, size_t piece, size_t max)
{
	size_t n = strlen(bytes);
	struct err err;
	struct lines l;
	struct str s;
	bool ok = true;

	str_init(&s, a, 65536);
	lines_init(&l, max, note, &s);
	for (size_t i = 0; i < n && ok; i += piece)
		ok = lines_feed(&l, bytes + i, n - i < piece ? n - i : piece, &err);
	lines_free(&l);
	return ok ? s.ptr : arena_printf(a, "!%s", err.msg);
}

static const char *items_of(struct arena *a, const char *bytes, size_t piece, size_t max)
{
	size_t n = strlen(bytes);
	const char *result;
	struct err err;
	struct items it;
	struct str s;
	bool ok = true;

	str_init(&s, a, 65536);
	items_init(&it, max, note, &s);
	for (size_t i = 0; i < n && ok; i += piece)
		ok = items_feed(&it, bytes + i, n - i < piece ? n - i : piece, &err);
	ok = ok && items_end(&it, &err);
	if (ok)
		str_add(&s, it.envelope.ptr);
	result = ok ? s.ptr : arena_printf(a, "!%s", err.msg);
	items_free(&it);
	return result;
}

static void expect_lines(const char *bytes, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(bytes) + 1; piece++) {
		AUTO(arena_auto) struct arena *a = arena_new();

		assert_string_equal(lines_of(a, bytes, piece, 100), expected);
	}
}

static void expect_items(const char *bytes, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(bytes) + 1; piece++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		const char *got = items_of(a, bytes, piece, 100);

		if (expected[0] == '!')
			assert_int_equal(got[0], '!');
		else
			assert_string_equal(got, expected);
	}
}

static void lines_are_whole_however_they_arrive(void **state UNUSED)
{
	expect_lines("", "");
	expect_lines("\n\n\n", "");
	expect_lines("abc", "");
	expect_lines("abc\n", "abc|");
	expect_lines("{\"a\":1}\n\n{\"b\":2}\nrest", "{\"a\":1}|{\"b\":2}|");
}

static void a_line_has_a_limit(void **state UNUSED)
{
	for (size_t piece = 1; piece < 12; piece++) {
		AUTO(arena_auto) struct arena *a = arena_new();

		assert_string_equal(
			lines_of(a, "12345678\n12345678\n", piece, 8), "12345678|12345678|");
		assert_int_equal(lines_of(a, "1\n123456789\n", piece, 8)[0], '!');
		assert_int_equal(lines_of(a, "123456789", piece, 8)[0], '!');
	}
}

static void items_are_handed_out_and_the_rest_is_kept(void **state UNUSED)
{
	expect_items("{\"items\":[]}", "{\"items\":[]}");
	expect_items("{}", "{}");
	expect_items("{\"items\":null,\"a\":1}", "{\"items\":null,\"a\":1}");
	expect_items(
		"{\"kind\":\"L\",\"items\":[{\"a\":1},{\"b\":[{}]}],\"metadata\":{\"x\":[1,2]}}",
		"{\"a\":1}|{\"b\":[{}]}|{\"kind\":\"L\",\"items\":[],\"metadata\":{\"x\":[1,2]}}");
	expect_items(" { \"items\" : [ {} , { } ] } \n", "{}|{ }| { \"items\" : [] } \n");
}

static void brackets_and_quotes_in_strings_do_not_count(void **state UNUSED)
{
	expect_items("{\"a\":\"]}\\\"{[\",\"items\":[{\"s\":\"}],\\\\\"},{\"\\\"}\":\"{\"}]}",
		"{\"s\":\"}],\\\\\"}|{\"\\\"}\":\"{\"}|{\"a\":\"]}\\\"{[\",\"items\":[]}");
}

static void only_the_lists_own_items_count(void **state UNUSED)
{
	expect_items(
		"{\"metadata\":{\"items\":[{}]},\"a\":\"items\",\"b\":[{}],\"items\":[{\"items\":[1]}]}",
		"{\"items\":[1]}|{\"metadata\":{\"items\":[{}]},\"a\":\"items\",\"b\":[{}],\"items\":[]}");
	expect_items("{\"items\":{\"a\":[{}]}}", "{\"items\":{\"a\":[{}]}}");
	expect_items("{\"xitems\":[1],\"item\":[2]}", "{\"xitems\":[1],\"item\":[2]}");
}

static void what_is_no_list_of_objects_is_refused(void **state UNUSED)
{
	const char *const wrong[] = { "", " ", "[]", "5", "\"x\"", "null", "{", "{\"items\":[",
		"{\"items\":[{}", "{\"items\":[{}]", "{\"items\":[1]}", "{\"items\":[[]]}",
		"{\"items\":[\"x\"]}", "{\"items\":[{},null]}", "{}{}", "{}]", "{\"a\":\"", "x{}",
		"{} x" };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect_items(wrong[i], "!");
}

static void an_item_has_a_limit(void **state UNUSED)
{
	for (size_t piece = 1; piece < 30; piece++) {
		AUTO(arena_auto) struct arena *a = arena_new();

		assert_string_equal(items_of(a, "{\"items\":[{\"a\":1},{\"b\":2}]}", piece, 7),
			"{\"a\":1}|{\"b\":2}|{\"items\":[]}");
		assert_int_equal(items_of(a, "{\"items\":[{\"a\":12}]}", piece, 7)[0], '!');
	}
}

static void the_consumer_can_stop_a_stream(void **state UNUSED)
{
	struct err err;
	struct lines l;
	struct items it;

	lines_init(&l, 100, refuse, NULL);
	assert_false(lines_feed(&l, "a\nb\n", 4, &err));
	assert_int_equal(err.code, ERR_CONFLICT);
	lines_free(&l);
	items_init(&it, 100, refuse, NULL);
	assert_false(items_feed(&it, "{\"items\":[{}]}", 14, &err));
	assert_int_equal(err.code, ERR_CONFLICT);
	items_free(&it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_whole_however_they_arrive),
		cmocka_unit_test(a_line_has_a_limit),
		cmocka_unit_test(items_are_handed_out_and_the_rest_is_kept),
		cmocka_unit_test(brackets_and_quotes_in_strings_do_not_count),
		cmocka_unit_test(only_the_lists_own_items_count),
		cmocka_unit_test(what_is_no_list_of_objects_is_refused),
		cmocka_unit_test(an_item_has_a_limit),
		cmocka_unit_test(the_consumer_can_stop_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
