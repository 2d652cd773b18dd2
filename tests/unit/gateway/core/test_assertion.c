#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway/core/assertion.h"
#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

/* Golden contracts are valid ones. */
static const char valid[] = "tests/golden/toolkit/backend-jwt/contract.json";

enum {
	NOW = 1700000000
};

struct fixture {
	struct arena *a;
	struct contract *contract;
	struct assertions *assertions;
	struct verdict verdict;
};

static char *private_pem(struct arena *a, EVP_PKEY *key)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(out, &text);
	text = arena_dupn(a, text, (size_t)n);
	BIO_free(out);
	return text;
}

static void take(struct fixture *f, EVP_PKEY *key)
{
	const char *pem = private_pem(f->a, key);
	struct err err = { .msg = "" };

	if (!assertions_take_key(f->assertions, pem, strlen(pem), &err))
		fail_msg("%s", err.msg);
}

/* Called with a token of these claims. */
static void called_by(struct fixture *f, const char *claims)
{
	const char *token = a_token(f->a, test_key(1), claims);

	f->verdict = (struct verdict){ .api = &f->contract->apis[0],
		.subject = { "alice", 5 },
		.application = { "shop", 4 },
		.token = { token, strlen(token) } };
}

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ .a = arena_new() };
	f->contract = a_contract(f->a, test_file(f->a, valid, NULL));
	f->assertions = assertions_new(f->contract);
	called_by(f, "{\"sub\":\"alice\"}");
}

static void release(struct fixture *f)
{
	assertions_free(f->assertions);
	arena_free(f->a);
}

static const char *made(struct fixture *f, int64_t now_s)
{
	struct span s;

	assert_true(assertion_for(f->assertions, f->a, &f->verdict, now_s, &s));
	assert_int_equal(s.at[s.n], '\0');
	return s.at;
}

static const struct json *part(struct fixture *f, const char *token, size_t i)
{
	struct err err = { .msg = "" };
	const char *text;
	size_t n;

	for (; i > 0; i--)
		token = strchr(token, '.') + 1;
	text = base64url_decode(f->a, token, strcspn(token, "."), &n);
	return json_parse(f->a, text, n, &err);
}

static const struct json *claims(struct fixture *f)
{
	return part(f, made(f, NOW), 1);
}

#define DIALECT "http://wso2.org/claims/"

static void it_says_who_calls_what(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const struct json *c;

	set_up(&f);
	take(&f, test_key(0));
	called_by(&f,
		"{\"iss\":\"other\",\"sub\":\"alice\",\"jti\":\"7\",\"exp\":1,\"scope\":\"read\",\"email\":\"a@b\","
		"\"application\":{\"id\":3,\"name\":\"shop\",\"owner\":\"bob\",\"tier\":\"Gold\"},"
		"\"subscribedAPIs\":[{\"name\":\"Store\",\"version\":\"v1\",\"subscriptionTier\":\"Silver\","
		"\"subscriberTenantDomain\":\"carbon.super\"}],\"own\":[1],"
		"\"http://wso2.org/claims/enduser\":\"forged\"}");
	c = claims(&f);
	assert_string_equal(json_get_str(c, "iss"), "https://gateway.example");
	assert_string_equal(json_get_str(c, "aud"), "https://store.example");
	assert_string_equal(json_get_str(c, "sub"), "alice");
	assert_int_equal(json_get_int(c, "iat", 0), NOW);
	assert_int_equal(json_get_int(c, "exp", 0), NOW + 60);
	assert_string_not_equal(json_get_str(c, "jti"), "7");
	assert_string_equal(json_get_str(c, DIALECT "enduser"), "alice");
	assert_string_equal(json_get_str(c, DIALECT "applicationid"), "3");
	assert_string_equal(json_get_str(c, DIALECT "applicationname"), "shop");
	assert_string_equal(json_get_str(c, DIALECT "applicationtier"), "Gold");
	assert_string_equal(json_get_str(c, DIALECT "subscriber"), "bob");
	assert_string_equal(json_get_str(c, DIALECT "apiname"), "Store");
	assert_string_equal(json_get_str(c, DIALECT "apicontext"), "/store");
	assert_string_equal(json_get_str(c, DIALECT "version"), "v1");
	assert_string_equal(json_get_str(c, DIALECT "tier"), "Silver");
	assert_string_equal(json_get_str(c, DIALECT "enduserTenantDomain"), "carbon.super");
	assert_string_equal(json_get_str(c, DIALECT "keytype"), "PRODUCTION");
	assert_string_equal(json_get_str(c, "scope"), "read");
	assert_int_equal(json_len(json_get(c, "own")), 1);
	assert_null(json_get(c, "email"));
	assert_null(json_get(c, "application"));
	assert_null(json_get(c, "subscribedAPIs"));
}

