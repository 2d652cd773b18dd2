#include "gateway/core/signature.h"
#include "gateway/core/token.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

static const struct {
	const char *name;
	enum signature_alg alg;
	const char *key; /* NULL: RSA */
} all[] = {
	{ "RS256", ALG_RS256, NULL },
	{ "RS384", ALG_RS384, NULL },
	{ "RS512", ALG_RS512, NULL },
	{ "PS256", ALG_PS256, NULL },
	{ "PS384", ALG_PS384, NULL },
	{ "PS512", ALG_PS512, NULL },
	{ "ES256", ALG_ES256, "P-256" },
	{ "ES384", ALG_ES384, "P-384" },
	{ "ES512", ALG_ES512, "P-521" },
	{ "EdDSA", ALG_EDDSA, "ED25519" },
};

static struct evp_pkey_st *key_of(size_t i)
{
	return all[i].key ? test_key_of(all[i].key) : test_key(0);
}

/* For all tests: what was made for one signature serves the next, good or bad. */
static struct arena *keys;

static struct signature_key *verifier(size_t i)
{
	static struct signature_key *made[ARRAY_LEN(all)];

	for (size_t k = 0; k < i; k++)
		if (key_of(k) == key_of(i))
			return verifier(k);
	if (!made[i])
		made[i] = test_verifies(keys, key_of(i));
	return made[i];
}

static const struct span text = { "header.payload", 14 };

static void every_algorithm_verifies_its_own_signatures_only(void **state)
{
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct span good = test_sign(a, key_of(i), all[i].alg, text.at);

		assert_int_equal(signature_alg_parse(all[i].name), all[i].alg);
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			for (size_t other = 0; other < ARRAY_LEN(all); other++)
				if (signature_ok(verifier(k), all[other].alg, text, good) !=
					(key_of(k) == key_of(i) && other == i))
					fail_msg("%s by %s as %s", all[i].name, all[k].name,
						all[other].name);
	}
}

static void a_changed_bit_anywhere_is_noticed(void **state)
{
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct span good = test_sign(a, key_of(i), all[i].alg, text.at);

		for (size_t k = 0; k < good.n; k += 7) {
			char *bad = arena_dupn(a, good.at, good.n);

			bad[k] = (char)(bad[k] ^ 1 << k % 8);
			assert_false(signature_ok(
				verifier(i), all[i].alg, text, (struct span){ bad, good.n }));
		}
	}
}

static void signatures_of_another_length_are_refused(void **state)
{
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct span good = test_sign(a, key_of(i), all[i].alg, text.at);
		char *longer = arena_alloc(a, good.n + 2);

		memcpy(longer + 1, good.at, good.n);
		assert_false(signature_ok(verifier(i), all[i].alg, text, (struct span){ "", 0 }));
		assert_false(signature_ok(
			verifier(i), all[i].alg, text, (struct span){ good.at, good.n - 1 }));
		assert_false(signature_ok(
			verifier(i), all[i].alg, text, (struct span){ longer, good.n + 1 }));
		assert_false(signature_ok(
			verifier(i), all[i].alg, text, (struct span){ longer, good.n + 2 }));
		assert_false(signature_ok(
			verifier(i), all[i].alg, text, (struct span){ longer + 1, good.n + 1 }));
	}
}

/* CVE-2022-21449: R and S of zero once passed as a signature of anything. */
static void zeroes_sign_nothing(void **state)
{
	static const char zeroes[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t n = 0; n <= 512; n++)
			if (signature_ok(verifier(i), all[i].alg, text, (struct span){ zeroes, n }))
				fail_msg("%s, %zu zeroes", all[i].name, n);
}

static void ecdsa_signatures_in_der_are_refused(void **state)
{
	static const char der[] =
		"\x30\x06\x02\x01\x01\x02\x01\x01"; /* R = S = 1 as OpenSSL writes it */

	assert_false(signature_ok(test_verifies(*state, test_key_of("P-256")), ALG_ES256, text,
		(struct span){ der, sizeof(der) - 1 }));
}

static void other_algorithms_have_no_name(void **state)
{
	static const char *const others[] = { "none", "None", "HS256", "HS384", "HS512", "rs256",
		"RS1", "ES256K", "Ed448", "RSA-OAEP", "dir", "", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(signature_alg_parse(others[i]), 0);
	assert_int_equal(signature_alg_parse("Ed25519"), ALG_EDDSA);
}

static void weak_and_unusual_keys_are_refused(void **state)
{
	static const struct {
		const char *type;
		const char *message;
	} cases[] = {
		{ "RSA-1024", "an RSA key of 1024 bits, expected RSA of 2048 to 8192 bits" },
		{ "secp256k1", "an EC key on another curve, expected" },
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *pem = test_key_pem(*state, test_key_of(cases[i].type));

		assert_null(signature_key_pem(*state, pem, &err));
		assert_non_null(strstr(err.msg, cases[i].message));
	}
	assert_null(signature_key_pem(*state, "-----BEGIN", &err));
	assert_non_null(strstr(err.msg, "a PEM public key"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(every_algorithm_verifies_its_own_signatures_only),
		WITH_ARENA(a_changed_bit_anywhere_is_noticed),
		WITH_ARENA(signatures_of_another_length_are_refused),
		WITH_ARENA(zeroes_sign_nothing),
		WITH_ARENA(ecdsa_signatures_in_der_are_refused),
		WITH_ARENA(other_algorithms_have_no_name),
		WITH_ARENA(weak_and_unusual_keys_are_refused),
	};
	int failed;

	keys = arena_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(keys);
	return failed;
}
