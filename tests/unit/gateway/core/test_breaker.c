#include "gateway/core/breaker.h"
#include "tests/support/unit.h"

static const struct contract_breaker quarter = {
	.window_ms = 10000, .bucket_ms = 1000, .volume = 4, .percent = 25, .reset_ms = 5000
};

static struct breaker a_breaker(void)
{
	struct breaker b;

	breaker_init(&b, &quarter);
	return b;
}

static bool allows(struct breaker *b, int64_t now_ms)
{
	bool is_trial;

	return breaker_allows(b, now_ms, &is_trial);
}

static void tell(struct breaker *b, const char *outcomes, int64_t now_ms)
{
	for (; *outcomes; outcomes++)
		breaker_tell(b,
			*outcomes == 'f'   ? BREAKER_FAILURE
			: *outcomes == 's' ? BREAKER_SUCCESS
					   : BREAKER_NOTHING,
			false, now_ms);
}

static void it_opens_above_the_part_that_may_fail(void **state)
{
	struct breaker b = a_breaker();

	(void)state;
	tell(&b, "sssf", 1000);
	assert_true(allows(&b, 1000));
	tell(&b, "f", 1000);
	assert_false(allows(&b, 1000));
}

static void a_few_calls_say_nothing(void **state)
{
	struct breaker b = a_breaker();

	(void)state;
	tell(&b, "fff-----", 1000);
	assert_true(allows(&b, 1000));
	tell(&b, "f", 1000);
	assert_false(allows(&b, 1000));
}

static void old_failures_are_forgotten(void **state)
{
	struct breaker b = a_breaker();

	(void)state;
	tell(&b, "fff", 1000);
	tell(&b, "f", 11000);
	assert_true(allows(&b, 11000));
	tell(&b, "ff", 19000);
	assert_true(allows(&b, 19000));
	tell(&b, "f", 20999);
	assert_false(allows(&b, 20999));
}

static void after_a_while_one_call_tries(void **state)
{
	struct breaker b = a_breaker();
	bool is_trial;

	(void)state;
	tell(&b, "ffff", 1000);
	assert_false(allows(&b, 5999));
	assert_true(breaker_allows(&b, 6000, &is_trial));
	assert_true(is_trial);
	assert_false(allows(&b, 6000));
	breaker_tell(&b, BREAKER_FAILURE, true, 7000);
	assert_false(allows(&b, 11999));
	assert_true(breaker_allows(&b, 12000, &is_trial));
	breaker_tell(&b, BREAKER_SUCCESS, true, 12000);
	assert_true(allows(&b, 12000));
	tell(&b, "fff", 12000);
	assert_true(allows(&b, 12000));
}

static void a_trial_without_an_outcome_leaves_its_turn_to_the_next(void **state)
{
	struct breaker b = a_breaker();
	bool is_trial;

	(void)state;
	tell(&b, "ffff", 1000);
	assert_true(breaker_allows(&b, 6000, &is_trial));
	breaker_tell(&b, BREAKER_NOTHING, true, 6500);
	assert_true(breaker_allows(&b, 6500, &is_trial) && is_trial);
}

static void calls_from_before_it_opened_end_no_trial(void **state)
{
	struct breaker b = a_breaker();
	bool is_trial;

	(void)state;
	tell(&b, "ffff", 1000);
	assert_true(breaker_allows(&b, 6000, &is_trial));
	tell(&b, "sf", 6500);
	assert_false(allows(&b, 6500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_above_the_part_that_may_fail),
		cmocka_unit_test(a_few_calls_say_nothing),
		cmocka_unit_test(old_failures_are_forgotten),
		cmocka_unit_test(after_a_while_one_call_tries),
		cmocka_unit_test(a_trial_without_an_outcome_leaves_its_turn_to_the_next),
		cmocka_unit_test(calls_from_before_it_opened_end_no_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
