#include "gateway/core/limits.h"
#include "gateway/core/window.h"
#include "lib/base/arena.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

enum {
	MINUTE = 1700000040, /* a whole one */
};

static const unsigned char secret[WINDOW_SECRET_BYTES] = "0123456789abcde";
static const struct limit five = {
	.name = "five", .count = 5, .unit_s = 60, .units = 1, .over_quota = false
};
static const struct limit hourly = {
	.name = "hourly", .count = 1000, .unit_s = 3600, .units = 1, .over_quota = false
};

static struct window_table *table(struct arena *a, size_t entries)
{
	return window_table_init(arena_alloc(a, window_table_bytes(entries)), entries, secret);
}

static struct window_use use(const struct limit *l, uint64_t key)
{
	return (struct window_use){ .key = { key, key }, .limit = l };
}

static bool passes(struct window_table *t, const struct limit *l, uint64_t key, int64_t now_s)
{
	struct window_use u = use(l, key);

	return window_take(t, NULL, &u, 1, now_s) == 1;
}

static size_t passing(
	struct window_table *t, const struct limit *l, uint64_t key, int64_t now_s, size_t tries)
{
	size_t n = 0;

	while (tries-- > 0)
		n += passes(t, l, key, now_s);
	return n;
}

static void exactly_so_many_pass_in_a_window(void **state)
{
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &five, 1, MINUTE + 10, 4), 4);
	assert_true(passes(t, &five, 1, MINUTE + 59));
	assert_int_equal(passing(t, &five, 1, MINUTE + 59, 100), 0);
}

static void a_window_ends_with_the_clocks_unit(void **state)
{
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &five, 1, MINUTE + 59, 9), 5);
	assert_int_equal(passing(t, &five, 1, MINUTE + 60, 9), 5);
	assert_int_equal(passing(t, &five, 1, MINUTE + 119, 9), 0);
	assert_int_equal(passing(t, &five, 1, MINUTE + 120, 9), 5);
}

static void windows_of_several_units_begin_with_the_unit_of_the_first_request(void **state)
{
	const struct limit l = {
		.name = "l", .count = 2, .unit_s = 60, .units = 3, .over_quota = false
	};
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &l, 1, MINUTE + 70, 9), 2);
	assert_int_equal(passing(t, &l, 1, MINUTE + 60 + 179, 9), 0);
	assert_int_equal(passing(t, &l, 1, MINUTE + 60 + 180, 9), 2);
}

static void requests_long_after_the_window_begin_a_new_one(void **state)
{
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &five, 1, MINUTE, 9), 5);
	assert_int_equal(passing(t, &five, 1, MINUTE + 86400 + 30, 9), 5);
}

static void the_end_of_the_window_is_told(void **state)
{
	struct window_table *t = table(*state, 64);
	struct window_use u = use(&five, 1);

	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 45), 1);
	assert_int_equal(u.end_s, MINUTE + 60);
	assert_int_equal(u.count, 1);
	assert_int_equal(passing(t, &five, 1, MINUTE + 45, 4), 4);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 50), 0);
	assert_int_equal(u.end_s, MINUTE + 60);
	assert_int_equal(u.count, 5);
}

static void a_clock_that_was_put_back_does_not_lock_anyone_out(void **state)
{
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &five, 1, MINUTE + 7200, 9), 5);
	assert_int_equal(passing(t, &five, 1, MINUTE, 9), 5);
	assert_int_equal(passing(t, &five, 1, MINUTE, 9), 0);
}

static void a_shorter_window_counts_at_once(void **state)
{
	struct window_table *t = table(*state, 64);
	const struct limit day = {
		.name = "d", .count = 1, .unit_s = 86400, .units = 1, .over_quota = false
	};

	assert_true(passes(t, &day, 1, MINUTE));
	assert_false(passes(t, &day, 1, MINUTE));
	assert_true(passes(t, &five, 1, MINUTE));
}

static void a_raised_limit_goes_on_counting(void **state)
{
	struct window_table *t = table(*state, 64);
	const struct limit seven = {
		.name = "five", .count = 7, .unit_s = 60, .units = 1, .over_quota = false
	};

	assert_int_equal(passing(t, &five, 1, MINUTE, 9), 5);
	assert_int_equal(passing(t, &seven, 1, MINUTE, 9), 2);
}

static void what_one_level_refuses_counts_at_no_level(void **state)
{
	struct window_table *t = table(*state, 64);

	assert_int_equal(passing(t, &five, 2, MINUTE, 5), 5);
	for (size_t i = 0; i < 20; i++) {
		struct window_use both[] = { use(&five, 1), use(&five, 2) };

		assert_int_equal(window_take(t, NULL, both, 2, MINUTE), 1);
	}
	assert_int_equal(passing(t, &five, 1, MINUTE, 9), 5);
}

static void over_quota_is_counted_and_passes(void **state)
{
	const struct limit soft = {
		.name = "s", .count = 2, .unit_s = 60, .units = 1, .over_quota = true
	};
	struct window_table *t = table(*state, 64);
	struct window_use u = use(&soft, 1);

	for (int64_t i = 1; i <= 5; i++) {
		assert_int_equal(window_take(t, NULL, &u, 1, MINUTE), 1);
		assert_int_equal(u.count, i);
	}
}

