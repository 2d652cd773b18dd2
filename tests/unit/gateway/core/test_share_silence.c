/* Shared limits while replicas are not heard. */
#include "tests/support/replicas.h"
#include "tests/support/unit.h"

static void an_owner_that_is_silent_delays_one_request_and_no_more(void **state)
{
	struct limit l = net_limit(300);
	uint64_t key;
	int64_t before;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	net.at[2].is_cut = true;
	before = net.now_ms;
	assert_int_equal(net_passing(0, 1, &l, key, 100), 100);
	assert_in_range(net.now_ms - before, SHARE_PATIENCE_MS, SHARE_PATIENCE_MS + 110);
	assert_int_equal(net_passing(0, 1, &l, key, 100), 0);
}

static void what_passed_without_a_word_of_the_owner_is_counted(void **state)
{
	struct limit l = net_limit(300);
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	assert_int_equal(net_passing(0, 3, &l, key, 150), 150);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(share_alone(&net.at[i].share), 0);
	net.at[2].is_cut = true;
	net_pass_time(SHARE_PATIENCE_MS);
	assert_true(net_passing(0, 1, &l, key, 100) > 0);
	assert_in_range(share_alone(&net.at[0].share), 1, 50);
	assert_int_equal(share_alone(&net.at[1].share), 0);
}

/* It may have waited for one that owned the counter before. */
static void who_must_not_wait_any_more_is_decided_without_the_others(void **state)
{
	struct limit l = net_limit(300);
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	net.at[2].is_cut = true;
	for (size_t i = 0; i <= 2; i += 2) {
		int n = 0;

		while (net_passes_at_once(i, &l, key))
			n++;
		assert_int_equal(n, 100);
	}
}

static void an_owner_that_falls_silent_was_heard(void **state)
{
	struct limit l = net_limit(300);
	uint64_t key;
	int64_t passed;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	passed = net_passing(0, 3, &l, key, 180);
	assert_int_equal(passed, 180);
	net.at[2].is_cut = true;
	/* A third of what was left for each; then one of them is the owner, and keeps a third for
	 * it. */
	passed += net_passing(0, 2, &l, key, 500);
	assert_in_range(passed, 180, 300);
	net_pass_time(SHARE_AWAY_MS + 500);
	passed += net_passing(0, 2, &l, key, 500);
	assert_in_range(passed, 240, 300);
}

static void an_owner_that_stood_still_asks_what_passed_meanwhile(void **state)
{
	struct limit l = net_limit(300);

	(void)state;
	for (int64_t before = 0; before <= 90; before += 30) {
		uint64_t key;
		int64_t passed;

		net_begin_again();
		net_meet(3);
		key = net_key_of(2);
		passed = net_passing(0, 3, &l, key, before);
		assert_int_equal(passed, before);
		net.at[2].is_frozen = true;
		for (size_t i = 0; i < 500; i++) /* faster than anybody is told */
			passed += net_passes(i % 2, &l, key);
		net.at[2].is_frozen = false;
		/* What was sent to it is still there. */
		net.at[2].share.now_ms = net.now_ms;
		net_deliver();
		passed += net_passing(2, 1, &l, key, 400);
		assert_in_range(passed, 200, 300);
	}
}

/* Its owner does not answer as long as one of them has not told what it holds. */
static void what_passed_without_an_answer_is_told(void **state)
{
	struct limit l = net_limit(30);

	(void)state;
	for (size_t owner = 0; owner < 2; owner++) {
		int64_t passed = 0;
		uint64_t key;

		net_begin_again();
		net_meet(3);
		key = net_key_of(owner);
		net.at[2].is_frozen = true;
		for (size_t i = 0; i < 100; i++)
			passed += net_passes(i % 2, &l, key);
		assert_int_equal(passed, 20);
		net.at[2].is_frozen = false;
		net_deliver();
		net_pass_time(100);
		passed += net_passing(2, 1, &l, key, 40);
		assert_int_equal(passed, 30);
	}
}

static void replicas_that_cannot_meet_have_their_parts(void **state)
{
	struct limit l = net_limit(300);
	int64_t passed = 0;

	(void)state;
	net_meet(3);
	net.at[0].is_cut = true;
	net_pass_time(SHARE_AWAY_MS + 500);
	for (uint64_t key = 1; key < 6; key++) {
		assert_int_equal(net_passing(0, 1, &l, key, 200), 100);
		assert_int_equal(net_passing(1, 2, &l, key, 400), 200);
	}
	/* And find together again. */
	net.at[0].is_cut = false;
	net_pass_time(1000);
	for (uint64_t key = 1; key < 6; key++)
		passed += net_passing(0, 3, &l, key, 100);
	assert_int_equal(passed, 0);
	net_pass_time(60000);
	assert_int_equal(net_passing(0, 3, &l, 1, 400), 300);
}

static void whatever_the_network_does_no_more_pass(void **state)
{
	struct limit l = net_limit(200);

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		int64_t passed;

		net_begin_again();
		net_meet(3);
		net.chance = seed;
		passed = net_passing(0, 3, &l, seed, 300);
		assert_in_range(passed, 150, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_NETWORK(an_owner_that_is_silent_delays_one_request_and_no_more),
		ON_A_NETWORK(what_passed_without_a_word_of_the_owner_is_counted),
		ON_A_NETWORK(who_must_not_wait_any_more_is_decided_without_the_others),
		ON_A_NETWORK(an_owner_that_falls_silent_was_heard),
		ON_A_NETWORK(an_owner_that_stood_still_asks_what_passed_meanwhile),
		ON_A_NETWORK(what_passed_without_an_answer_is_told),
		ON_A_NETWORK(replicas_that_cannot_meet_have_their_parts),
		ON_A_NETWORK(whatever_the_network_does_no_more_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
