#include "gateway/core/cors.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* Golden contracts are valid ones. */
static const char valid[] = "tests/golden/toolkit/cors/contract.json";

/* "origin", "https://…", …, NULL */
static bool find(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const char *const *headers = arg;

	*ret_n = 0;
	for (; *headers; headers += 2)
		if (str_eq(headers[0], name) && (*ret_n)++ == 0)
			*ret = (struct span){ headers[1], strlen(headers[1]) };
	return *ret_n > 0;
}

static const struct contract_cors *shop(struct arena *a)
{
	return a_contract(a, test_file(a, valid, NULL))->apis[0].cors;
}

static void is(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.at, text, s.n);
}

static void a_listed_origin_is_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *headers[] = { "origin", "https://shop.example", NULL };
	const struct core_request r = { .header = find, .arg = headers };
	struct cors cors;

	(void)state;
	cors_simple(shop(a), &r, &cors);
	is(cors.origin, "https://shop.example");
	assert_true(cors.is_on && cors.credentials);
	assert_int_equal(cors.methods.n, 0);
}

static void another_origin_is_not(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const others[] = { "https://shop.exampl", "https://shop.example.",
		"http://shop.example", "", "*", "https://shop.example\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const char *headers[] = { "origin", others[i], NULL };
		const struct core_request r = { .header = find, .arg = headers };
		struct cors cors;

		cors_simple(shop(a), &r, &cors);
		assert_true(cors.is_on);
		assert_int_equal(cors.origin.n, 0);
		assert_false(cors.credentials);
	}
}

static struct cors preflight(struct arena *a, const char *method, const char *requested)
{
	const char *headers[] = { "origin", "https://shop.example", "access-control-request-method",
		method, "access-control-request-headers", requested, NULL };
	const struct core_request r = { .header = find, .arg = headers };
	struct cors cors;

	cors_preflight(a, shop(a), METHOD_GET | METHOD_DELETE, &r, &cors);
	return cors;
}

static void a_preflight_needs_a_method_and_headers_that_are_listed(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	is(preflight(a, "GET", "").methods, "GET, POST");
	is(preflight(a, "GET", " authorization ,, CONTENT-TYPE").headers,
		"Authorization, Content-Type");
	assert_int_equal(preflight(a, "POST", "").origin.n, 0);
	assert_int_equal(preflight(a, "DELETE", "").origin.n, 0);
	assert_int_equal(preflight(a, "get", "").origin.n, 0);
	assert_int_equal(preflight(a, "", "").origin.n, 0);
	assert_int_equal(preflight(a, "GET", "x-other").origin.n, 0);
	assert_int_equal(preflight(a, "GET", "content type").origin.n, 0);
}

static void a_contract_never_gives_credentials_to_every_origin(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *text = test_file(a, valid, NULL);
	char *at = strstr(text, "https://shop.example");
	const char *broken = arena_printf(
		a, "%.*s*%s", (int)(at - text), text, at + strlen("https://shop.example"));
	struct err err = { .msg = "" };

	(void)state;
	assert_null(contract_load(a, broken, strlen(broken), &err));
	assert_non_null(strstr(err.msg, "apis[0].cors: origins: expected no \"*\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_origin_is_named),
		cmocka_unit_test(another_origin_is_not),
		cmocka_unit_test(a_preflight_needs_a_method_and_headers_that_are_listed),
		cmocka_unit_test(a_contract_never_gives_credentials_to_every_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
