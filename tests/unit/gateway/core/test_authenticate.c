/* Where credentials stand, and which there may be. */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/shop.h"
#include "tests/support/unit.h"

static void without_credentials_they_are_missing(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v = shop_get(*state, core, "/store/v1/products", NULL);

	body_is(&v, 401,
		"{\"fault\":{\"code\":900902, \"message\":\"Missing Credentials\", "
		"\"description\":\"Missing Credentials. Make sure your API request provides required "
		"credentials\"}}");
	assert_string_equal(v.content_type, "application/json");
	decide(core, *state, METHOD_GET, "/store/v1/products", "", NOW, &v);
	is_fault(&v, 401, 900902);
}

static void other_schemes_are_refused(void **state)
{
	struct core *core = a_shop(*state);
	static const struct {
		const char *header;
		int code;
	} cases[] = {
		{ "Basic YWRtaW46YWRtaW4=", 900917 },
		{ "bAsIc x", 900917 },
		{ "Bearer", 900901 },
		{ "Bearer  ", 900901 },
		{ "Bearer opaque", 900901 },
		{ "Digest a.b.c", 900901 },
		{ "Bearera.b.c", 900901 },
		{ "a.b.c", 900901 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;

		decide(core, *state, METHOD_GET, "/store/v1/products", cases[i].header, NOW, &v);
		is_fault(&v, 401, cases[i].code);
	}
}

static bool two_headers(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const char *value = arg;

	(void)name;
	*ret = (struct span){ value, strlen(value) };
	*ret_n = 2;
	return true;
}

static void two_credentials_are_refused_even_if_one_is_good(void **state)
{
	struct core *core = a_shop(*state);
	struct core_request r = {
		.method = METHOD_GET,
		.method_name = { "GET", 3 },
		.target = { "/store/v1/products", 18 },
		.header = two_headers,
		.arg = arena_printf(*state, "Bearer %s", a_good_token(*state)),
		.now_s = NOW,
	};
	struct verdict v;

	core_decide(core, *state, &r, &v);
	is_fault(&v, 401, 900901);
	r.header = NULL;
	core_decide(core, *state, &r, &v);
	is_fault(&v, 401, 900902);
}

static void the_scheme_word_ignores_case(void **state)
{
	struct core *core = a_shop(*state);
	struct verdict v;

	decide(core, *state, METHOD_GET, "/store/v1/products",
		arena_printf(*state, "BEARER   %s  ", a_good_token(*state)), NOW, &v);
	forwards(&v, "/products");
}

int main(void)
{
#define IN_A_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_begin, shop_end)
	const struct CMUnitTest tests[] = {
		IN_A_SHOP(without_credentials_they_are_missing),
		IN_A_SHOP(other_schemes_are_refused),
		IN_A_SHOP(two_credentials_are_refused_even_if_one_is_good),
		IN_A_SHOP(the_scheme_word_ignores_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
