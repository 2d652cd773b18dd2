/* From a request to a verdict: paths, methods, scopes, subscriptions, endpoints. */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/shop.h"
#include "tests/support/unit.h"

static void a_good_token_reaches_the_backend(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v =
		shop_get(*state, core, "/store/v1/products?x=1&y=%2F", a_good_token(*state));

	forwards(&v, "/products?x=1&y=%2F");
	assert_true(v.strip_auth);
	assert_string_equal(v.endpoint->urls[0], "http://products/base/");
	assert_string_equal(v.operation->id, "list");
	assert_memory_equal(v.subject.at, "me", 2);
	assert_memory_equal(v.application.at, "app", 3);
	assert_false(v.token_cached);
	v = shop_get(*state, core, "/store/v1/products/101", a_good_token(*state));
	forwards(&v, "/products/101");
}

static char *with_scope(struct arena *a, const char *scope)
{
	return a_token(a, test_key(0),
		arena_printf(a, "{\"iss\":\"iss\",\"aud\":\"aud\",\"scope\":%s}", scope));
}

static void one_scope_of_the_operation_suffices(void **state)
{
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	static const struct {
		const char *scope;
		bool good;
	} cases[] = {
		{ "\"add\"", true },
		{ "\"x admin y\"", true },
		{ "\" add\"", true },
		{ "\"adder\"", false },
		{ "\"ad\"", false },
		{ "\"xadd\"", false },
		{ "\"add,admin\"", false },
		{ "null", false },
		{ "\"\"", false },
		{ "\"ADD\"", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;

		decide(core, a, METHOD_POST, "/store/v1/products",
			arena_printf(a, "Bearer %s", with_scope(a, cases[i].scope)), NOW, &v);
		if (cases[i].good)
			forwards(&v, "/products");
		else
			body_is(&v, 403,
				"{\"fault\":{\"code\":900910, \"message\":\"The access token does "
				"not allow you to access the requested resource\", "
				"\"description\":\"The access token does not allow you to access "
				"the requested resource\"}}");
	}
}

static void subscriptions_are_matched_exactly_where_asked_for(void **state)
{
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	static const struct {
		const char *apis;
		bool good;
	} cases[] = {
		{ "[{\"name\":\"Store\",\"version\":\"v1.0.0\"}]", true },
		{ "[{\"name\":\"x\",\"version\":\"y\"},{\"name\":\"Store\",\"version\":\"v1.0.0\"}]",
			true },
		{ "[{\"name\":\"Store\",\"version\":\"v1\"}]", false },
		{ "[{\"name\":\"store\",\"version\":\"v1.0.0\"}]", false },
		{ "[{\"name\":\"v1.0.0\",\"version\":\"Store\"}]", false },
		{ "[{\"name\":\"a\",\"version\":\"Store\"},{\"name\":\"v1.0.0\",\"version\":\"b\"}]",
			false },
		{ "[]", false },
		{ "{}", false },
		{ "null", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = a_token(a, test_key(0),
			arena_printf(a, "{\"iss\":\"sub\",\"subscribedAPIs\":%s}", cases[i].apis));
		struct verdict v = shop_get(a, core, "/store/v1/subscribers", token);

		if (cases[i].good)
			forwards(&v, "/subscribers");
		else
			is_fault(&v, 403, 900908);
	}
}

static void the_key_type_chooses_the_backend(void **state)
{
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	char *token = a_token(
		a, test_key(0), "{\"iss\":\"iss\",\"aud\":\"aud\",\"keytype\":\"SANDBOX\"}");
	struct verdict v = shop_get(a, core, "/store/v1/products", token);

	forwards(&v, "/products");
	assert_string_equal(v.endpoint->urls[0], "https://sandbox:8443");
	assert_true(v.sandbox);
	v = shop_get(a, core, "/store/v1/products/1", token);
	body_is(&v, 403,
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Sandbox key offered to the API with no "
		"sandbox endpoint\"}");
	v = shop_get(a, core, "/store/v1/sandbox", NULL);
	body_is(&v, 403,
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Production key offered to the API with "
		"no production endpoint\"}");
}

static void open_operations_keep_their_own_credentials(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v = shop_get(*state, core, "/store/v1/open", "for.the.backend");

	forwards(&v, "/open");
	assert_false(v.strip_auth);
}

static void unknown_places_are_404_in_plain_text(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v = shop_get(*state, core, "/nothing?x", NULL);

	body_is(&v, 404, "no matching service found for path : /nothing");
	assert_string_equal(v.content_type, "text/plain");
	v = shop_get(*state, core, "/store/v1/nothing", NULL);
	body_is(&v, 404, "no matching resource found for path : /store/v1/nothing , method : GET");
	v = shop_get(*state, core, "/store/v1x/products", NULL);
	body_is(&v, 404, "no matching service found for path : /store/v1x/products");
}

static void other_methods_are_405_with_allow(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v;

	decide(core, *state, METHOD_DELETE, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
	assert_memory_equal(v.allow.at, "GET, POST, OPTIONS", v.allow.n);
	decide(core, *state, METHOD_OTHER, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
	decide(core, *state, METHOD_HEAD, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
}

static void options_is_answered_by_the_gateway(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v;

	decide(core, *state, METHOD_OPTIONS, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 200, "");
	assert_int_equal(v.allow.n, strlen("GET, POST, OPTIONS"));
	decide(core, *state, METHOD_OPTIONS, "/store/v1/nothing", NULL, NOW, &v);
	assert_int_equal(v.status, 404);
}

static void health_needs_no_credentials(void **state)
{
	struct core *core = a_shop(*state);
	static const char *const places[] = { "/health", "/health?x", "/health/", "/health/a/b" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct verdict v = shop_get(*state, core, places[i], NULL);

		assert_int_equal(v.kind, VERDICT_HEALTH);
		assert_int_equal(v.status, 200);
		assert_memory_equal(v.body.at, "{\"status\":\"healthy\"}", v.body.n);
	}
	assert_int_equal(shop_get(*state, core, "/healthy", NULL).status, 404);
}

static void long_targets_are_414(void **state)
{
	struct core *core = a_shop(*state);
	char *target = arena_alloc(*state, 5000);
	struct verdict v;

	memset(target, 'a', 4097);
	target[0] = '/';
	v = shop_get(*state, core, target, NULL);
	assert_int_equal(v.status, 414);
	target[4096] = '\0';
	v = shop_get(*state, core, target, NULL);
	assert_int_equal(v.status, 404);
}

static void no_spelling_of_a_path_opens_it(void **state)
{
	struct core *core = a_shop(*state);
	static const struct {
		const char *target;
		int status;
	} cases[] = {
		{ "/store/v1/open/../products", 400 },
		{ "/store/v1/open/..;/products", 400 },
		{ "/store/v1/open/%2e%2e/products", 400 },
		{ "/store/v1/open/.%2E/products", 400 },
		{ "/store/v1/./products", 400 },
		{ "/store/v1/open%2f..%2fproducts", 400 },
		{ "/store/v1/open%5c..%5cproducts", 400 },
		{ "/store/v1/open\\..\\products", 400 },
		{ "/store/v1/open%00", 400 },
		{ "/store/v1/open%0d%0aX:", 400 },
		{ "/store/v1/open;x=1", 400 },
		{ "/store/v1/open%3bx", 400 },
		{ "/store/v1/products%", 400 },
		{ "/store/v1/products%4", 400 },
		{ "/store/v1/products%zz", 400 },
		{ "/store/v1/open#/products", 400 },
		{ "/store/v1/open?a#b", 400 },
		{ "store/v1/products", 400 },
		{ "http://x/store/v1/open", 400 },
		{ "", 400 },
		{ "?", 400 },
		{ "/store/v1//products", 404 },
		{ "//store/v1/products", 404 },
		{ "/store/v1/products//", 404 },
		{ "/store/v1/PRODUCTS", 404 },
		{ "/store/v1/%70roducts", 401 },
		{ "/store/%76%31/products", 401 },
		{ "/store/v1/products/", 401 },
		{ "/store/v1/products/%252e%252e", 401 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = shop_get(*state, core, cases[i].target, NULL);

		if (v.kind != VERDICT_ANSWER || v.status != cases[i].status)
			fail_msg("%s: %d, expected %d", cases[i].target, v.status, cases[i].status);
	}
}

static void what_was_matched_is_forwarded_in_one_spelling(void **state)
{
	struct core *core = a_shop(*state);
	char *token = a_good_token(*state);
	static const char *const cases[][2] = {
		{ "/store/v1/%70roducts", "/products" },
		{ "/store/v1/products/a%20b", "/products/a%20b" },
		{ "/store/v1/products/%c3%a9", "/products/%C3%A9" },
		{ "/store/v1/products/\xc3\xa9", "/products/%C3%A9" },
		{ "/store/v1/products/%7Ea%3ab%25", "/products/~a:b%25" },
		{ "/store/v1/products/%252f", "/products/%252f" },
		{ "/store/v1/products/{x}", "/products/%7Bx%7D" },
		{ "/store/v1/products/", "/products/" },
		{ "/store/v1/products?a=/../%2f", "/products?a=/../%2f" },
		{ "/store/v1/products??", "/products??" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = shop_get(*state, core, cases[i][0], token);

		forwards(&v, cases[i][1]);
	}
}

int main(void)
{
#define IN_A_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_begin, shop_end)
	const struct CMUnitTest tests[] = {
		IN_A_SHOP(a_good_token_reaches_the_backend),
		IN_A_SHOP(one_scope_of_the_operation_suffices),
		IN_A_SHOP(subscriptions_are_matched_exactly_where_asked_for),
		IN_A_SHOP(the_key_type_chooses_the_backend),
		IN_A_SHOP(open_operations_keep_their_own_credentials),
		IN_A_SHOP(unknown_places_are_404_in_plain_text),
		IN_A_SHOP(other_methods_are_405_with_allow),
		IN_A_SHOP(options_is_answered_by_the_gateway),
		IN_A_SHOP(health_needs_no_credentials),
		IN_A_SHOP(long_targets_are_414),
		IN_A_SHOP(no_spelling_of_a_path_opens_it),
		IN_A_SHOP(what_was_matched_is_forwarded_in_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
