#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/fiber.h"
#include "tests/support/unit.h"

struct story {
	char *text; /* what happened, in order */
	char letter;
	int waits;
};

static void tell(void *arg)
{
	struct story *s = arg;

	for (int i = 0; i <= s->waits; i++) {
		size_t n = strlen(s->text);

		s->text[n] = s->letter;
		s->text[n + 1] = '\0';
		if (i < s->waits)
			fiber_wait();
	}
}

static void fibers_take_turns(void **state UNUSED)
{
	char text[32] = "";
	struct story a = { text, 'a', 2 };
	struct story b = { text, 'b', 1 };
	struct fiber *fa = fiber_new();
	struct fiber *fb = fiber_new();

	assert_true(fiber_start(fa, tell, &a));
	assert_true(fiber_start(fb, tell, &b));
	assert_true(fiber_resume(fa));
	assert_false(fiber_resume(fb));
	assert_false(fiber_resume(fa));
	assert_string_equal(text, "ababa");
	fiber_free(fa);
	fiber_free(fb);
}

static void look_inside(void *arg)
{
	*(bool *)arg = fiber_inside();
}

static void code_knows_whether_it_runs_in_one(void **state UNUSED)
{
	struct fiber *f = fiber_new();
	bool inside = false;

	assert_false(fiber_inside());
	assert_false(fiber_start(f, look_inside, &inside));
	assert_true(inside);
	assert_false(fiber_inside());
	fiber_free(f);
}

static void use_much_stack(void *arg)
{
	volatile char much[512 * 1024];

	for (size_t i = 0; i < sizeof(much); i += 4096)
		much[i] = 1;
	fiber_wait();
	*(int *)arg += much[4096];
}

static void one_that_has_ended_can_rest_and_start_again(void **state UNUSED)
{
	struct fiber *f = fiber_new();
	int sum = 0;

	for (int i = 0; i < 100; i++) {
		assert_true(fiber_start(f, use_much_stack, &sum));
		fiber_rest(f); /* not while it waits */
		assert_false(fiber_resume(f));
		fiber_rest(f);
	}
	assert_int_equal(sum, 100);
	fiber_free(f);
	fiber_free(NULL);
}

static void one_that_waits_can_be_ended_and_start_again(void **state UNUSED)
{
	struct fiber *f = fiber_new();
	int sum = 0;

	for (int i = 0; i < 3; i++) {
		assert_true(fiber_start(f, use_much_stack, &sum));
		fiber_drop(f);
	}
	assert_int_equal(sum, 0);
	fiber_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fibers_take_turns),
		cmocka_unit_test(code_knows_whether_it_runs_in_one),
		cmocka_unit_test(one_that_has_ended_can_rest_and_start_again),
		cmocka_unit_test(one_that_waits_can_be_ended_and_start_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
