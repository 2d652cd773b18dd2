#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "tests/support/unit.h"

static void wrapping_prefixes_and_keeps_the_code(void **state UNUSED)
{
	struct err err = { .code = ERR_NONE };

	assert_false(err_set(&err, ERR_TIMEOUT, "no answer in %d ms", 5));
	assert_false(err_wrap(&err, "get %s", "x"));
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_string_equal(err.msg, "get x: no answer in 5 ms");
}

static void a_long_message_ends_in_an_ellipsis(void **state UNUSED)
{
	struct err err = { .code = ERR_NONE };
	char text[2 * sizeof(err.msg)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_BUG, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_true(str_ends(err.msg, "..."));
}

static void every_code_has_a_name(void **state UNUSED)
{
	for (int code = ERR_NONE; code <= ERR_BUG; code++)
		assert_true(strlen(err_code_name((enum err_code)code)) > 2);
}

static void count_up(void *p)
{
	++*(int *)p;
}

static void deferred_calls_run_once_at_the_end(void **state UNUSED)
{
	struct arena *a = arena_new();
	int n = 0;

	arena_defer(a, count_up, &n);
	arena_reset(a);
	assert_int_equal(n, 1);
	arena_defer(a, count_up, &n);
	arena_free(a);
	assert_int_equal(n, 2);
	arena_free(NULL);
}

static void arena_memory_is_zero_even_after_a_reset(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size < 100000; size = size * 3 + 1) {
			unsigned char *p = arena_alloc(a, size);

			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, size);
		}
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
}

static void a_string_refuses_to_outgrow_its_limit(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct str s;

	str_init(&s, a, 5);
	str_add(&s, "abc");
	assert_true(str_ok(&s, "name", &err));
	str_add(&s, "def");
	str_add(&s, "g");
	assert_string_equal(s.ptr, "abc");
	assert_false(str_ok(&s, "name", &err));
	assert_int_equal(err.code, ERR_LIMIT);
}

static void a_string_grows(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct str s;

	str_init(&s, a, 100000);
	for (int i = 0; i < 10000; i++)
		str_addf(&s, "%d", i % 10);
	assert_int_equal(s.len, 10000);
	assert_int_equal(strlen(s.ptr), 10000);
}

static void utf8_is_told_from_other_bytes(void **state UNUSED)
{
	static const char *const good[] = { "", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\xff", "\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xc3(" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(utf8_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_ok(bad[i], strlen(bad[i])));
}

static void utf8_is_looked_at_everywhere(void **state UNUSED)
{
	char text[40];

	for (size_t n = 1; n <= sizeof(text); n++)
		for (size_t at = 0; at < n; at++) {
			memset(text, 'a', sizeof(text));
			assert_true(utf8_ok(text, n));
			text[at] = (char)0x80;
			assert_false(utf8_ok(text, n));
		}
}

static void url_text_is_percent_encoded(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct str s;

	str_init(&s, a, 100);
	str_add_url(&s, "a/b?c=\xc3\xa4~.-_");
	assert_string_equal(s.ptr, "a%2Fb%3Fc%3D%C3%A4~.-_");
}

static void base64_knows_both_alphabets_and_one_spelling(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	size_t n = 0;

	assert_string_equal(base64_encode(a, "ab?>", 4), "YWI/Pg==");
	assert_string_equal(base64_decode(a, "YWI/\nPg==", 9, &n), "ab?>");
	assert_int_equal(n, 4);
	assert_string_equal(base64url_decode(a, "YWI_Pg", 6, &n), "ab?>");
	assert_string_equal(base64url_decode(a, "YWI_Pg==", 8, &n), "ab?>");
	assert_null(base64url_decode(a, "YWI/Pg", 6, &n));
	assert_null(base64url_decode(a, "YWI_Ph", 6, &n));
	assert_null(base64url_decode(a, "YWI_P", 5, &n));
	assert_null(base64url_decode(a, "YW=I", 4, &n));
	assert_null(base64url_decode(a, "YW===", 5, &n));
	assert_string_equal(base64url_decode(a, "", 0, &n), "");
}

static void base64_of_any_length_is_read_to_its_end(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	unsigned char bytes[67];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		char *text = base64url_encode(a, bytes, n);
		size_t digits = strlen(text);
		size_t read;

		assert_memory_equal(base64url_decode(a, text, digits, &read), bytes, n);
		assert_int_equal(read, n);
		for (size_t at = 0; at < digits; at++) {
			char digit = text[at];

			for (const char *none = "/+ =.\x80"; *none; none++) {
				bool ends = *none == '=' && at + 1 == digits && digits % 4 == 0;

				text[at] = *none;
				if (!ends)
					assert_null(base64url_decode(a, text, digits, &read));
			}
			text[at] = digit;
		}
	}
}

static void sha256_matches_the_standard(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(sha256_hex(a, "abc", 3),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_vector_is_walked_in_order_and_can_be_left_early(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct vec v = { .n = 0 };
	int numbers[20];
	int seen = 0;

	vec_foreach (int *, none, &v)
		fail_msg("%d", *none);
	for (int i = 0; i < 20; i++) {
		numbers[i] = i;
		vec_add(a, &v, &numbers[i]);
	}
	vec_foreach (int *, n, &v) {
		assert_int_equal(*n, seen);
		if (++seen == 15)
			break;
	}
	assert_int_equal(seen, 15);
}

static void time_is_written_as_rfc_3339(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(clock_rfc3339(a, 1572256179123), "2019-10-28T09:49:39Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrapping_prefixes_and_keeps_the_code),
		cmocka_unit_test(a_long_message_ends_in_an_ellipsis),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(deferred_calls_run_once_at_the_end),
		cmocka_unit_test(arena_memory_is_zero_even_after_a_reset),
		cmocka_unit_test(a_string_refuses_to_outgrow_its_limit),
		cmocka_unit_test(a_string_grows),
		cmocka_unit_test(utf8_is_told_from_other_bytes),
		cmocka_unit_test(utf8_is_looked_at_everywhere),
		cmocka_unit_test(url_text_is_percent_encoded),
		cmocka_unit_test(base64_knows_both_alphabets_and_one_spelling),
		cmocka_unit_test(base64_of_any_length_is_read_to_its_end),
		cmocka_unit_test(sha256_matches_the_standard),
		cmocka_unit_test(a_vector_is_walked_in_order_and_can_be_left_early),
		cmocka_unit_test(time_is_written_as_rfc_3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
