#include "gateway/core/route.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* A contract of paths only; operations do not matter here. */
static struct contract_api an_api(
	struct arena *a, const char *base, const char *const *paths, size_t n)
{
	struct contract_api api = { .base_path = base, .n_paths = n };

	api.paths = arena_alloc(a, n * sizeof(*api.paths));
	for (size_t i = 0; i < n; i++)
		api.paths[i].template = paths[i];
	return api;
}

static const char *found(struct arena *a, const struct contract *c, const char *target)
{
	const struct route_table *table = route_table_new(a, c);
	struct target t;
	struct route r;
	const char *why;

	if (!target_read(a, (struct span){ target, strlen(target) }, &t, &why))
		return why;
	route_find(table, &t, &r);
	if (!r.api)
		return "no api";
	return r.path ? arena_printf(a, "%s%s", r.api->base_path, r.path->template) : "no path";
}

static void each_of_many_literals_is_found_and_nothing_else(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	enum {
		MANY = 3000
	};
	const char *paths[MANY];
	struct contract_api api;
	struct contract c = { .apis = &api, .n_apis = 1 };
	const struct route_table *table;

	for (int i = 0; i < MANY; i++)
		paths[i] = arena_printf(a, "/r%d/x", i * 7919 % MANY);
	api = an_api(a, "/b", paths, MANY);
	table = route_table_new(a, &c);
	for (int i = 0; i < 2 * MANY; i++) {
		const char *path = arena_printf(a, "/b/r%d/x", i);
		struct target t;
		struct route r;
		const char *why;

		assert_true(target_read(a, (struct span){ path, strlen(path) }, &t, &why));
		route_find(table, &t, &r);
		assert_int_equal(r.path != NULL, i < MANY);
		if (r.path)
			assert_string_equal(r.path->template, path + 2);
	}
}

