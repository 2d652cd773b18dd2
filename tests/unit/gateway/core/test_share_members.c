/* Shared limits while replicas come, leave and die. */
#include "tests/support/replicas.h"
#include "tests/support/unit.h"

static void a_replica_that_comes_counts_at_once(void **state)
{
	struct limit l = net_limit(300);
	int64_t passed;

	(void)state;
	for (uint64_t key = 1; key < 10; key++) {
		net_begin_again();
		net_meet(2);
		passed = net_passing(0, 2, &l, key, 150);
		net_come(2);
		net_pass_time(600);
		assert_int_equal(share_members(&net.at[0].share), 3);
		passed += net_passing(0, 3, &l, key, 400);
		assert_int_equal(passed, 300);
	}
}

static void a_replica_is_met_before_the_name_has_it(void **state)
{
	unsigned char others[1][ADDRESS_BYTES];

	(void)state;
	net_meet(2);
	net_start(2);
	memcpy(others[0], net.at[0].address, ADDRESS_BYTES);
	net.at[2].share.now_ms = net.now_ms;
	assert_true(share_list(&net.at[2].share, (const unsigned char(*)[ADDRESS_BYTES])others, 1));
	net_pass_time(200);
	assert_int_equal(share_members(&net.at[0].share), 3);
	assert_int_equal(share_members_away(&net.at[2].share), 0);
}

static void what_a_killed_replica_had_is_not_handed_out_again(void **state)
{
	struct limit l = net_limit(300);
	int64_t passed;
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(0);
	passed = net_passing(0, 3, &l, key, 150);
	assert_int_equal(passed, 150);
	net.at[2].is_up = false;
	/* It may be well and alone: its part is kept for it. */
	net_pass_time(SHARE_AWAY_MS + 500);
	assert_int_equal(share_members_away(&net.at[0].share), 1);
	passed += net_passing(0, 2, &l, key, 300);
	assert_in_range(passed, 200, 300);
	/* Not once the name does not have it any more. */
	net_list();
	assert_int_equal(share_members(&net.at[0].share), 2);
	passed += net_passing(0, 2, &l, key, 300);
	assert_in_range(passed, 290, 300);
}

static void another_owner_learns_what_was_handed_out(void **state)
{
	struct limit l = net_limit(300);
	int64_t by_owner = 0;
	int64_t passed = 0;
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	for (int i = 0; i < 150; i++) {
		bool ok = net_passes((size_t)i % 3, &l, key);

		passed += ok;
		by_owner += ok && i % 3 == 2;
	}
	net.at[2].is_up = false;
	net_list();
	net_pass_time(SHARE_AWAY_MS + 500);
	assert_int_equal(share_members(&net.at[0].share), 2);
	passed += net_passing(0, 2, &l, key, 600);
	/* Only what the owner itself passed is forgotten. */
	assert_in_range(passed, 290, 300 + by_owner);
	assert_in_range(passed - by_owner, 240, 300);
}

static void an_owner_that_leaves_takes_nothing_along(void **state)
{
	struct limit l = net_limit(300);
	int64_t passed;
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(2);
	passed = net_passing(0, 3, &l, key, 150);
	net_leave(2, 200);
	net_pass_time(SHARE_AWAY_MS + 500);
	assert_int_equal(share_members(&net.at[0].share), 2);
	passed += net_passing(0, 2, &l, key, 300);
	assert_in_range(passed, 280, 300);
}

/* Those that are asked then have not known it, or do not own what it was counted in. */
static void what_a_replica_had_that_left_is_known_to_an_owner_that_comes(void **state)
{
	struct limit l = net_limit(60);

	(void)state;
	for (uint64_t key = 1; key < 40; key++) {
		net_begin_again();
		net_meet(3);
		assert_int_equal(net_passing(0, 3, &l, key, 90), 60);
		net.at[2].share.is_leaving = true;
		net_pass_time(1000);
		net.at[2].is_up = false;
		net.at[2].is_cached = true;
		net_list();
		net_pass_time(1500);
		net_come(3);
		net_pass_time(1000);
		assert_int_equal(
			net_passing(3, 1, &l, key, 60) + net_passing(0, 2, &l, key, 60), 0);
		net_pass_time(3000);
		assert_int_equal(
			net_passing(0, 2, &l, key, 60) + net_passing(3, 1, &l, key, 60), 0);
		net.at[2].is_cached = false;
		net_list();
		net_pass_time(500);
		assert_int_equal(
			net_passing(0, 2, &l, key, 60) + net_passing(3, 1, &l, key, 60), 0);
	}
}

