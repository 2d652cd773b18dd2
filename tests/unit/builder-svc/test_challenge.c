#include "builder-svc/challenge.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static void a_bearer_challenge_has_realm_service_and_scope(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct challenge c = challenge_parse(a,
		"Bearer realm=\"https://auth.example/token\",service=\"reg.example\","
		"scope=\"repository:a/b:pull,push\"");

	(void)state;
	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "https://auth.example/token");
	assert_string_equal(c.service, "reg.example");
	assert_string_equal(c.scope, "repository:a/b:pull,push");
}

static void case_and_spaces_do_not_matter(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct challenge c = challenge_parse(a, " bEARER  Realm = \"x\" ,  SERVICE=y");

	(void)state;
	assert_int_equal(c.scheme, CHALLENGE_BEARER);
	assert_string_equal(c.realm, "x");
	assert_string_equal(c.service, "y");
	assert_int_equal(challenge_parse(a, "basic").scheme, CHALLENGE_BASIC);
}

static void the_first_that_we_can_answer_is_taken(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct challenge c =
		challenge_parse(a, "Negotiate, Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\"");

	(void)state;
	assert_int_equal(c.scheme, CHALLENGE_BASIC);
	assert_string_equal(c.realm, "b");
	c = challenge_parse(a, "Bearer service=\"no realm\", Basic realm=\"b\"");
	assert_int_equal(c.scheme, CHALLENGE_BASIC);
}

static void quoted_characters_are_taken_as_they_are(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(challenge_parse(a, "Bearer realm=\"a\\\"b\\\\c\"").realm, "a\"b\\c");
}

static void damaged_headers_are_safe(void **state)
{
	static const char *const damaged[] = { "", " ", ",", "=", "\"", "Bearer", "Bearer ",
		"Bearer =", "Bearer realm", "Bearer =x", ",,,==\"\"\"", "Negotiate", "\\", "a=b=c",
		"Digest \"x" };
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
		assert_int_equal(challenge_parse(a, damaged[i]).scheme, CHALLENGE_NONE);
	assert_int_equal(challenge_parse(a, NULL).scheme, CHALLENGE_NONE);
	assert_string_equal(challenge_parse(a, "Bearer realm=\"open").realm, "open");
	assert_string_equal(challenge_parse(a, "Bearer realm=\"x\\").realm, "x\\");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bearer_challenge_has_realm_service_and_scope),
		cmocka_unit_test(case_and_spaces_do_not_matter),
		cmocka_unit_test(the_first_that_we_can_answer_is_taken),
		cmocka_unit_test(quoted_characters_are_taken_as_they_are),
		cmocka_unit_test(damaged_headers_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
