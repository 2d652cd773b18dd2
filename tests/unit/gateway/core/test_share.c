/* Limits that several replicas share, while all are well. */
#include "tests/support/replicas.h"
#include "tests/support/unit.h"

static void so_many_pass_as_the_limit_says_whoever_is_asked(void **state)
{
	(void)state;
	for (size_t n = 2; n <= 5; n++) {
		net_begin_again();
		net_meet(n);
		for (int64_t count = 1; count < 400; count += 1 + count / 7) {
			struct limit l = net_limit(count);

			assert_int_equal(net_passing(0, n, &l, (uint64_t)count, count + 50), count);
		}
	}
}

static void all_of_them_may_come_to_one(void **state)
{
	struct limit l = net_limit(1000);

	(void)state;
	net_meet(3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(net_passing(i, 1, &l, i + 1, 1100), 1000);
}

static void what_a_replica_does_not_use_others_may(void **state)
{
	(void)state;
	for (size_t n = 2; n <= 5; n++)
		for (int64_t count = 10; count < 3000; count *= 3) {
			struct limit l = net_limit(count);
			int64_t first;

			net_begin_again();
			net_meet(n);
			first = net_passing(0, 1, &l, (uint64_t)count, count / 2);
			assert_int_equal(first, count / 2);
			assert_int_equal(
				net_passing(1, n - 1, &l, (uint64_t)count, count), count - first);
		}
}

static void the_first_pass_and_the_others_do_not(void **state)
{
	struct limit l = net_limit(60);

	(void)state;
	net_meet(3);
	assert_int_equal(net_passing(0, 3, &l, 7, 60), 60);
	assert_int_equal(net_passing(0, 3, &l, 7, 60), 0);
}

static void far_below_a_limit_nothing_is_said(void **state)
{
	struct limit l = net_limit(500);

	(void)state;
	net_meet(3);
	for (uint64_t key = 1; key < 20; key++)
		assert_int_equal(net_passing(0, 3, &l, key, 24), 24);
	assert_int_equal(net.n_said, 0);
}

static void few_words_are_enough_for_many_requests(void **state)
{
	struct limit l = net_limit(20000);

	(void)state;
	net_meet(3);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(net_passing(0, 3, &l, 7, 90), 90);
	assert_in_range(net.n_said, 3, 18000 / 4);
}

static void windows_of_several_units_are_the_same_for_all(void **state)
{
	struct limit l = { .name = "l", .count = 100, .unit_s = 60, .units = 3 };

	(void)state;
	net_meet(3);
	assert_int_equal(net_passing(0, 1, &l, 7, 40), 40);
	net_pass_time(60000); /* begun by another one in its second minute */
	assert_int_equal(net_passing(1, 2, &l, 7, 100), 60);
	net_pass_time(120000);
	assert_int_equal(net_passing(0, 3, &l, 7, 200), 100);
}

static void bytes_count_wherever_they_moved(void **state)
{
	struct limit l = {
		.name = "l", .count = 1000000, .bytes = 10000, .unit_s = 60, .units = 1
	};
	int64_t n = 0;

	(void)state;
	net_meet(3);
	for (size_t i = 0; i < 100; i++) {
		struct share *s = &net.at[i % 3].share;
		struct window_use u = { .key = { 7, 7 * 31 }, .limit = &l };

		if (net_passes(i % 3, &l, 7)) {
			n++;
			window_charge(s->table, s, &u, 1, 1000, net.now_ms / 1000);
			net_deliver();
		}
		net.now_ms += 200;
	}
	assert_in_range(n, 10, 12);
}

static void limits_that_refuse_nobody_are_not_talked_about(void **state)
{
	struct limit l = net_limit(3);

	(void)state;
	l.over_quota = true;
	net_meet(3);
	assert_int_equal(net_passing(0, 3, &l, 7, 30), 30);
	assert_int_equal(net.n_said, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_NETWORK(so_many_pass_as_the_limit_says_whoever_is_asked),
		ON_A_NETWORK(all_of_them_may_come_to_one),
		ON_A_NETWORK(what_a_replica_does_not_use_others_may),
		ON_A_NETWORK(the_first_pass_and_the_others_do_not),
		ON_A_NETWORK(far_below_a_limit_nothing_is_said),
		ON_A_NETWORK(few_words_are_enough_for_many_requests),
		ON_A_NETWORK(windows_of_several_units_are_the_same_for_all),
		ON_A_NETWORK(bytes_count_wherever_they_moved),
		ON_A_NETWORK(limits_that_refuse_nobody_are_not_talked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
