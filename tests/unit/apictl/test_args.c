#include "apictl/args.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

enum {
	ADD = FLAG_NAME | FLAG_NAMESPACE | FLAG_FILE | FLAG_REPLICAS | FLAG_MODE | FLAG_OVERRIDE
};

static struct args args;
static struct err err;

/* Splits at spaces. */
static bool parse_as(struct arena *a, unsigned int flags, const char *line)
{
	char *copy = arena_dup(a, line);
	char *argv[16];
	int argc = 0;
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return args_parse(a, argc, argv, flags, &args, &err);
}

static void parses(struct arena *a, const char *line)
{
	bool ok = parse_as(a, ADD, line);

	if (!ok)
		print_message("%s: %s\n", line, err.msg);
	assert_true(ok);
}

static void refuses(struct arena *a, const char *line, const char *word)
{
	assert_false(parse_as(a, ADD, line));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, word));
}

static void n_without_a_name_is_the_name(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n online-store --from-file=x.yaml");
	assert_string_equal(args.name, "online-store");
	assert_null(args.ns);
	assert_int_equal(args.files.n, 1);
	assert_string_equal(args.files.at[0], "x.yaml");
	assert_int_equal(args.replicas, -1);
}

static void n_beside_a_name_is_the_namespace(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "online-store -n shop -f x.yaml");
	assert_string_equal(args.name, "online-store");
	assert_string_equal(args.ns, "shop");
	parses(a, "-n shop online-store");
	assert_string_equal(args.name, "online-store");
	assert_string_equal(args.ns, "shop");
	refuses(a, "online-store -n shop --namespace=other", "given twice");
}

static void n_of_a_command_without_a_name_is_the_namespace(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_true(parse_as(a, FLAG_NAMESPACE | FLAG_ALL_NAMESPACES, "-n shop first second"));
	assert_string_equal(args.ns, "shop");
	assert_null(args.name);
	assert_int_equal(args.names.n, 2);
}

static void a_dash_copied_from_a_web_page_is_two_hyphens(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n s \xe2\x80\x94 from-file=x.yaml");
	assert_string_equal(args.files.at[0], "x.yaml");
	parses(a, "-n s \xe2\x80\x94"
		  "from-file=x.yaml \xe2\x80\x93override");
	assert_string_equal(args.files.at[0], "x.yaml");
	assert_true(args.override);
	parses(a, "-n s \xe2\x80\x94");
	assert_string_equal(args.name, "s");
}

static void a_file_may_be_given_more_than_once(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n s --from-file=x.yaml --from-file y.yaml -f z.yaml");
	assert_int_equal(args.files.n, 3);
	assert_string_equal(args.files.at[2], "z.yaml");
}

static void a_value_may_hold_an_equals_sign(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n s --from-file=a=b.yaml");
	assert_string_equal(args.files.at[0], "a=b.yaml");
}

static void replicas_are_a_number_from_zero(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n s --replicas 3");
	assert_int_equal(args.replicas, 3);
	parses(a, "-n s --replicas=0");
	assert_int_equal(args.replicas, 0);
	refuses(a, "-n s --replicas=-1", "-1");
	refuses(a, "-n s --replicas=many", "many");
	refuses(a, "-n s --replicas=3x", "3x");
	refuses(a, "-n s --replicas=99999999999999999999", "not a number");
	refuses(a, "-n s --replicas", "expected a value");
}

static void override_is_yes_unless_it_says_no(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-n s --override");
	assert_true(args.override);
	parses(a, "-n s --override=true");
	assert_true(args.override);
	parses(a, "-n s --override=false");
	assert_false(args.override);
	refuses(a, "-n s --override=perhaps", "perhaps");
}

static void what_a_command_does_not_know_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	refuses(a, "-n s --verbose", "--verbose");
	refuses(a, "-n s -x", "-x");
	refuses(a, "-n s -xyz", "-xyz");
	refuses(a, "-n s --=", "--");
	refuses(a, "-n s -A", "-A");
	refuses(a, "-n", "expected a value");
	refuses(a, "-n=", "expected a value");
	refuses(a, "one two", "two");
}

static void help_is_known_everywhere(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_true(parse_as(a, 0, "--help"));
	assert_true(args.help);
	assert_true(parse_as(a, 0, "-h --kubeconfig=k --context c"));
	assert_string_equal(args.kubeconfig, "k");
	assert_string_equal(args.context, "c");
}

static void two_hyphens_end_the_flags(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	parses(a, "-f x.yaml -- -odd");
	assert_string_equal(args.name, "-odd");
	parses(a, "-");
	assert_string_equal(args.name, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(n_without_a_name_is_the_name),
		cmocka_unit_test(n_beside_a_name_is_the_namespace),
		cmocka_unit_test(n_of_a_command_without_a_name_is_the_namespace),
		cmocka_unit_test(a_dash_copied_from_a_web_page_is_two_hyphens),
		cmocka_unit_test(a_file_may_be_given_more_than_once),
		cmocka_unit_test(a_value_may_hold_an_equals_sign),
		cmocka_unit_test(replicas_are_a_number_from_zero),
		cmocka_unit_test(override_is_yes_unless_it_says_no),
		cmocka_unit_test(what_a_command_does_not_know_is_refused),
		cmocka_unit_test(help_is_known_everywhere),
		cmocka_unit_test(two_hyphens_end_the_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
