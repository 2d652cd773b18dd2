#include "gateway/core/contract.h"
#include "gateway/core/script.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* Golden contracts are valid ones. */
static const char valid[] = "tests/golden/toolkit/hooks/contract.json";

/* The contract with one text of it replaced. */
static char *with(struct arena *a, const char *from, const char *to)
{
	const char *text = test_file(a, valid, NULL);
	const char *at = strstr(text, from);

	assert_non_null(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void assert_refused(const char *from, const char *to, const char *why)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = with(a, from, to);
	struct err err = { .msg = "accepted" };

	if (contract_load(a, text, strlen(text), &err) || !strstr(err.msg, why))
		fail_msg("%s: %s, expected %s", to, err.msg, why);
}

static void scripts_are_found_by_their_numbers(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct contract *c = a_contract(a, test_file(a, valid, NULL));
	const struct contract_path *p = &c->apis[0].paths[0];

	assert_int_equal(c->scripts.n, 4);
	assert_int_equal(c->scripts.ms, 10);
	assert_int_equal(c->scripts.kilobytes, 1024);
	assert_ptr_equal(c->apis[0].hooks.request, &c->scripts.at[0]);
	assert_ptr_equal(c->apis[0].hooks.response, &c->scripts.at[1]);
	assert_null(p->operations[0].hooks.request);
	assert_string_equal(p->operations[0].hooks.response->text, "response.status = 202");
	assert_ptr_equal(c->apis[0].paths[1].operations[0].hooks.request, &c->scripts.at[0]);
}

static void a_contract_without_hooks_says_nothing_of_them(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct contract *c =
		a_contract(a, test_file(a, "tests/golden/toolkit/article/contract.json", NULL));

	assert_int_equal(c->scripts.n, 0);
	assert_null(c->apis[0].hooks.request);
	assert_null(json_get(contract_json(a, c), "hooks"));
}

static void numbers_without_a_script_are_refused(void **state UNUSED)
{
	assert_refused("\"requestHook\":\t3", "\"requestHook\":\t4", "requestHook: expected");
	assert_refused("\"requestHook\":\t3", "\"requestHook\":\t-1", "requestHook: expected");
	assert_refused(
		"\"responseHook\":\t1", "\"responseHook\":\t\"1\"", "responseHook: expected");
}

static void bounds_are_checked(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *longest = arena_alloc(a, SCRIPT_MAX_BYTES + 2);

	memset(longest, '-', SCRIPT_MAX_BYTES + 1);
	assert_refused("\"milliseconds\":\t10", "\"milliseconds\":\t0", "milliseconds");
	assert_refused("\"milliseconds\":\t10", "\"milliseconds\":\t51", "milliseconds");
	assert_refused("\"kilobytes\":\t1024", "\"kilobytes\":\t63", "kilobytes");
	assert_refused("\"kilobytes\":\t1024", "\"kilobytes\":\t16385", "kilobytes");
	assert_refused("\"kilobytes\":\t1024", "\"kilobyte\":\t1024", "unknown field");
	assert_refused("\"response.status = 202\"", "7", "hooks.scripts");
	assert_refused("response.status = 202", longest, "hooks.scripts");
}

static size_t asked(const char *text, uint32_t kilobytes)
{
	struct err err = { .msg = "" };
	size_t n = 1;

	if (!script_asks(text, kilobytes, &n, &err))
		fail_msg("%s: %s", text, err.msg);
	return n;
}

static void a_first_line_asks_for_bodies(void **state UNUSED)
{
	assert_int_equal(asked("--! body", 1024), 64 * 1024);
	assert_int_equal(asked("--!body \r\nreturn nil", 1024), 64 * 1024);
	assert_int_equal(asked("--! body 1 kB\n", 64), 1024);
	assert_int_equal(asked("--!\tbody\t512kB \n", 1024), 512 * 1024);
	assert_int_equal(asked("--! body 1024 kB", 2048), 1024 * 1024);
	assert_int_equal(asked("-- body", 1024), 0);
	assert_int_equal(asked("", 1024), 0);
	assert_int_equal(asked("return 1\n--! body", 1024), 0);
}

static void a_first_line_that_asks_for_something_else_is_refused(void **state UNUSED)
{
	static const char *const wrong[] = { "--!", "--! bodies", "--! body 0 kB",
		"--! body 1025 kB", "--! body 99999999999999999999 kB", "--! body 64",
		"--! body 64 KB", "--! body -1 kB", "--! body 1.5 kB", "--! body kB",
		"--! body 64 kB please", "--! BODY", "--! body; x" };
	struct err err;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		err = (struct err){ .msg = "accepted" };
		if (script_asks(wrong[i], 16384, &n, &err) ||
			!str_starts(err.msg, "line 1: expected"))
			fail_msg("%s: %s", wrong[i], err.msg);
	}
	assert_false(script_asks("--! body 513 kB", 1024, &n, &err));
	assert_string_equal(err.msg,
		"line 1: asks for bodies of 513 kB, with hookKilobytes 1024 it may ask for 512");
	assert_refused("response.status = 202", "--! bodies",
		"hooks.scripts[2]: line 1: expected \"--! body\"");
}

static void of_two_scripts_the_smaller_bound_counts(void **state UNUSED)
{
	const struct contract_script none = { .text = "" };
	const struct contract_script small = { .text = "", .body = 1 };
	const struct contract_script large = { .text = "", .body = 2 };

	assert_int_equal(script_least_body(NULL, NULL), 0);
	assert_int_equal(script_least_body(&none, NULL), 0);
	assert_int_equal(script_least_body(&none, &large), 2);
	assert_int_equal(script_least_body(&large, NULL), 2);
	assert_int_equal(script_least_body(&small, &large), 1);
	assert_int_equal(script_least_body(&large, &small), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_are_found_by_their_numbers),
		cmocka_unit_test(a_contract_without_hooks_says_nothing_of_them),
		cmocka_unit_test(numbers_without_a_script_are_refused),
		cmocka_unit_test(bounds_are_checked),
		cmocka_unit_test(a_first_line_asks_for_bodies),
		cmocka_unit_test(a_first_line_that_asks_for_something_else_is_refused),
		cmocka_unit_test(of_two_scripts_the_smaller_bound_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
