#include "gateway/core/introspection.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000000
};

static struct introspection said(struct arena *a, int status, const char *body)
{
	struct introspection i;

	introspection_read(a, status, (struct span){ body, strlen(body) }, NOW, &i);
	return i;
}

static void an_active_token_brings_its_user_and_its_end(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct introspection i = said(a, 200,
		"{\"active\":true,\"username\":\"alice\",\"sub\":\"1\",\"client_id\":\"shop\","
		"\"scope\":\"read write\",\"exp\":1700000100}");

	assert_null(i.failure);
	assert_true(i.is_active);
	assert_string_equal(i.token.subject, "alice");
	assert_string_equal(i.token.application_id, "shop");
	assert_string_equal(i.token.scope, "read write");
	assert_int_equal(i.token.exp, NOW + 100);
	i = said(a, 200,
		"{\"active\":true,\"sub\":\"1\",\"exp\":1800000000,\"keytype\":\"SANDBOX\"}");
	assert_string_equal(i.token.subject, "1");
	assert_int_equal(i.token.exp, NOW + INTROSPECTION_GOOD_S);
	assert_true(i.token.sandbox);
	assert_int_equal(said(a, 200, "{\"active\":true}").token.exp, NOW + INTROSPECTION_GOOD_S);
}

static void what_is_over_or_not_active_is_refused_for_a_while(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const bodies[] = { "{\"active\":false}",
		"{\"active\":true,\"exp\":1700000000}", "{\"active\":true,\"exp\":\"soon\"}" };

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct introspection got = said(a, 200, bodies[i]);

		assert_null(got.failure);
		assert_false(got.is_active);
		assert_int_equal(got.token.exp, NOW + INTROSPECTION_BAD_S);
	}
}

static void anything_else_is_a_failure(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_non_null(said(a, 401, "{\"active\":true}").failure);
	assert_non_null(said(a, 200, "").failure);
	assert_non_null(said(a, 200, "{}").failure);
	assert_non_null(said(a, 200, "{\"active\":\"true\"}").failure);
	assert_non_null(said(a, 200, "{\"active\":true,\"active\":false}").failure);
}

static void a_token_cannot_say_more_than_a_token(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span s = introspection_question(a, (struct span){ "a&b=c+%/", 8 });

	assert_string_equal(s.at, "token=a%26b%3Dc%2B%25%2F&token_type_hint=access_token");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_active_token_brings_its_user_and_its_end),
		cmocka_unit_test(what_is_over_or_not_active_is_refused_for_a_while),
		cmocka_unit_test(anything_else_is_a_failure),
		cmocka_unit_test(a_token_cannot_say_more_than_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
