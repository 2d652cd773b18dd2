#include "gateway/core/endpoint.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* Golden contracts are valid ones. */
static const char valid[] = "tests/golden/toolkit/endpoints-resilient/contract.json";

static struct contract *a_contract_with(struct arena *a)
{
	return a_contract(a, test_file(a, valid, NULL));
}

static void everything_is_read_and_written(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract *c = a_contract_with(a);
	const struct contract_endpoint *e = &c->endpoints[0];
	const char *text = json_canonical(a, contract_json(a, c));

	(void)state;
	assert_string_equal(e->name, "Store_v1_0_0_prod");
	assert_int_equal(e->n_urls, 2);
	assert_string_equal(c->targets[e->targets[1]].url, "https://b:8443/x");
	assert_true(c->targets[e->targets[1]].tls);
	assert_true(e->failover);
	assert_int_equal(e->timeout_ms, 6000);
	assert_int_equal(e->retries, 3);
	assert_true(contract_codes_have(&e->retry_codes, 502));
	assert_false(contract_codes_have(&e->retry_codes, 501));
	assert_int_equal(e->breaker->percent, 25);
	assert_int_equal(e->breaker->volume, 5);
	assert_string_equal(e->username, "me");
	assert_null(e->password);
	assert_string_equal(json_canonical(a, contract_json(a, a_contract(a, text))), text);
}

static void broken_endpoints_are_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *text = json_text(a, contract_json(a, a_contract_with(a)));
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{ "\"further\":[", "\"further\":[7,", "endpoints[0].further: expected texts" },
		{ "\"further\":[", "\"further\":[\"ftp://x\",", "endpoints[0]" },
		{ "\"failover\":true", "\"failover\":1", "endpoints[0].failover" },
		{ "\"timeoutMs\":6000", "\"timeoutMs\":0", "timeoutMs" },
		{ "\"retries\":3", "\"retries\":11", "retries" },
		{ "\"retryCodes\":[500", "\"retryCodes\":[99", "retryCodes" },
		{ "\"bucketMs\":2000", "\"bucketMs\":20", "breaker: bucketMs" },
		{ "\"bucketMs\":2000", "\"bucketMs\":20000", "breaker: bucketMs" },
		{ "\"percent\":25", "\"percent\":101", "breaker: percent" },
		{ "\"percent\":25", "\"more\":1,\"percent\":25", "more: unknown field" },
		{ "\"username\":\"me\"", "\"username\":\"a:b\"", "username" },
		{ "\"username\":\"me\"", "\"password\":\"x\"", "username" },
		{ "\"username\":\"me\"", "\"username\":\"a\\r\\nb\"", "username" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *at = strstr(text, cases[i].from);
		struct err err = { .msg = "" };
		const char *broken;

		if (!at)
			fail_msg("\"%s\" does not occur in %s", cases[i].from, text);
		broken = arena_printf(a, "%.*s%s%s", (int)(at - text), text, cases[i].to,
			at + strlen(cases[i].from));
		if (contract_load(a, broken, strlen(broken), &err))
			fail_msg("accepted: %s", cases[i].to);
		if (!strstr(err.msg, cases[i].words))
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].to, err.msg, cases[i].words);
	}
}

static const char *moved(const char *name)
{
	if (str_eq(name, "Store_v1_0_0_prod_endpoint_1"))
		return "http://moved:81";
	if (str_eq(name, "Store_v1_0_0_prod_basic_username"))
		return "other";
	if (str_eq(name, "Store_v1_0_0_prod_basic_password"))
		return "it";
	return NULL;
}

static const char *broken_url(const char *name)
{
	return str_ends(name, "_endpoint_0") ? "nowhere" : NULL;
}

static const char *broken_name(const char *name)
{
	return str_ends(name, "_basic_username") ? "a:b" : NULL;
}

static void the_environment_changes_what_it_names(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct contract *c = a_contract_with(a);
	const struct contract_endpoint *e = &c->endpoints[0];
	struct err err;

	(void)state;
	assert_true(contract_override(a, c, moved, &err));
	assert_string_equal(c->targets[e->targets[0]].host, "a");
	assert_string_equal(c->targets[e->targets[1]].host, "moved");
	assert_string_equal(e->username, "other");
	assert_string_equal(e->password, "it");
}

static void a_broken_variable_is_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .msg = "" };

	(void)state;
	assert_false(contract_override(a, a_contract_with(a), broken_url, &err));
	assert_non_null(strstr(err.msg, "Store_v1_0_0_prod_endpoint_0: \"nowhere\""));
	assert_false(contract_override(a, a_contract_with(a), broken_name, &err));
	assert_non_null(strstr(err.msg, "Store_v1_0_0_prod_basic_username"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_and_written),
		cmocka_unit_test(broken_endpoints_are_named),
		cmocka_unit_test(the_environment_changes_what_it_names),
		cmocka_unit_test(a_broken_variable_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