static void literals_go_before_parameters_and_those_before_the_rest(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const paths[] = { "/", "/p", "/p/{id}", "/p/top", "/p/{id}/x",
		"/p/top/y", "/{any}/z", "/f/*", "/f/a", "/p/{id}/x/*" };
	struct contract_api api = an_api(a, "/b", paths, ARRAY_LEN(paths));
	struct contract c = { .apis = &api, .n_apis = 1 };
	static const char *const cases[][2] = {
		{ "/b", "/b/" },
		{ "/b/", "/b/" },
		{ "/b?x", "/b/" },
		{ "/b/p", "/b/p" },
		{ "/b/p/", "/b/p" },
		{ "/b/p/1", "/b/p/{id}" },
		{ "/b/p/top", "/b/p/top" },
		{ "/b/p/top/", "/b/p/top" },
		{ "/b/p/top/y", "/b/p/top/y" },
		{ "/b/p/top/x", "/b/p/{id}/x" },
		{ "/b/p/top/x/1/2", "/b/p/{id}/x/*" },
		{ "/b/p/1/y", "no path" },
		{ "/b/p/z", "/b/p/{id}" },
		{ "/b/q/z", "/b/{any}/z" },
		{ "/b/f/z", "/b/f/*" },
		{ "/b/f", "/b/f/*" },
		{ "/b/f/", "/b/f/*" },
		{ "/b/f/a", "/b/f/a" },
		{ "/b/f/a/b", "/b/f/*" },
		{ "/b/f/b//c", "no path" },
		{ "/b/f//", "no path" },
		{ "/b//p", "no path" },
		{ "/b/P", "no path" },
		{ "/c", "no api" },
		{ "/", "no api" },
		{ "/bb", "no api" },
		{ "/b/p/%74op", "/b/p/top" },
		{ "/b/p/{id}", "/b/p/{id}" },
		{ "/b/p/*", "/b/p/{id}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (!str_eq(found(a, &c, cases[i][0]), cases[i][1]))
			fail_msg("%s: %s, expected %s", cases[i][0], found(a, &c, cases[i][0]),
				cases[i][1]);
}

static void parts_of_segments_go_between_literals_and_whole_parameters(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const paths[] = { "/{id}", "/{id}.json", "/{id}.v2.json", "/top.json",
		"/x{id}", "/{id}.json/a", "/{a}/b", "/{from}...{to}" };
	struct contract_api api = an_api(a, "/b", paths, ARRAY_LEN(paths));
	struct contract c = { .apis = &api, .n_apis = 1 };
	static const char *const cases[][2] = {
		{ "/b/1", "/b/{id}" },
		{ "/b/1.json", "/b/{id}.json" },
		{ "/b/.json", "/b/{id}" },
		{ "/b/1.v2.json", "/b/{id}.v2.json" },
		{ "/b/top.json", "/b/top.json" },
		{ "/b/x1", "/b/x{id}" },
		{ "/b/x1.json", "/b/{id}.json" },
		{ "/b/x1%2Ejson", "/b/{id}.json" },
		{ "/b/1.json/a", "/b/{id}.json/a" },
		{ "/b/1.json/b", "/b/{a}/b" },
		{ "/b/1.json/c", "no path" },
		{ "/b/1...2", "/b/{from}...{to}" },
		{ "/b/...", "/b/{id}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (!str_eq(found(a, &c, cases[i][0]), cases[i][1]))
			fail_msg("%s: %s, expected %s", cases[i][0], found(a, &c, cases[i][0]),
				cases[i][1]);
}

static void the_longest_base_path_wins(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const short_paths[] = { "/v1/x", "/{y}", "/v2/z" };
	static const char *const long_paths[] = { "/p" };
	static const char *const root_paths[] = { "/{anything}" };
	struct contract_api apis[] = {
		an_api(a, "/s", short_paths, 3),
		an_api(a, "/s/v1", long_paths, 1),
		an_api(a, "", root_paths, 1),
	};
	struct contract c = { .apis = apis, .n_apis = ARRAY_LEN(apis) };

	(void)state;
	assert_string_equal(found(a, &c, "/s/v1/p"), "/s/v1/p");
	assert_string_equal(found(a, &c, "/s/v1/x"), "no path");
	assert_string_equal(found(a, &c, "/s/v2/z"), "/s/v2/z");
	assert_string_equal(found(a, &c, "/s/v2"), "/s/{y}");
	assert_string_equal(found(a, &c, "/other"), "/{anything}");
	assert_string_equal(found(a, &c, "/"), "no path");
}

static void many_literals_are_all_found(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char **paths = arena_alloc(a, 3000 * sizeof(*paths));
	const struct route_table *table;
	struct contract_api api;
	struct contract c = { .apis = &api, .n_apis = 1 };

	(void)state;
	for (int i = 0; i < 3000; i++)
		paths[i] = arena_printf(a, "/r%d/{id}/%d", i * 7919 % 3000, i);
	api = an_api(a, "/big", paths, 3000);
	table = route_table_new(a, &c);
	for (int i = 0; i < 3000; i++) {
		char *target = arena_printf(a, "/big/r%d/x/%d", i * 7919 % 3000, i);
		struct target t;
		struct route r;
		const char *why;

		assert_true(target_read(a, (struct span){ target, strlen(target) }, &t, &why));
		route_find(table, &t, &r);
		assert_ptr_equal(r.path, &api.paths[i]);
	}
}

static void ambiguous_targets_say_why(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract c = { 0 };
	static const char *const cases[][2] = {
		{ "", "no path" },
		{ "*", "no path" },
		{ "x/y", "no path" },
		{ "/a%2Fb", "encoded slash in the path" },
		{ "/a%5Cb", "backslash in the path" },
		{ "/a\\b", "backslash in the path" },
		{ "/a%00", "control character in the path" },
		{ "/a\tb", "control character in the path" },
		{ "/a b", "control character in the path" },
		{ "/a%7f", "control character in the path" },
		{ "/a;b", "path parameter" },
		{ "/a%3Bb", "path parameter" },
		{ "/a#b", "fragment in the path" },
		{ "/a%", "broken percent sequence" },
		{ "/a%f", "broken percent sequence" },
		{ "/a%fg", "broken percent sequence" },
		{ "/.", "dot segment in the path" },
		{ "/a/..", "dot segment in the path" },
		{ "/a/%2e./b", "dot segment in the path" },
		{ "/a?b c", "fragment or control character in the query" },
		{ "/a?b#c", "fragment or control character in the query" },
	};
	static const char *const clear[] = { "/...", "/.a", "/a.", "/a%20b", "/a%23b", "/a%3Fb",
		"/a?%00" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(found(a, &c, cases[i][0]), cases[i][1]);
	for (size_t i = 0; i < ARRAY_LEN(clear); i++)
		assert_string_equal(found(a, &c, clear[i]), "no api");
}

static void forwarding_keeps_the_query_and_encodes_the_rest(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span out = route_forward(
		a, (struct span){ "/a b/\xff%?#[]", 11 }, (struct span){ "?q=%zz", 6 });

	(void)state;
	assert_string_equal(out.at, "/a%20b/%FF%25%3F%23%5B%5D?q=%zz");
	assert_int_equal(out.n, strlen(out.at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_of_many_literals_is_found_and_nothing_else),
		cmocka_unit_test(literals_go_before_parameters_and_those_before_the_rest),
		cmocka_unit_test(parts_of_segments_go_between_literals_and_whole_parameters),
		cmocka_unit_test(the_longest_base_path_wins),
		cmocka_unit_test(many_literals_are_all_found),
		cmocka_unit_test(ambiguous_targets_say_why),
		cmocka_unit_test(forwarding_keeps_the_query_and_encodes_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
