#include "gateway/core/balance.h"
#include "tests/support/unit.h"

static struct balance of_three(bool failover)
{
	const struct contract_endpoint e = { .n_urls = 3, .failover = failover };
	struct balance b;

	balance_init(&b, &e);
	return b;
}

static void targets_take_turns_from_the_first_on(void **state)
{
	struct balance b = of_three(false);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(balance_pick(&b, 0, 1000), i % 3);
}

static void a_target_that_failed_is_left_out_for_a_while(void **state)
{
	struct balance b = of_three(false);

	(void)state;
	balance_failed(&b, 0, 1000);
	assert_int_equal(balance_pick(&b, 0, 1000), 1);
	assert_int_equal(balance_pick(&b, 0, 1000), 2);
	assert_int_equal(balance_pick(&b, 0, 5999), 1);
	assert_int_equal(balance_pick(&b, 0, 6000), 2);
	assert_int_equal(balance_pick(&b, 0, 6000), 0);
}

static void one_that_works_again_is_back_at_once(void **state)
{
	struct balance b = of_three(false);

	(void)state;
	balance_failed(&b, 0, 1000);
	balance_worked(&b, 0);
	assert_int_equal(balance_pick(&b, 0, 1000), 0);
}

static void when_all_failed_any_is_tried(void **state)
{
	struct balance b = of_three(false);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		balance_failed(&b, i, 1000);
	assert_int_equal(balance_pick(&b, 0, 1000), 0);
	assert_int_equal(balance_pick(&b, 1 << 0, 1000), 1);
	assert_int_equal(balance_pick(&b, 1 << 0 | 1 << 1, 1000), 2);
	assert_true(balance_pick(&b, 7, 1000) == SIZE_MAX);
}

static void failover_stays_with_what_works(void **state)
{
	struct balance b = of_three(true);

	(void)state;
	assert_int_equal(balance_pick(&b, 0, 1000), 0);
	assert_int_equal(balance_pick(&b, 0, 1000), 0);
	balance_failed(&b, 0, 1000);
	assert_int_equal(balance_pick(&b, 1 << 0, 1000), 1);
	balance_worked(&b, 1);
	assert_int_equal(balance_pick(&b, 0, 100000), 1);
	balance_failed(&b, 1, 100000);
	assert_int_equal(balance_pick(&b, 0, 100000), 2);
	balance_failed(&b, 2, 100000);
	assert_int_equal(balance_pick(&b, 0, 100000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_take_turns_from_the_first_on),
		cmocka_unit_test(a_target_that_failed_is_left_out_for_a_while),
		cmocka_unit_test(one_that_works_again_is_back_at_once),
		cmocka_unit_test(when_all_failed_any_is_tried),
		cmocka_unit_test(failover_stays_with_what_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