static void callers_without_a_token_are_named_too(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const struct json *c;

	set_up(&f);
	take(&f, test_key(0));
	f.verdict.token = (struct span){ 0 };
	f.verdict.sandbox = true;
	c = claims(&f);
	assert_string_equal(json_get_str(c, DIALECT "enduser"), "alice");
	assert_string_equal(json_get_str(c, DIALECT "applicationname"), "shop");
	assert_string_equal(json_get_str(c, DIALECT "keytype"), "SANDBOX");
}

static void its_signature_is_the_keys(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const char *token;
	const char *last;
	struct span sum;

	set_up(&f);
	take(&f, test_key(0));
	token = made(&f, NOW);
	last = strrchr(token, '.');
	sum.at = base64url_decode(f.a, last + 1, strlen(last + 1), &sum.n);
	assert_true(signature_ok(test_verifies(f.a, test_key(0)), ALG_RS256,
		(struct span){ token, (size_t)(last - token) }, sum));
	assert_false(signature_ok(test_verifies(f.a, test_key(1)), ALG_RS256,
		(struct span){ token, (size_t)(last - token) }, sum));
	assert_string_equal(json_get_str(part(&f, token, 0), "alg"), "RS256");
	assert_int_equal(strlen(json_get_str(part(&f, token, 0), "kid")), 64);
}

static void one_is_made_per_caller_and_api_and_used_for_half_of_its_life(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const char *first;

	set_up(&f);
	take(&f, test_key(0));
	first = made(&f, NOW);
	assert_string_equal(made(&f, NOW + 29), first);
	assert_string_not_equal(made(&f, NOW + 30), first);
	first = made(&f, NOW + 30);
	called_by(&f, "{\"sub\":\"alice\",\"jti\":\"2\"}");
	assert_string_not_equal(made(&f, NOW + 30), first);
}

static void another_key_makes_others(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const char *first;

	set_up(&f);
	take(&f, test_key(0));
	first = made(&f, NOW);
	take(&f, test_key(1));
	assert_string_not_equal(made(&f, NOW), first);
}

static void without_a_key_none_is_made(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	struct span s;

	set_up(&f);
	assert_false(assertion_for(f.assertions, f.a, &f.verdict, NOW, &s));
}

static void keys_that_are_not_fit_change_nothing(void **state UNUSED)
{
	AUTO(release) struct fixture f;
	const char *first;

	set_up(&f);
	take(&f, test_key(0));
	first = made(&f, NOW);
	for (int i = 0; i < 4; i++) {
		const char *texts[] = { "", "no key", private_pem(f.a, test_key_of("P-256")),
			private_pem(f.a, test_key_of("RSA-1024")) };
		struct err err = { .msg = "" };

		assert_false(assertions_take_key(f.assertions, texts[i], strlen(texts[i]), &err));
		assert_non_null(strstr(err.msg, "expected"));
	}
	assert_string_equal(made(&f, NOW), first);
}

static void bounds_of_the_contract_are_checked(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const wrong[] = { "\"seconds\":\t9", "\"seconds\":\t86401",
		"\"seconds\":\t\"60\"", "\"other\":\t60" };
	const char *text = test_file(a, valid, NULL);
	const char *at = strstr(text, "\"seconds\":\t60");

	assert_non_null(at);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *other =
			arena_printf(a, "%.*s%s%s", (int)(at - text), text, wrong[i], at + 13);
		struct err err = { .msg = "accepted" };

		assert_null(contract_load(a, other, strlen(other), &err));
		assert_non_null(strstr(err.msg, "backendJwt"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_who_calls_what),
		cmocka_unit_test(callers_without_a_token_are_named_too),
		cmocka_unit_test(its_signature_is_the_keys),
		cmocka_unit_test(one_is_made_per_caller_and_api_and_used_for_half_of_its_life),
		cmocka_unit_test(another_key_makes_others),
		cmocka_unit_test(without_a_key_none_is_made),
		cmocka_unit_test(keys_that_are_not_fit_change_nothing),
		cmocka_unit_test(bounds_of_the_contract_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
