#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* Golden contracts are valid ones. */
static const char valid[] = "tests/golden/toolkit/security/contract.json";

static char *replaced(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (!at)
		fail_msg("\"%s\" does not occur", from);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void a_written_contract_reads_as_the_same(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract *c = a_contract(a, test_file(a, valid, NULL));
	const char *text = json_canonical(a, contract_json(a, c));
	struct contract *again = a_contract(a, text);

	(void)state;
	assert_string_equal(json_canonical(a, contract_json(a, again)), text);
	assert_int_equal(c->n_apis, 1);
	assert_string_equal(c->apis[0].base_path, "/store/v1.0.0");
	assert_int_equal(c->n_issuers, 3);
	assert_non_null(c->issuers[0].keys[0].verifies);
	assert_null(c->issuers[1].audience);
	assert_true(c->issuers[2].validate_subscription);
	assert_string_equal(c->targets[c->endpoints[0].targets[0]].host, "products");
}

static void every_broken_reference_and_bound_is_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *text = json_text(a, contract_json(a, a_contract(a, test_file(a, valid, NULL))));
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{ "\"version\":1,", "\"version\":2,", "version: expected 1" },
		{ "\"version\":1,", "", "version: expected 1" },
		{ "\"version\":1,", "\"version\":1,\"more\":1,", "more: unknown field" },
		{ "\"settings\":{", "\"settings\":{\"more\":1,", "more: unknown field" },
		{ "\"settings\":", "\"more\":", "more: unknown field" },
		{ "\"method\":\"GET\"", "\"method\":\"get\"", "operations[0].method" },
		{ "\"method\":\"GET\"", "\"method\":5", "apis[0].paths[0].operations[0].method" },
		{ "\"issuers\":[0", "\"issuers\":[9", "operations[0].issuers" },
		{ "\"issuers\":[0", "\"issuers\":[-1", "operations[0].issuers" },
		{ "\"issuers\":[0", "\"issuers\":[0.5", "operations[0].issuers" },
		{ "\"issuers\":[0,1,2]", "\"issuers\":[]", "since the operation is secured" },
		{ "\"secured\":true", "\"secured\":1", "secured: expected true or false" },
		{ "\"secured\":true,", "", "secured: expected true or false" },
		{ "\"secured\":true", "\"secured\":true,\"limit\":5", "limit: unknown field" },
		{ "\"endpoint\":0", "\"endpoint\":1", "number of an existing endpoint" },
		{ ",\"endpoint\":0", "", "an endpoint or a sandbox" },
		{ "\"scopes\":[\"a\"", "\"scopes\":[\"a b\"", "scopes: expected words" },
		{ "\"scopes\":[\"a\"", "\"scopes\":[\"\"", "scopes: expected words" },
		{ "\"scopes\":[\"a\"", "\"scopes\":[1", "scopes: expected words" },
		{ "\"template\":\"/and\"", "\"template\":\"and\"", "paths[0].template" },
		{ "\"template\":\"/and\"", "\"template\":\"/a/../b\"", "paths[0].template" },
		{ "\"template\":\"/and\"", "\"template\":\"/a*/b\"", "paths[0].template" },
		{ "\"template\":\"/and\"", "\"template\":\"/both\"", "two templates" },
		{ "\"basePath\":\"/store", "\"basePath\":\"store", "apis[0].basePath" },
		{ "\"basePath\":\"/store/v1.0.0\"", "\"basePath\":\"/\"", "apis[0].basePath" },
		{ "\"basePath\":\"/store", "\"basePath\":\"/{x}", "apis[0].basePath" },
		{ "\"authHeader\":\"auth", "\"authHeader\":\"Auth", "authHeader" },
		{ "\"authHeader\":\"auth", "\"authHeader\":\"a:\\r\\n", "authHeader" },
		{ "\"url\":\"http://products\"", "\"url\":\"products\"", "endpoints[0]" },
		{ "\"url\":\"http://products\"", "\"url\":7", "endpoints[0].url" },
		{ "-----BEGIN PUBLIC KEY-----", "-----BEGIN", "issuers[0].keys[0].pem" },
		{ "\"notBefore\":", "\"notBefore\":\"x\",\"x\":", "keys[0]" },
		{ "\"clockSkewSeconds\":60", "\"clockSkewSeconds\":-1", "clockSkewSeconds" },
		{ "\"clockSkewSeconds\":60", "\"clockSkewSeconds\":1e9", "clockSkewSeconds" },
		{ "\"httpPort\":9090", "\"httpPort\":0", "httpPort" },
		{ "\"httpPort\":9090", "\"httpPort\":65536", "httpPort" },
		{ "\"maxUriBytes\":4096", "\"maxUriBytes\":1", "maxUriBytes" },
		{ "\"http2\":true", "\"http2\":\"yes\"", "http2" },
		{ "\"title\":\"Store\"", "\"title\":null", "apis[0].title" },
		{ "{\"version\"", "[{\"version\"", "not JSON" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *broken = replaced(a, text, cases[i].from, cases[i].to);
		struct err err = { .msg = "" };

		if (contract_load(a, broken, strlen(broken), &err))
			fail_msg("accepted: %s", cases[i].to);
		if (!strstr(err.msg, cases[i].words))
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].to, err.msg, cases[i].words);
	}
}

