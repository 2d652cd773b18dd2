#include "gateway/core/apikey.h"
#include "gateway/core/credentials.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000000
};

static struct contract_api apis[] = { { .title = "Pets", .version = "v1" },
	{ .title = "Shops", .version = "v2" } };
static const struct contract contract = { .apis = apis, .n_apis = 2 };
static const struct contract_api other = { .title = "Pets", .version = "v2" };

static struct api_key_rule rule = { .issuer = API_KEY_ISSUER, .validate_allowed_apis = true };
static const struct credential_set set = {
	.is_loaded = true, .mac_key = "k", .rules = &rule, .n_rules = 1
};

static bool issues(struct arena *a, const char *request, struct span *ret)
{
	return api_key_issue(
		a, &set, &contract, "keeper", (struct span){ request, strlen(request) }, NOW, ret);
}

static const char *checked(
	struct arena *a, const struct contract_api *api, struct span key, int64_t now_s)
{
	struct token t;
	const char *why = api_key_read(a, &set, key, &t);

	return why ? why : api_key_judge(&set, &t, api, 60, now_s);
}

static void a_key_is_good_for_the_apis_it_was_issued_for(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span key;

	assert_true(issues(a, "", &key));
	assert_null(checked(a, &apis[0], key, NOW));
	assert_null(checked(a, &apis[1], key, NOW + 100000000));
	assert_string_equal(checked(a, &other, key, NOW), "API not allowed");
}

static void a_key_ends_when_it_was_asked_to(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span key;

	assert_true(issues(a, "{\"validityTime\":10}", &key));
	assert_null(checked(a, &apis[0], key, NOW + 69));
	assert_string_equal(checked(a, &apis[0], key, NOW + 70), "key expired");
	assert_true(issues(a, "{\"validityTime\":-1}", &key));
	assert_false(issues(a, "{\"validityTime\":0}", &key));
	assert_false(issues(a, "{\"validityTime\":1e15}", &key));
	assert_false(issues(a, "{\"validityTime\":\"1\"}", &key));
	assert_false(issues(a, "1", &key));
}

static void no_bit_of_a_key_can_be_changed(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span key;
	char *copy;

	assert_true(issues(a, "", &key));
	copy = arena_dupn(a, key.at, key.n);
	/* The last digit of a MAC holds bits that mean nothing. */
	for (size_t i = 0; i + 1 < key.n; i++) {
		copy[i] ^= 1;
		if (!checked(a, &apis[0], (struct span){ copy, key.n }, NOW))
			fail_msg("changed at %zu", i);
		copy[i] ^= 1;
	}
	for (size_t n = 0; n < key.n; n++)
		assert_non_null(checked(a, &apis[0], (struct span){ copy, n }, NOW));
}

static void query_is(const char *query, const char *name, const char *value, const char *rest)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span q = { query, strlen(query) };
	struct span found = { "", 0 };

	assert_int_equal(query_find(a, q, name, &found), value != NULL);
	if (value) {
		assert_int_equal(found.n, strlen(value));
		assert_memory_equal(found.at, value, found.n);
	}
	q = query_without(a, q, name);
	assert_int_equal(q.n, strlen(rest));
	assert_memory_equal(q.at, rest, q.n);
}

static void a_parameter_is_found_and_removed_however_it_is_written(void **state UNUSED)
{
	query_is("", "k", NULL, "");
	query_is("?", "k", NULL, "?");
	query_is("?a=1&kk=2", "k", NULL, "?a=1&kk=2");
	query_is("?k=1", "k", "1", "");
	query_is("?%6B=1%2e2+3&b", "k", "1.2 3", "?b");
	query_is("?a&k&b=k=1", "k", "", "?a&b=k=1");
	query_is("?k=1&a&k=2&%6b", "k", "1", "?a");
	query_is("?a=%zz&k=%4", "k", "%4", "?a=%zz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_good_for_the_apis_it_was_issued_for),
		cmocka_unit_test(a_key_ends_when_it_was_asked_to),
		cmocka_unit_test(no_bit_of_a_key_can_be_changed),
		cmocka_unit_test(a_parameter_is_found_and_removed_however_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