/* Who owns the counter at the end was there with none of those that owned it before. */
static void all_may_be_replaced_in_one_window(void **state)
{
	struct limit l = net_limit(600);

	(void)state;
	for (uint64_t key = 1; key < 40; key++) {
		int64_t passed;

		net_begin_again();
		net_meet(2);
		passed = net_passing(0, 2, &l, key, 200);
		for (size_t i = 0; i < 2; i++) {
			net_come(i + 2);
			net_pass_time(300);
			passed += net_passing(i, 3, &l, key, 60);
			net.at[i].share.is_leaving = true;
			net_pass_time(200);
			passed += net_passing(i, 3, &l, key, 60);
			net.at[i].is_up = false;
			net_list();
			net_pass_time(SHARE_AWAY_MS + 500);
		}
		passed += net_passing(2, 2, &l, key, 600);
		assert_in_range(passed, 570, 600);
	}
}

/* The others still count it as one of them, and will not be asked again before all is used. */
static void what_a_replica_had_that_ended_is_known_to_one_that_comes_at_once(void **state)
{
	struct limit l = net_limit(600);

	(void)state;
	for (uint64_t key = 1; key < 40; key++) {
		int64_t passed;

		net_begin_again();
		net_meet(2);
		passed = net_passing(0, 2, &l, key, 200);
		net_leave(0, 200);
		net_pass_time(200);
		net_come(2);
		net_pass_time(300);
		assert_int_equal(share_members(&net.at[1].share), 3);
		net.at[1].share.is_leaving = true;
		net_pass_time(100);
		passed += net_passing(1, 2, &l, key, 600);
		assert_in_range(passed, 570, 600);
	}
}

static void who_has_not_met_the_others_owns_nothing(void **state)
{
	(void)state;
	net_meet(2);
	net.at[1].is_cut = true;
	net_come(2);
	net_pass_time(SHARE_AWAY_MS - 200);
	assert_false(share_is_met(&net.at[2].share));
	assert_true(share_is_guest(&net.at[2].share));
	net_pass_time(300);
	assert_true(share_is_met(&net.at[2].share));
	assert_false(share_is_guest(&net.at[2].share));
}

/* The name server may be the one that is away. */
static void who_cannot_look_up_the_others_waits_to_be_heard(void **state)
{
	(void)state;
	net_meet(2);
	net_start(2);
	share_list_failed(&net.at[2].share);
	net_pass_time(SHARE_AWAY_MS - 200);
	assert_false(share_is_met(&net.at[2].share));
	net_pass_time(300);
	assert_true(share_is_met(&net.at[2].share));
}

static void a_replica_that_begins_anew_gets_nothing_twice(void **state)
{
	struct limit l = net_limit(300);
	int64_t passed;
	uint64_t key;

	(void)state;
	net_meet(3);
	key = net_key_of(0);
	passed = net_passing(0, 3, &l, key, 240);
	net_start(1); /* at the same address, with no memory */
	net_list();
	net_pass_time(600);
	passed += net_passing(0, 3, &l, key, 300);
	assert_in_range(passed, 290, 300);
}

static void more_replicas_than_there_is_room_for_are_told(void **state)
{
	unsigned char many[SHARE_MEMBERS + 1][ADDRESS_BYTES] = { { 0 } };

	(void)state;
	net_start(0);
	for (size_t i = 0; i <= SHARE_MEMBERS; i++)
		many[i][15] = (unsigned char)(i + 100);
	assert_false(share_list(
		&net.at[0].share, (const unsigned char(*)[ADDRESS_BYTES])many, SHARE_MEMBERS + 1));
	assert_int_equal(share_members(&net.at[0].share), SHARE_MEMBERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_NETWORK(a_replica_that_comes_counts_at_once),
		ON_A_NETWORK(a_replica_is_met_before_the_name_has_it),
		ON_A_NETWORK(what_a_killed_replica_had_is_not_handed_out_again),
		ON_A_NETWORK(another_owner_learns_what_was_handed_out),
		ON_A_NETWORK(an_owner_that_leaves_takes_nothing_along),
		ON_A_NETWORK(what_a_replica_had_that_left_is_known_to_an_owner_that_comes),
		ON_A_NETWORK(all_may_be_replaced_in_one_window),
		ON_A_NETWORK(what_a_replica_had_that_ended_is_known_to_one_that_comes_at_once),
		ON_A_NETWORK(who_has_not_met_the_others_owns_nothing),
		ON_A_NETWORK(who_cannot_look_up_the_others_waits_to_be_heard),
		ON_A_NETWORK(a_replica_that_begins_anew_gets_nothing_twice),
		ON_A_NETWORK(more_replicas_than_there_is_room_for_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
