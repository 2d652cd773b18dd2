#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct json *noted(struct arena *a, const char *key, const char *text)
{
	struct json *annotations = json_object(a);

	json_set_str(a, annotations, key, text);
	return json_format(a, "{'metadata':{'annotations':%j}}", annotations);
}

static struct json *request_note(struct arena *a, const char *text)
{
	return noted(a, "apim.wso2.com/build", text);
}

static struct json *result_note(struct arena *a, const char *text)
{
	return noted(a, "apim.wso2.com/build-result", text);
}

static struct build_request a_request(struct arena *a)
{
	struct build_request r = {
		.input_hash = HASH,
		.contract_sha256 = HASH,
		.image = "reg:5000/shop/online-store:v1-0123",
		.generation = 7,
	};

	vec_add(a, &r.definitions, arena_dup(a, "online-store-swagger-mgw"));
	vec_add(a, &r.definitions, arena_dup(a, "second-mgw"));
	return r;
}

static void a_request_survives_writing_and_reading(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct build_request back;

	(void)state;
	r.override = true;
	r.attempt = "20261123";
	assert_true(build_request_read(a, request_note(a, build_request_text(a, &r)), &back));
	assert_string_equal(back.input_hash, HASH);
	assert_string_equal(back.contract_sha256, HASH);
	assert_string_equal(back.image, r.image);
	assert_int_equal(back.definitions.n, 2);
	assert_string_equal(back.definitions.at[1], "second-mgw");
	assert_int_equal(back.generation, 7);
	assert_true(back.override);
	assert_string_equal(back.attempt, "20261123");
	assert_string_equal(build_request_text(a, &back), build_request_text(a, &r));
}

static void a_damaged_request_counts_as_absent(void **state)
{
	static const char *const damaged[] = {
		"",
		"nonsense",
		"[]",
		"{}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"x:y\"}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"x:y\",\"definitions\":[]}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"x:y\",\"definitions\":[\"\"]}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"x:y\",\"definitions\":[1]}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"\",\"definitions\":[\"a\"]}",
		"{\"inputHash\":\"12\",\"image\":\"x:y\",\"definitions\":[\"a\"]}",
		"{\"inputHash\":\"" HASH "\",\"image\":\"x:y\",\"definitions\":[\"a\"],"
		"\"contractSha256\":\"../etc\"}",
	};
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
		assert_false(build_request_read(a, request_note(a, damaged[i]), &r));
	assert_false(build_request_read(a, NULL, &r));
	assert_false(build_request_read(a, json_object(a), &r));
}

static void a_result_survives_writing_and_reading(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r = {
		.state = BUILD_FAILED,
		.input_hash = HASH,
		.reason = "BuildFailed",
		.message = "line one\nline two",
		.job = "online-store-kaniko",
		.job_uid = "u-1",
		.attempts = 3,
		.retry_at = 1790000000,
		.config = "abc",
	};
	struct build_result back;

	(void)state;
	assert_true(build_result_read(a, result_note(a, build_result_text(a, &r)), &back));
	assert_int_equal(back.state, BUILD_FAILED);
	assert_string_equal(back.message, "line one\nline two");
	assert_int_equal(back.attempts, 3);
	assert_int_equal(back.retry_at, 1790000000);
	assert_null(back.digest);
	assert_string_equal(build_result_text(a, &back), build_result_text(a, &r));
}

static void a_damaged_result_counts_as_absent(void **state)
{
	static const char *const damaged[] = {
		"{}",
		"{\"state\":\"ready\"}",
		"{\"state\":\"splendid\",\"inputHash\":\"" HASH "\"}",
		"{\"state\":\"ready\",\"inputHash\":\"" HASH "\"}",
		"{\"state\":\"ready\",\"inputHash\":\"" HASH "\",\"digest\":\"sha256:1\"}",
	};
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
		assert_false(build_result_read(a, result_note(a, damaged[i]), &r));
	assert_false(build_result_read(a, NULL, &r));
}

static void a_result_answers_the_request_of_its_hash(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request request = a_request(a);
	struct build_result result = {
		.state = BUILD_READY, .input_hash = HASH, .image = request.image
	};

	(void)state;
	assert_true(build_answers(a, &result, &request));
	/* The administrator has chosen another registry. */
	result.image = "elsewhere:5000/shop/online-store:v1-0123";
	assert_false(build_answers(a, &result, &request));
	result.image = request.image;
	result.input_hash = "other";
	assert_false(build_answers(a, &result, &request));
}

static void a_forced_build_is_answered_once_per_force(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request request = a_request(a);
	struct build_result result = {
		.state = BUILD_READY, .input_hash = HASH, .image = request.image
	};

	(void)state;
	assert_string_equal(build_force(a, &request), "");
	request.override = true;
	assert_string_equal(build_force(a, &request), "generation-7");
	assert_false(build_answers(a, &result, &request));
	result.force = "generation-7";
	assert_true(build_answers(a, &result, &request));
	request.attempt = "20261123";
	assert_string_equal(build_force(a, &request), "20261123");
	assert_false(build_answers(a, &result, &request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_survives_writing_and_reading),
		cmocka_unit_test(a_damaged_request_counts_as_absent),
		cmocka_unit_test(a_result_survives_writing_and_reading),
		cmocka_unit_test(a_damaged_result_counts_as_absent),
		cmocka_unit_test(a_result_answers_the_request_of_its_hash),
		cmocka_unit_test(a_forced_build_is_answered_once_per_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