static void a_scheme_is_of_a_known_type_and_named_like_a_file(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char basic[] = "tests/golden/toolkit/security-basic/contract.json";
	char *text = json_text(a, contract_json(a, a_contract(a, test_file(a, basic, NULL))));
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{ "\"schemes\":[0]", "\"schemes\":[1]", "operations[0].schemes" },
		{ "\"type\":\"basic\"", "\"type\":\"digest\"", "schemes[0].type" },
		{ "\"security\":\"petstorebasic\"", "\"security\":\"../passwd\"",
			"schemes[0].security" },
		{ "\"security\":\"petstorebasic\"", "\"security\":\"\"", "schemes[0].security" },
		{ "\"security\":\"petstorebasic\"", "\"security\":\".\"", "schemes[0].security" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *broken = replaced(a, text, cases[i].from, cases[i].to);
		struct err err = { .msg = "" };

		if (contract_load(a, broken, strlen(broken), &err) ||
			!strstr(err.msg, cases[i].words))
			fail_msg("%s: %s", cases[i].to, err.msg);
	}
}

static void rsa_keys_of_less_than_2048_bits_are_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char small[] =
		"-----BEGIN PUBLIC KEY-----\\n"
		"MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\\n"
		"9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\\n"
		"-----END PUBLIC KEY-----\\n";
	char *text = json_text(a, contract_json(a, a_contract(a, test_file(a, valid, NULL))));
	char *at = strstr(text, "\"pem\":\"");
	char *end = strchr(at + 7, '"');
	const char *broken =
		arena_printf(a, "%.*s\"pem\":\"%s%s", (int)(at - text), text, small, end);
	struct err err = { .msg = "" };

	(void)state;
	assert_null(contract_load(a, broken, strlen(broken), &err));
	assert_non_null(strstr(err.msg, "an RSA key of 512 bits"));
}

static void a_missing_file_is_not_found(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .msg = "" };

	(void)state;
	assert_null(contract_load_file(a, "/nowhere/contract.json", &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(contract_load_file(a, valid, &err));
	assert_null(contract_load_file(a, "tests/data/wso2am300.der", &err));
	assert_int_equal(err.code, ERR_INVALID);
}

static void urls_are_split_and_checked(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const struct {
		const char *url, *host, *path;
		int port;
		bool tls;
	} good[] = {
		{ "http://h", "h", "", 80, false },
		{ "https://h", "h", "", 443, true },
		{ "HTTPS://h.x-y_z:8443/", "h.x-y_z", "", 8443, true },
		{ "http://10.0.0.1:1/a/b//", "10.0.0.1", "/a/b", 1, false },
		{ "http://[::1]:81/x", "[::1]", "/x", 81, false },
		{ "http://[::1]", "[::1]", "", 80, false },
		{ "http://h/%20a", "h", "/%20a", 80, false },
	};
	static const char *const bad[] = { "", "h", "ftp://h", "http://", "http:///x", "http://:80",
		"http://h:", "http://h:0", "http://h:65536", "http://h:8a", "http://h:123456",
		"http://u@h", "http://u:p@h", "http://h?q", "http://h/#f", "http://h/..",
		"http://h/../x", "http://h/./x", "http://h/a b", "http://h/%", "http://h/%zz",
		"http://h h", "http://-h", "http://h\\x", "http://[::1", "http://[g]", "http://h\n",
		"http://h/\x01", "http://h/a;b" };
	struct contract_target e;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(contract_target_parse(a, good[i].url, &e, &err));
		assert_string_equal(e.host, good[i].host);
		assert_string_equal(e.path, good[i].path);
		assert_int_equal(e.port, good[i].port);
		assert_int_equal(e.tls, good[i].tls);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (contract_target_parse(a, bad[i], &e, &err))
			fail_msg("accepted: %s", bad[i]);
}

static void methods_have_one_spelling(void **state)
{
	(void)state;
	for (unsigned int m = METHOD_GET; m < METHOD_OTHER; m <<= 1) {
		const char *name = method_name((enum method)m);

		assert_int_equal(method_parse(name, strlen(name)), m);
	}
	assert_int_equal(method_parse("get", 3), METHOD_OTHER);
	assert_int_equal(method_parse("GET ", 4), METHOD_OTHER);
	assert_int_equal(method_parse("TRACE", 5), METHOD_OTHER);
	assert_int_equal(method_parse("", 0), METHOD_OTHER);
	assert_string_equal(method_name(METHOD_OTHER), "OTHER");
}

static void shapes_forget_the_names_of_parameters(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(contract_template_shape(a, "/p/{id}/x/{y}"), "/p/{}/x/{}");
	assert_string_equal(contract_template_shape(a, "/p"), "/p");
	assert_string_equal(contract_template_shape(a, "/f/*"), "/f/*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_contract_reads_as_the_same),
		cmocka_unit_test(every_broken_reference_and_bound_is_named),
		cmocka_unit_test(a_scheme_is_of_a_known_type_and_named_like_a_file),
		cmocka_unit_test(rsa_keys_of_less_than_2048_bits_are_refused),
		cmocka_unit_test(a_missing_file_is_not_found),
		cmocka_unit_test(urls_are_split_and_checked),
		cmocka_unit_test(methods_have_one_spelling),
		cmocka_unit_test(shapes_forget_the_names_of_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
