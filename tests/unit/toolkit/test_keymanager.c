#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"
#include "toolkit/keymanager.h"

static void an_endpoint_says_what_is_asked_where(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const struct {
		const char *endpoint;
		const char *asked;
		bool is_soap;
		const char *tokens;
	} cases[] = {
		{ "https://km:9443", "https://km:9443/oauth2/introspect", false,
			"https://km:9443/oauth2" },
		{ "https://km:9443//", "https://km:9443/oauth2/introspect", false,
			"https://km:9443/oauth2" },
		{ "http://km/apim/", "http://km/apim/oauth2/introspect", false,
			"http://km/apim/oauth2" },
		{ "https://km/oauth2/introspect", "https://km/oauth2/introspect", false, NULL },
		{ "https://kc/realms/a/protocol/openid-connect/token/introspect",
			"https://kc/realms/a/protocol/openid-connect/token/introspect", false,
			NULL },
		{ "https://km:9443" SECURITY_SOAP_PATH, "https://km:9443" SECURITY_SOAP_PATH, true,
			"https://km:9443/oauth2" },
		{ "https://km/apim" SECURITY_SOAP_PATH, "https://km/apim" SECURITY_SOAP_PATH, true,
			"https://km/apim/oauth2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct key_manager m;
		struct err err;

		assert_true(key_manager_of(a, cases[i].endpoint, &m, &err));
		assert_string_equal(m.asked.url, cases[i].asked);
		assert_int_equal(m.is_soap, cases[i].is_soap);
		if (!str_eq(m.tokens_url, cases[i].tokens))
			fail_msg("%s: %s", cases[i].endpoint, m.tokens_url ? m.tokens_url : "none");
	}
}

static void what_is_no_url_is_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const endpoints[] = { "", "km:9443", "ftp://km", "https://u:p@km",
		"https://km/a?b", "https://km/../x" };

	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		struct key_manager m;
		struct err err = { .code = ERR_NONE };

		assert_false(key_manager_of(a, endpoints[i], &m, &err));
		assert_int_not_equal(err.code, ERR_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_says_what_is_asked_where),
		cmocka_unit_test(what_is_no_url_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
