#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/x509/chain.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

static char *pem_of_der(struct arena *a)
{
	struct err err = { .msg = "" };
	size_t n;
	char *der = test_file(a, "tests/data/wso2am300.der", &n);
	char *pem = chain_pem(a, der, n, &err);

	if (!pem)
		fail_msg("%s", err.msg);
	return pem;
}

static void der_and_pem_are_one_text(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err;
	const char *pem = pem_of_der(a);
	const char *dressed = arena_printf(a, "a comment\r\n%s\nmore\n", pem);

	(void)state;
	assert_true(str_starts(pem, "-----BEGIN CERTIFICATE-----\n"));
	assert_string_equal(chain_pem(a, dressed, strlen(dressed), &err), pem);
}

static void every_certificate_of_a_file_counts(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err;
	const char *pem = pem_of_der(a);
	const char *two = arena_printf(a, "%s%s", pem, pem);

	(void)state;
	assert_string_equal(chain_pem(a, two, strlen(two), &err), two);
}

static void what_is_no_certificate_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *pem = pem_of_der(a);
	const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "0 bytes" },
		{ "hello", "neither PEM nor" },
		{ "-----BEGIN RSA PRIVATE KEY-----", "a private key" },
		{ arena_printf(a, "%s-----BEGIN PRIVATE KEY-----\n", pem), "a private key" },
		{ "-----BEGIN PUBLIC KEY-----\n", "missing or damaged" },
		{ arena_printf(a,
			  "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pem),
			"missing or damaged" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { .msg = "" };

		assert_null(chain_pem(a, cases[i].text, strlen(cases[i].text), &err));
		if (!strstr(err.msg, cases[i].words))
			fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(der_and_pem_are_one_text),
		cmocka_unit_test(every_certificate_of_a_file_counts),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