static void an_amount_of_bytes_is_reached_by_what_went_before(void **state)
{
	const struct limit mib = {
		.name = "m", .count = 100, .bytes = 1 << 20, .unit_s = 60, .units = 1
	};
	struct window_table *t = table(*state, 64);
	struct window_use u = use(&mib, 1);

	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE), 1);
	window_charge(t, NULL, &u, 1, (1 << 20) - 1, MINUTE);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE), 1);
	window_charge(t, NULL, &u, 1, 1, MINUTE + 59);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 59), 0);
	assert_int_equal(u.bytes, 1 << 20);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 60), 1);
}

static void what_ends_later_counts_in_the_window_it_ends_in(void **state)
{
	const struct limit kib = {
		.name = "k", .count = 100, .bytes = 1024, .unit_s = 60, .units = 1
	};
	struct window_table *t = table(*state, 64);
	struct window_use u = use(&kib, 1);

	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE), 1);
	window_charge(t, NULL, &u, 1, INT64_MAX, MINUTE + 61);
	window_charge(t, NULL, &u, 1, INT64_MAX, MINUTE + 61);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 62), 0);
	assert_int_equal(window_take(t, NULL, &u, 1, MINUTE + 120), 1);
}

static void the_longest_window_and_the_greatest_count_do_not_overflow(void **state)
{
	const struct limit l = { .name = "l",
		.count = INT64_MAX,
		.unit_s = 365 * 86400,
		.units = INT32_MAX,
		.over_quota = false };
	struct window_table *t = table(*state, 8);

	assert_int_equal(passing(t, &l, 1, MINUTE, 10), 10);
	assert_int_equal(passing(t, &l, 1, INT64_C(4000000000), 10), 10);
}

static void many_keys_are_counted_apart(void **state)
{
	enum {
		KEYS = 20000
	};
	struct window_table *t = table(*state, 2 * KEYS);
	size_t passed = 0;

	for (size_t round = 0; round < 7; round++)
		for (uint64_t k = 1; k <= KEYS; k++)
			passed += passes(t, &five, k, MINUTE);
	assert_int_equal(window_table_evicted(t), 0);
	assert_int_equal(passed, KEYS * 5);
}

static void windows_that_have_ended_make_room_without_loss(void **state)
{
	struct window_table *t = table(*state, 8);

	for (uint64_t k = 1; k <= 8; k++)
		assert_true(passes(t, &five, k, MINUTE));
	for (uint64_t k = 11; k <= 18; k++)
		assert_true(passes(t, &five, k, MINUTE + 60));
	assert_int_equal(window_table_evicted(t), 0);
}

static void in_a_full_table_short_and_idle_windows_go_first_and_that_is_told(void **state)
{
	struct window_table *t = table(*state, 8);

	assert_int_equal(passing(t, &hourly, 1, MINUTE, 7), 7);
	assert_int_equal(passing(t, &five, 2, MINUTE, 9), 5);
	for (uint64_t k = 100; k < 1100; k++)
		assert_true(passes(t, &five, k, MINUTE));
	assert_int_equal(window_table_evicted(t), 1000 - 6);
	assert_int_equal(passing(t, &five, 2, MINUTE, 9), 0);
	assert_int_equal(passing(t, &hourly, 1, MINUTE, 1000), 1000 - 7);
}

static void counters_of_one_request_do_not_make_room_for_each_other(void **state)
{
	struct window_table *t = table(*state, 8);
	const struct limit one = {
		.name = "one", .count = 1, .unit_s = 60, .units = 1, .over_quota = false
	};

	for (uint64_t k = 100; k < 200; k += 4) {
		struct window_use uses[] = { use(&one, k), use(&one, k + 1), use(&one, k + 2),
			use(&one, k + 3) };

		assert_int_equal(window_take(t, NULL, uses, 4, MINUTE), 4);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(window_take(t, NULL, &uses[i], 1, MINUTE), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(exactly_so_many_pass_in_a_window),
		WITH_ARENA(a_window_ends_with_the_clocks_unit),
		WITH_ARENA(windows_of_several_units_begin_with_the_unit_of_the_first_request),
		WITH_ARENA(requests_long_after_the_window_begin_a_new_one),
		WITH_ARENA(the_end_of_the_window_is_told),
		WITH_ARENA(a_clock_that_was_put_back_does_not_lock_anyone_out),
		WITH_ARENA(a_shorter_window_counts_at_once),
		WITH_ARENA(a_raised_limit_goes_on_counting),
		WITH_ARENA(what_one_level_refuses_counts_at_no_level),
		WITH_ARENA(over_quota_is_counted_and_passes),
		WITH_ARENA(the_longest_window_and_the_greatest_count_do_not_overflow),
		WITH_ARENA(an_amount_of_bytes_is_reached_by_what_went_before),
		WITH_ARENA(what_ends_later_counts_in_the_window_it_ends_in),
		WITH_ARENA(many_keys_are_counted_apart),
		WITH_ARENA(windows_that_have_ended_make_room_without_loss),
		WITH_ARENA(in_a_full_table_short_and_idle_windows_go_first_and_that_is_told),
		WITH_ARENA(counters_of_one_request_do_not_make_room_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
