#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/kube/status.h"
#include "tests/support/unit.h"

static void every_status_has_a_code(void **state UNUSED)
{
	const struct {
		int http;
		enum err_code code;
	} cases[] = { { 200, ERR_NONE }, { 201, ERR_NONE }, { 202, ERR_NONE }, { 400, ERR_INVALID },
		{ 401, ERR_DENIED }, { 403, ERR_DENIED }, { 404, ERR_NOT_FOUND },
		{ 405, ERR_INVALID }, { 408, ERR_TIMEOUT }, { 409, ERR_CONFLICT },
		{ 410, ERR_UNAVAILABLE }, { 413, ERR_INVALID }, { 422, ERR_INVALID },
		{ 429, ERR_UNAVAILABLE }, { 500, ERR_UNAVAILABLE }, { 503, ERR_UNAVAILABLE },
		{ 504, ERR_UNAVAILABLE }, { 0, ERR_UNAVAILABLE }, { 301, ERR_UNAVAILABLE },
		{ 999, ERR_UNAVAILABLE } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(status_code(cases[i].http), cases[i].code);
}

static void the_servers_words_are_passed_on(void **state UNUSED)
{
	const char *status = "{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" not found\"}";
	struct err err;

	assert_false(status_err(404, status, strlen(status), &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.msg, "404 from the API server: pods \"x\" not found");
}

static void other_answers_are_quoted_in_one_printable_line(void **state UNUSED)
{
	const char *const odd[] = { "<html>\nno",
		"\x01\xff"
		"a",
		"{\"message\":5}", "[]" };
	const char *const quoted[] = { "<html>", "??a", "{\"message\":5}", "[]" };
	struct err err;
	char want[64];

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		assert_false(status_err(502, odd[i], strlen(odd[i]), &err));
		(void)snprintf(want, sizeof(want), "502 from the API server: %s", quoted[i]);
		assert_string_equal(err.msg, want);
	}
	assert_false(status_err(502, NULL, 0, &err));
	assert_string_equal(err.msg, "502 from the API server: no message");
}

static void a_status_object_has_a_code(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_int_equal(status_of(json_format(a, "{'kind':'Status','code':410}")), 410);
	assert_int_equal(status_of(json_format(a, "{'kind':'Status'}")), 500);
	assert_int_equal(status_of(json_format(a, "{'kind':'Pod','code':410}")), 0);
	assert_int_equal(status_of(NULL), 0);
}

static void an_object_of_another_uid_is_a_conflict(void **state UNUSED)
{
	static const char body[] =
		"{\"kind\":\"Status\",\"message\":\"is invalid\",\"details\":{\"causes\":[{\"field\":\"metadata.uid\"}]}}";
	static const char other[] =
		"{\"kind\":\"Status\",\"message\":\"is invalid\",\"details\":{\"causes\":[{\"field\":\"spec\"}]}}";
	struct err err;

	assert_false(status_err(422, body, strlen(body), &err));
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_false(status_err(422, other, strlen(other), &err));
	assert_int_equal(err.code, ERR_INVALID);
}

static void a_namespace_that_ends_is_no_lack_of_rights(void **state UNUSED)
{
	static const char body[] =
		"{\"kind\":\"Status\",\"message\":\"forbidden\",\"details\":{\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}}";
	struct err err;

	assert_false(status_err(403, body, strlen(body), &err));
	assert_int_equal(err.code, ERR_ENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_code),
		cmocka_unit_test(the_servers_words_are_passed_on),
		cmocka_unit_test(a_namespace_that_ends_is_no_lack_of_rights),
		cmocka_unit_test(other_answers_are_quoted_in_one_printable_line),
		cmocka_unit_test(a_status_object_has_a_code),
		cmocka_unit_test(an_object_of_another_uid_is_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
