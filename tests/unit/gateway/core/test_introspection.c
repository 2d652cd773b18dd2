#include "gateway/core/introspection.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000000,
	BELIEVE_S = 900,
};

static struct introspection said(struct arena *a, int status, const char *body)
{
	struct introspection i;

	introspection_read(a, status, (struct span){ body, strlen(body) }, NOW, BELIEVE_S, &i);
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
	assert_int_equal(i.token.exp, NOW + BELIEVE_S);
	assert_true(i.token.sandbox);
	assert_int_equal(said(a, 200, "{\"active\":true}").token.exp, NOW + BELIEVE_S);
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

static void no_answer_is_believed_for_longer_than_is_said(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const bodies[] = { "{\"active\":true}", "{\"active\":false}" };

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		for (int64_t believe_s = 0; believe_s < 20; believe_s += 10) {
			struct introspection got;

			introspection_read(a, 200, (struct span){ bodies[i], strlen(bodies[i]) },
				NOW, believe_s, &got);
			assert_int_equal(got.token.exp, NOW + believe_s);
		}
}

static void a_key_manager_that_does_not_know_the_gateway_says_so(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(said(a, 401, "{}").failure,
		"key manager: status 401, it refuses the gateway's own credentials");
	assert_string_equal(said(a, 503, "{}").failure, "key manager: status 503");
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
		cmocka_unit_test(no_answer_is_believed_for_longer_than_is_said),
		cmocka_unit_test(a_key_manager_that_does_not_know_the_gateway_says_so),
		cmocka_unit_test(anything_else_is_a_failure),
		cmocka_unit_test(a_token_cannot_say_more_than_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
