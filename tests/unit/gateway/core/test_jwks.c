#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "gateway/core/jwks.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

static const struct contract two_issuers = { .n_issuers = 2 };

static char *number(struct arena *a, EVP_PKEY *key, const char *name, int bytes)
{
	unsigned char out[1024];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	bytes = BN_bn2binpad(n, out, bytes > 0 ? bytes : BN_num_bytes(n));
	BN_free(n);
	return base64url(a, out, (size_t)bytes);
}

static const char *rsa(struct arena *a, const char *more)
{
	EVP_PKEY *key = test_key(0);

	return arena_printf(a, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
		number(a, key, OSSL_PKEY_PARAM_RSA_N, 0), number(a, key, OSSL_PKEY_PARAM_RSA_E, 0),
		more);
}

static const char *ec(struct arena *a, const char *more)
{
	EVP_PKEY *key = test_key_of("P-256");

	return arena_printf(a, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
		number(a, key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
		number(a, key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), more);
}

static const char *set_of(struct arena *a, const char *keys)
{
	return arena_printf(a, "{\"keys\":[%s]}", keys);
}

static struct token_parts a_token_by(
	struct arena *a, struct evp_pkey_st *key, enum signature_alg alg, const char *kid)
{
	static const struct span text = { "header.payload", 14 };

	return (struct token_parts){ .signed_bytes = text,
		.signature = test_sign(a, key, alg, text.at),
		.alg = alg,
		.kid = kid };
}

static struct jwks *taken(struct arena *a, const char *keys)
{
	struct jwks *k = jwks_new(&two_issuers);
	const char *text = set_of(a, keys);
	struct err err;

	if (!jwks_take(k, 1, text, strlen(text), &err))
		fail_msg("%s", err.msg);
	return k;
}

static void a_key_is_chosen_by_its_name(void **state)
{
	struct arena *a = *state;
	struct jwks *k = taken(a, arena_printf(a, "%s,%s", rsa(a, ",\"kid\":\"r\""), ec(a, "")));
	struct token_parts by_rsa = a_token_by(a, test_key(0), ALG_RS256, "r");
	struct token_parts by_ec = a_token_by(a, test_key_of("P-256"), ALG_ES256, "any");

	assert_non_null(jwks_signer(k, 1, &by_rsa));
	assert_true(jwks_knows(k, 1, jwks_signer(k, 1, &by_rsa)));
	assert_non_null(jwks_signer(k, 1, &by_ec)); /* its key has no name */
	assert_null(jwks_signer(k, 0, &by_rsa));    /* another issuer's */
	by_rsa.kid = NULL;
	assert_non_null(jwks_signer(k, 1, &by_rsa));
	by_rsa.kid = "other";
	assert_null(jwks_signer(k, 1, &by_rsa));
	jwks_free(k);
}

static void only_names_that_are_not_known_ask_for_a_look(void **state)
{
	struct arena *a = *state;
	struct jwks *k = taken(a, rsa(a, ",\"kid\":\"r\""));
	struct token_parts p = { .kid = "r" };

	assert_false(jwks_may_be_old(k, 1, &p));
	assert_true(jwks_may_be_old(k, 0, &p));
	p.kid = "new";
	assert_true(jwks_may_be_old(k, 1, &p));
	p.kid = NULL;
	assert_true(jwks_may_be_old(k, 1, &p));
	jwks_free(k);
}

static void a_key_is_used_as_its_set_says(void **state)
{
	struct arena *a = *state;
	static const struct {
		const char *more;
		bool good;
	} cases[] = {
		{ "", true },
		{ ",\"alg\":\"RS256\"", true },
		{ ",\"alg\":\"PS256\"", false },
		{ ",\"alg\":\"RSA-OAEP\"", false },
		{ ",\"use\":\"sig\"", true },
		{ ",\"use\":\"enc\"", false },
		{ ",\"key_ops\":[\"verify\"]", true },
		{ ",\"key_ops\":[\"encrypt\"]", false },
		{ ",\"x5c\":[\"anything\"],\"x5t\":\"y\"", true },
	};
	struct token_parts p = a_token_by(a, test_key(0), ALG_RS256, NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *keys = arena_printf(a, "%s,%s", rsa(a, cases[i].more), ec(a, ""));
		struct jwks *k = taken(a, keys);

		if ((jwks_signer(k, 1, &p) != NULL) != cases[i].good)
			fail_msg("%s", cases[i].more);
		jwks_free(k);
	}
}

static void what_cannot_verify_is_left_out_and_nothing_else_refused(void **state)
{
	struct arena *a = *state;
	static const char *const bad[][2] = {
		{ "", "line 1" },
		{ "[]", "keys: nothing, expected a list" },
		{ "{\"keys\":{}}", "keys: object, expected a list" },
		{ "{\"keys\":[]}", "none of them" },
		{ "{\"keys\":[1,null,{}]}", "none of them" },
		{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "none of them" },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}]}", "none of them" },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}]}",
			"none of them" },
		{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AQ\"}]}",
			"none of them" },
	};
	struct jwk_set set;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(jwks_read(a, bad[i][0], strlen(bad[i][0]), &set, &err));
		if (!strstr(err.msg, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], err.msg);
	}
}

static void a_broken_set_leaves_the_known_one(void **state)
{
	struct arena *a = *state;
	struct jwks *k = taken(a, ec(a, ""));
	struct token_parts p = a_token_by(a, test_key_of("P-256"), ALG_ES256, NULL);
	const struct contract_key *before = jwks_signer(k, 1, &p);
	const char *same = set_of(a, ec(a, ""));
	const char *other = set_of(a, rsa(a, ""));
	struct err err;

	assert_false(jwks_take(k, 1, "{}", 2, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_ptr_equal(jwks_signer(k, 1, &p), before);
	assert_false(jwks_take(k, 1, same, strlen(same), &err));
	assert_int_equal(err.code, ERR_NONE);
	assert_ptr_equal(jwks_signer(k, 1, &p), before);
	assert_true(jwks_take(k, 1, other, strlen(other), &err));
	assert_null(jwks_signer(k, 1, &p));
	jwks_free(k);
}

static void a_url_is_a_place_and_a_path(void **state)
{
	struct arena *a = *state;
	struct contract_target at;
	const char *path;
	struct err err;

	assert_true(jwks_url_parse(a, "https://issuer.example/keys?p=one", &at, &path, &err));
	assert_true(at.tls);
	assert_string_equal(at.host, "issuer.example");
	assert_string_equal(path, "/keys?p=one");
	assert_true(jwks_url_parse(a, "http://issuer.example:8080", &at, &path, &err));
	assert_string_equal(path, "/");
	assert_false(jwks_url_parse(a, "ftp://issuer.example/keys", &at, &path, &err));
	assert_false(jwks_url_parse(a, "https://issuer.example/keys?a b", &at, &path, &err));
	assert_false(jwks_url_parse(a, "https://issuer.example/keys?a\r\nX: y", &at, &path, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(a_key_is_chosen_by_its_name),
		WITH_ARENA(only_names_that_are_not_known_ask_for_a_look),
		WITH_ARENA(a_key_is_used_as_its_set_says),
		WITH_ARENA(what_cannot_verify_is_left_out_and_nothing_else_refused),
		WITH_ARENA(a_broken_set_leaves_the_known_one),
		WITH_ARENA(a_url_is_a_place_and_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
