#include "builder-svc/amazon.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

static void a_registrys_name_says_where_its_tokens_come_from(void **state)
{
	static const struct {
		const char *registry;
		const char *region;
		const char *endpoint;
	} cases[] = {
		{ "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1",
			"https://api.ecr.eu-central-1.amazonaws.com" },
		{ "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1",
			"https://api.ecr.cn-north-1.amazonaws.com.cn" },
		{ "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1",
			"https://ecr-fips.us-gov-west-1.amazonaws.com" },
	};
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { .code = ERR_NONE };
		struct ecr_place place;

		assert_true(ecr_place_of(a, cases[i].registry, NULL, &place, &err));
		assert_string_equal(place.region, cases[i].region);
		assert_string_equal(place.endpoint, cases[i].endpoint);
	}
}

static void no_other_host_is_sent_a_signed_request(void **state)
{
	static const char *const bad[] = { "", "docker.io", "123456789012.dkr.ecr..amazonaws.com",
		"12345678901.dkr.ecr.eu-central-1.amazonaws.com",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil",
		"123456789012.dkr.ecr.eu.central.amazonaws.com",
		"123456789012.dkr.ecr.evil/.amazonaws.com", "public.ecr.aws",
		"123456789012.dkr.ecr-fips.cn-north-1.amazonaws.com.cn" };
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { .code = ERR_NONE };
		struct ecr_place place;

		assert_false(ecr_place_of(a, bad[i], "", &place, &err));
		assert_int_equal(err.code, ERR_INVALID);
	}
}

static void an_endpoint_that_is_configured_goes_before(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct ecr_place place;

	(void)state;
	assert_true(ecr_place_of(a, "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
		"https://ecr.vpc.example", &place, &err));
	assert_string_equal(place.region, "eu-west-1");
	assert_string_equal(place.endpoint, "https://ecr.vpc.example");
	assert_true(ecr_place_of(a, "reg:5000", "http://127.0.0.1:1", &place, &err));
	assert_string_equal(place.endpoint, "http://127.0.0.1:1");
}

static bool read(struct arena *a, const char *text, struct aws_key *ret, struct err *err)
{
	*err = (struct err){ .code = ERR_NONE };
	return aws_key_read(a, text, strlen(text), ret, err);
}

static void the_default_profile_of_a_credentials_file_is_used(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct aws_key key;
	struct err err;

	(void)state;
	assert_true(read(a,
		"# comment = x\r\n[other]\naws_access_key_id = NO\n\n[default]\r\n"
		"  aws_access_key_id=AKIA1\r\naws_secret_access_key =  a=/+b  \n; x\n"
		"region = eu-central-1\naws_session_token\t=\tt==\n[last]\naws_access_key_id=NO",
		&key, &err));
	assert_string_equal(key.id, "AKIA1");
	assert_string_equal(key.secret, "a=/+b");
	assert_string_equal(key.session, "t==");
	assert_true(read(a, "aws_access_key_id=A\naws_secret_access_key=B", &key, &err));
	assert_string_equal(key.secret, "B");
	assert_null(key.session);
}

static void what_a_credentials_file_lacks_is_told_without_what_it_has(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct aws_key key;
	struct err err;

	(void)state;
	assert_false(read(a, "", &key, &err));
	assert_non_null(strstr(err.msg, "has no usable aws_access_key_id"));
	assert_false(read(a, "[default]\naws_access_key_id = AKIA1\n", &key, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "has no usable aws_secret_access_key"));
	assert_false(read(a, "[default]\naws_secret_access_key = s3cret\n", &key, &err));
	assert_null(strstr(err.msg, "s3cret"));
	assert_false(read(a, "aws_access_key_id=A\rX: y\naws_secret_access_key=B", &key, &err));
	assert_non_null(strstr(err.msg, "has no usable aws_access_key_id"));
	assert_false(read(a, "[other]\naws_access_key_id=A\naws_secret_access_key=B", &key, &err));
	err.code = ERR_NONE;
	assert_false(aws_key_read(a, arena_alloc(a, 1), AWS_MAX_CREDENTIALS + 1, &key, &err));
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registrys_name_says_where_its_tokens_come_from),
		cmocka_unit_test(no_other_host_is_sent_a_signed_request),
		cmocka_unit_test(an_endpoint_that_is_configured_goes_before),
		cmocka_unit_test(the_default_profile_of_a_credentials_file_is_used),
		cmocka_unit_test(what_a_credentials_file_lacks_is_told_without_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
