#include "gateway/core/fault.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

#define SUFFIX "Unclassified Authentication Failure"

/* The table of the specification, typed anew. */
static const struct {
	int status, code;
	const char *body;
} table[] = {
	{ 500, 900900,
		"{\"fault\":{\"code\":900900, \"message\":\"" SUFFIX "\", \"description\":\"" SUFFIX
		". " SUFFIX "\"}}" },
	{ 401, 900901,
		"{\"fault\":{\"code\":900901, \"message\":\"Invalid Credentials\", \"description\":"
		"\"Invalid Credentials. Make sure you have given the correct access token\"}}" },
	{ 401, 900902,
		"{\"fault\":{\"code\":900902, \"message\":\"Missing Credentials\", \"description\":"
		"\"Missing Credentials. Make sure your API request provides required credentials\"}}" },
	{ 401, 900903,
		"{\"fault\":{\"code\":900903, \"message\":\"Access Token Expired\", \"description\":"
		"\"Access Token Expired. Renew the access token and try again\"}}" },
	{ 401, 900904,
		"{\"fault\":{\"code\":900904, \"message\":\"Access Token Inactive\", \"description\":"
		"\"Access Token Inactive. " SUFFIX "\"}}" },
	{ 403, 900908,
		"{\"fault\":{\"code\":900908, \"message\":\"Resource forbidden \", \"description\":"
		"\"Resource forbidden . " SUFFIX "\"}}" },
	{ 403, 900910,
		"{\"fault\":{\"code\":900910, \"message\":\"The access token does not allow you to "
		"access the requested resource\", \"description\":\"The access token does not allow you "
		"to access the requested resource\"}}" },
	{ 401, 900912,
		"{\"fault\":{\"code\":900912, \"message\":\"Invalid Format\", \"description\":\"Invalid "
		"Format. Make sure you have given the credentials in correct format with \\\":\\\" "
		"character\"}}" },
	{ 401, 900917,
		"{\"fault\":{\"code\":900917, \"message\":\"Invalid Authentication scheme\", "
		"\"description\":\"Invalid Authentication scheme. API can not be used with this "
		"authentication scheme\"}}" },
	{ 429, 900800,
		"{\"fault\":{\"code\":900800, \"message\":\"Message throttled out\", \"description\":"
		"\"You have exceeded your quota\"}}" },
	{ 403, 900805,
		"{\"fault\":{\"code\":900805, \"message\":\"Message blocked\", \"description\":\"You "
		"have been blocked from accesing the resource\"}}" },
	{ 500, 900809,
		"{\"fault\":{\"code\":900809, \"message\":\"Internal server error occured\", "
		"\"description\":\"POLICY ENFORCEMENT ERROR\"}}" },
	{ 500, 101503,
		"{\"fault\":{\"code\":101503, \"message\":\"Runtime Error\", \"description\":\"Error "
		"connecting to the back end\"}}" },
	{ 500, 103500,
		"{\"fault\":{\"code\":103500, \"message\":\"Internal Server Error\", "
		"\"description\":\"A hook of the API failed\"}}" },
	{ 500, 101504,
		"{\"fault\":{\"code\":101504, \"message\":\"Runtime Error\", \"description\":"
		"\"Connection timed out\"}}" },
};

static void bodies_are_the_specifications_byte_for_byte(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct verdict v = { 0 };

		fault_answer(a, table[i].code, "why", &v);
		assert_int_equal(v.kind, VERDICT_ANSWER);
		assert_int_equal(v.status, table[i].status);
		assert_int_equal(v.fault_code, table[i].code);
		assert_string_equal(v.body.at, table[i].body);
		assert_int_equal(v.body.n, strlen(table[i].body));
		assert_string_equal(v.content_type, "application/json");
	}
}

static void unknown_codes_are_not_in_the_table(void **state)
{
	(void)state;
	assert_null(fault_find(0));
	assert_null(fault_find(900999));
}

static void texts_are_escaped(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct span s = core_fault(a, 1, "a\"b\\c\n\x01", "\xc3\xa9");
	struct err err = { .msg = "" };

	(void)state;
	assert_string_equal(s.at,
		"{\"fault\":{\"code\":1, \"message\":\"a\\\"b\\\\c\\u000a\\u0001\", "
		"\"description\":\"\xc3\xa9\"}}");
	assert_non_null(json_parse(a, s.at, s.n, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_the_specifications_byte_for_byte),
		cmocka_unit_test(unknown_codes_are_not_in_the_table),
		cmocka_unit_test(texts_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
