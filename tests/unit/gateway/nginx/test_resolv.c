#include "gateway/nginx/resolv.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void the_file_of_a_pod_is_read(void **state)
{
	struct resolv r;

	(void)state;
	resolv_parse(a,
		"search shop.svc.cluster.local svc.cluster.local cluster.local\n"
		"nameserver 10.96.0.10\noptions ndots:5 timeout:2\n",
		&r);
	assert_int_equal(r.n_servers, 1);
	assert_string_equal(r.servers[0], "10.96.0.10");
	assert_int_equal(r.n_search, 3);
	assert_string_equal(r.search[0], "shop.svc.cluster.local");
	assert_int_equal(r.ndots, 5);
}

static void an_empty_file_means_one_dot_and_nothing_else(void **state)
{
	struct resolv r;

	(void)state;
	resolv_parse(a, "", &r);
	assert_int_equal(r.n_servers, 0);
	assert_int_equal(r.n_search, 0);
	assert_int_equal(r.ndots, 1);
}

static void comments_blanks_and_nonsense_are_skipped(void **state)
{
	struct resolv r;

	(void)state;
	resolv_parse(a,
		"# nameserver 1.1.1.1\n;x\n\n   \nnameserver\nfrobnicate 3\n"
		"\tnameserver\t1.2.3.4 # here\r\noptions ndots:x rotate\nsearch . a.test. # b",
		&r);
	assert_int_equal(r.n_servers, 1);
	assert_string_equal(r.servers[0], "1.2.3.4");
	assert_int_equal(r.n_search, 1);
	assert_string_equal(r.search[0], "a.test");
	assert_int_equal(r.ndots, 1);
}

static void the_last_search_line_counts_and_bounds_hold(void **state)
{
	struct resolv r;

	(void)state;
	resolv_parse(a,
		"search old.test\nsearch 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"
		"nameserver 1\nnameserver 2\nnameserver 3\nnameserver 4\noptions ndots:99",
		&r);
	assert_int_equal(r.n_search, RESOLV_MAX_SEARCH);
	assert_string_equal(r.search[0], "1");
	assert_int_equal(r.n_servers, RESOLV_MAX_SERVERS);
	assert_int_equal(r.ndots, 15);
}

static void a_short_name_goes_through_the_search_list_first(void **state)
{
	struct resolv r;
	const char **names;

	(void)state;
	resolv_parse(a, "search a.test b.test\noptions ndots:5", &r);
	names = resolv_candidates(a, &r, "products");
	assert_string_equal(names[0], "products.a.test");
	assert_string_equal(names[1], "products.b.test");
	assert_string_equal(names[2], "products");
	assert_null(names[3]);
}

static void a_name_with_enough_dots_is_asked_for_first(void **state)
{
	struct resolv r;
	const char **names;

	(void)state;
	resolv_parse(a, "search a.test\noptions ndots:2", &r);
	names = resolv_candidates(a, &r, "x.y.z");
	assert_string_equal(names[0], "x.y.z");
	assert_string_equal(names[1], "x.y.z.a.test");
	assert_null(names[2]);
}

static void a_name_with_a_dot_at_the_end_is_complete(void **state)
{
	struct resolv r;
	const char **names;

	(void)state;
	resolv_parse(a, "search a.test\noptions ndots:5", &r);
	names = resolv_candidates(a, &r, "api.example.");
	assert_string_equal(names[0], "api.example");
	assert_null(names[1]);
}

static void the_hosts_file_gives_all_addresses_of_a_name(void **state)
{
	static const char text[] = "127.0.0.1 localhost\n# 9.9.9.9 shop\n10.0.0.1 x SHOP y\n"
				   "::1\tshop # ipv6\n10.0.0.2 shopping\n10.0.0.3";
	const char **found;

	(void)state;
	found = resolv_hosts(a, text, "shop");
	assert_string_equal(found[0], "10.0.0.1");
	assert_string_equal(found[1], "::1");
	assert_null(found[2]);
	assert_null(resolv_hosts(a, text, "10.0.0.3")[0]);
	assert_null(resolv_hosts(a, "", "shop")[0]);
}

static void a_file_that_is_not_there_is_empty(void **state)
{
	(void)state;
	assert_string_equal(resolv_read(a, "/nonexistent/file"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_file_of_a_pod_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_empty_file_means_one_dot_and_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			comments_blanks_and_nonsense_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_last_search_line_counts_and_bounds_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_short_name_goes_through_the_search_list_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_with_enough_dots_is_asked_for_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_with_a_dot_at_the_end_is_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_hosts_file_gives_all_addresses_of_a_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_not_there_is_empty, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
