#include "lib/kube/buffer.h"
#include "tests/support/unit.h"

static void bytes_are_kept_in_order_and_terminated(void **state UNUSED)
{
	struct buffer b = { .max = 100000 };

	assert_true(buffer_add(&b, "", 0));
	for (int i = 0; i < 10000; i++)
		assert_true(buffer_add(&b, "abc", 3));
	assert_int_equal(b.n, 30000);
	assert_int_equal(strlen(b.ptr), 30000);
	assert_memory_equal(b.ptr + 29997, "abc", 4);
	buffer_free(&b);
	assert_null(b.ptr);
}

static void nothing_is_added_beyond_the_limit(void **state UNUSED)
{
	struct buffer b = { .max = 5 };

	assert_true(buffer_add(&b, "abc", 3));
	assert_false(buffer_add(&b, "def", 3));
	assert_true(buffer_add(&b, "de", 2));
	assert_false(buffer_add(&b, "f", 1));
	assert_false(buffer_add(&b, "f", SIZE_MAX));
	assert_string_equal(b.ptr, "abcde");
	buffer_free(&b);
}

static void a_small_block_is_kept_and_a_large_one_returned(void **state UNUSED)
{
	static char large[100000];
	struct buffer b = { .max = sizeof(large) };

	assert_true(buffer_add(&b, "abc", 3));
	buffer_clear(&b);
	assert_int_equal(b.n, 0);
	assert_string_equal(b.ptr, "");
	assert_true(buffer_add(&b, large, sizeof(large)));
	buffer_clear(&b);
	assert_int_equal(b.cap, 0);
	buffer_clear(&b);
	assert_true(buffer_add(&b, "x", 1));
	buffer_free(&b);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_kept_in_order_and_terminated),
		cmocka_unit_test(nothing_is_added_beyond_the_limit),
		cmocka_unit_test(a_small_block_is_kept_and_a_large_one_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
