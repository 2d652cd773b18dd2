#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"
#include "toolkit/conf.h"
#include "toolkit/toolkit.h"

static void is_refused(const char *text, const char *words)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_inputs in = { .n_endpoints = 7 };
	struct err err = { .msg = "" };

	if (toolkit_conf_read(a, text, strlen(text), &in, &err))
		fail_msg("accepted: %s", text);
	assert_int_equal(in.n_endpoints, 7);
	if (!strstr(err.msg, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", text, err.msg, words);
}

static void an_empty_file_means_the_defaults(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_inputs in = { 0 };
	struct err err;

	(void)state;
	assert_true(toolkit_conf_read(a, "{}", 2, &in, &err));
	assert_string_equal(in.settings.default_security, "default-security-jwt");
	assert_int_equal(in.settings.http_port, 9090);
	assert_int_equal(in.settings.clock_skew_s, 60);
	assert_true(in.settings.remove_auth_header && in.settings.http2);
	assert_true(in.settings.verify_hostname);
	assert_int_equal(in.n_securities, 0);
	assert_true(toolkit_conf_read(a, "~", 1, &in, &err));
}

static void what_is_written_reads_as_the_same(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_inputs in = { 0 };
	struct toolkit_inputs again = { 0 };
	struct err err;
	size_t n;
	const char *text = test_file(a, "tests/golden/toolkit/settings/conf.yaml", &n);

	(void)state;
	assert_true(toolkit_conf_read(a, text, n, &in, &err));
	text = toolkit_conf_text(a, &in);
	assert_true(toolkit_conf_read(a, text, strlen(text), &again, &err));
	assert_string_equal(toolkit_conf_text(a, &again), text);
	assert_string_equal(again.settings.jwt_header, "X-JWT");
	assert_int_equal(again.settings.max_body_bytes, 1000000);
	assert_int_equal(again.n_securities, 5);
	assert_string_equal(again.securities[0].name, "default-security-jwt");
	assert_int_equal(again.securities[3].n_issuers, 2);
	assert_memory_equal(again.securities[0].issuers[0].keys[0].bytes, "\x30\x82", 2);
	assert_string_equal(again.endpoints[1].name, "products");
}

static void pem_and_der_are_told_apart(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct toolkit_key keys[] = {
		{ .bytes = "-----BEGIN PUBLIC KEY-----\nx",
			.n = 28,
			.not_before = 5,
			.not_after = 6 },
		{ .bytes = "\x30\x00\x01", .n = 3 },
	};
	const struct toolkit_issuer issuer = { .issuer = "i", .keys = keys, .n_keys = 2 };
	const struct toolkit_security security = {
		.name = "s", .type = "jwt", .issuers = &issuer, .n_issuers = 1
	};
	struct toolkit_inputs in = {
		.securities = &security, .n_securities = 1, .settings = toolkit_settings_default()
	};
	const char *text = toolkit_conf_text(a, &in);
	struct err err;

	(void)state;
	assert_true(toolkit_conf_read(a, text, strlen(text), &in, &err));
	assert_int_equal(in.securities[0].issuers[0].keys[0].not_before, 5);
	assert_int_equal(in.securities[0].issuers[0].keys[0].n, 28);
	assert_int_equal(in.securities[0].issuers[0].keys[1].n, 3);
	assert_memory_equal(in.securities[0].issuers[0].keys[1].bytes, "\x30\x00\x01", 3);
	assert_null(in.securities[0].issuers[0].audience);
}

static void wrong_fields_are_named(void **state)
{
	(void)state;
	is_refused("[1]", "expected an object");
	is_refused("a: [", "not YAML");
	is_refused("setings: {}", "setings: unknown field");
	is_refused("settings: 5", "settings: number, expected an object");
	is_refused("settings: {httpPort: 0}", "settings.httpPort: expected an integer");
	is_refused("settings: {httpPort: 70000}", "settings.httpPort");
	is_refused("settings: {httpPort: '9090'}", "settings.httpPort");
	is_refused("settings: {tokenCacheEntries: -1}", "settings.tokenCacheEntries");
	is_refused("settings: {http2: yes}", "settings.http2: expected true or false");
	is_refused("settings: {authHeader: 5}", "settings.authHeader: expected a text");
	is_refused("settings: {what: 5}", "settings.what: unknown field");
	is_refused("securities: {}", "securities: object, expected a list");
	is_refused("securities: [5]", "securities[0]: number");
	is_refused("securities: [{name: x}]", "name and type");
	is_refused("securities: [{name: x, type: jwt, issuers: [{}]}]", "issuers[0].issuer");
	is_refused("securities: [{name: x, type: jwt, issuers: [{issuer: i, keys: [{}]}]}]",
		"keys[0]: expected either pem or der");
	is_refused(
		"securities: [{name: x, type: jwt, issuers: [{issuer: i, keys: [{pem: a, der: b}]}]}]",
		"either pem or der");
	is_refused("securities: [{name: x, type: jwt, issuers: [{issuer: i, keys: [{der: '!'}]}]}]",
		"keys[0].der: expected base64");
	is_refused("endpoints: [{name: x}]", "endpoints[0].name: expected name and url");
	is_refused("endpoints: [{name: x, url: y, z: 1}]", "endpoints[0].z: unknown field");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_means_the_defaults),
		cmocka_unit_test(what_is_written_reads_as_the_same),
		cmocka_unit_test(pem_and_der_are_told_apart),
		cmocka_unit_test(wrong_fields_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
