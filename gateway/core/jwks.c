#include "gateway/core/jwks.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "gateway/core/signature.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_COORDINATE = 66,
	MAX_EXPONENT = 8, /* bytes; larger ones only cost time */
};

struct known {
	struct arena *arena; /* NULL: nothing taken yet */
	struct jwk_set set;
	unsigned char digest[SHA256_BYTES];
};

struct jwks {
	size_t n;
	struct known *issuers;
};

/* ---- one key ---- */

static bool octets(
	struct arena *a, const struct json *jwk, const char *name, size_t most, struct span *ret)
{
	const char *text = json_get_str(jwk, name);

	ret->at = text ? base64url_decode(a, text, strlen(text), &ret->n) : NULL;
	return ret->at && ret->n > 0 && ret->n <= most;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *parts)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa_key(struct arena *a, const struct json *jwk)
{
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	struct span n, e;
	EVP_PKEY *key = NULL;
	BIGNUM *big_n;
	BIGNUM *big_e;

	if (parts && octets(a, jwk, "n", SIGNATURE_MAX_RSA_BITS / 8, &n) &&
		octets(a, jwk, "e", MAX_EXPONENT, &e)) {
		big_n = BN_bin2bn((const unsigned char *)n.at, (int)n.n, NULL);
		big_e = BN_bin2bn((const unsigned char *)e.at, (int)e.n, NULL);
		if (big_n && big_e && OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, big_n) &&
			OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, big_e))
			key = key_from("RSA", parts);
		BN_free(big_n);
		BN_free(big_e);
	}
	OSSL_PARAM_BLD_free(parts);
	return key;
}

static EVP_PKEY *ec_key(struct arena *a, const struct json *jwk)
{
	unsigned char point[1 + 2 * MAX_COORDINATE] = { 0x04 };
	const char *curve = json_get_str(jwk, "crv");
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	struct span x, y;

	if (parts && curve && octets(a, jwk, "x", MAX_COORDINATE, &x) &&
		octets(a, jwk, "y", MAX_COORDINATE, &y) && x.n == y.n) {
		memcpy(point + 1, x.at, x.n);
		memcpy(point + 1 + x.n, y.at, y.n);
		if (OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
			OSSL_PARAM_BLD_push_octet_string(
				parts, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * x.n))
			key = key_from("EC", parts);
	}
	OSSL_PARAM_BLD_free(parts);
	return key;
}

static EVP_PKEY *okp_key(struct arena *a, const struct json *jwk)
{
	struct span x;

	if (!str_eq(json_get_str(jwk, "crv"), "Ed25519") || !octets(a, jwk, "x", 32, &x))
		return NULL;
	return EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, (const unsigned char *)x.at, x.n);
}

static bool is_for_verifying(const struct json *jwk)
{
	const struct json *operations = json_get(jwk, "key_ops");
	const char *use = json_get_str(jwk, "use");

	if (use && !str_eq(use, "sig"))
		return false;
	json_foreach (v, operations)
		if (str_eq(json_str(v), "verify"))
			return true;
	return !operations;
}

static bool read_jwk(struct arena *a, const struct json *jwk, struct jwk *ret)
{
	const char *type = json_get_str(jwk, "kty");
	const char *alg = json_get_str(jwk, "alg");
	struct signature_key *verifies;
	struct err ignored;
	EVP_PKEY *key = NULL;

	if (!is_for_verifying(jwk))
		return false;
	if (str_eq(type, "RSA"))
		key = rsa_key(a, jwk);
	else if (str_eq(type, "EC"))
		key = ec_key(a, jwk);
	else if (str_eq(type, "OKP"))
		key = okp_key(a, jwk);
	if (!key)
		return false;
	verifies = signature_key_new(a, key, &ignored);
	if (!verifies)
		return false;
	*ret = (struct jwk){ .key.verifies = verifies, .algs = signature_key_algs(verifies) };
	if (alg)
		ret->algs &= signature_alg_parse(alg);
	if (json_get_str(jwk, "kid"))
		ret->kid = arena_dup(a, json_get_str(jwk, "kid"));
	return ret->algs != 0;
}

bool jwks_read(struct arena *a, const char *text, size_t n, struct jwk_set *ret, struct err *err)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const struct json *root = json_parse(tmp, text, n, err);
	const struct json *keys = json_get(root, "keys");

	*ret = (struct jwk_set){ 0 };
	if (!root)
		return false;
	if (!json_is_array(keys))
		return err_set(err, ERR_INVALID, "keys: %s, expected a list", json_type_name(keys));
	if (json_len(keys) > JWKS_MAX_KEYS)
		return err_set(err, ERR_LIMIT, "keys: %zu, the limit is %d", json_len(keys),
			JWKS_MAX_KEYS);
	ret->at = arena_alloc(a, (json_len(keys) + 1) * sizeof(*ret->at));
	json_foreach (v, keys)
		ret->n += read_jwk(a, v, &ret->at[ret->n]);
	ERR_clear_error();
	return ret->n > 0 || err_set(err, ERR_INVALID, "keys: none of them can verify signatures");
}

/* ---- where they are ---- */

bool jwks_url_parse(struct arena *a, const char *url, struct contract_target *ret,
	const char **ret_path, struct err *err)
{
	size_t n = strcspn(url, "?");
	const char *query = url + n;

	for (const char *p = query; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return err_set(err, ERR_INVALID, "a character that no URL may contain");
	if (!contract_target_parse(a, arena_dupn(a, url, n), ret, err))
		return false;
	*ret_path = arena_printf(a, "%s%s", *ret->path ? ret->path : "/", query);
	return true;
}

/* ---- the sets in use ---- */

struct jwks *jwks_new(const struct contract *c)
{
	struct jwks *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	k->n = c->n_issuers;
	k->issuers = calloc(c->n_issuers + 1, sizeof(*k->issuers));
	if (!k->issuers)
		abort();
	return k;
}

void jwks_free(struct jwks *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		arena_free(k->issuers[i].arena);
	free(k->issuers);
	free(k);
}

bool jwks_take(struct jwks *k, size_t issuer, const char *text, size_t n, struct err *err)
{
	struct known *to = &k->issuers[issuer];
	struct known fresh = { .arena = arena_new() };

	*err = (struct err){ 0 };
	sha256(text, n, fresh.digest);
	if ((to->arena && memcmp(fresh.digest, to->digest, SHA256_BYTES) == 0) ||
		!jwks_read(fresh.arena, text, n, &fresh.set, err)) {
		arena_free(fresh.arena);
		return false;
	}
	arena_free(to->arena);
	*to = fresh;
	return true;
}

bool jwks_has_keys(const struct jwks *k, size_t issuer)
{
	return k->issuers[issuer].set.n > 0;
}

bool jwks_may_be_old(const struct jwks *k, size_t issuer, const struct token_parts *p)
{
	const struct jwk_set *set = &k->issuers[issuer].set;

	for (size_t i = 0; p->kid && i < set->n; i++)
		if (str_eq(set->at[i].kid, p->kid))
			return false;
	return true;
}

const struct contract_key *jwks_signer(
	const struct jwks *k, size_t issuer, const struct token_parts *p)
{
	const struct jwk_set *set = &k->issuers[issuer].set;

	for (size_t i = 0; i < set->n; i++) {
		const struct jwk *jwk = &set->at[i];

		if (jwk->kid && p->kid && !str_eq(jwk->kid, p->kid))
			continue;
		if ((jwk->algs & p->alg) && token_signed_by(p, &jwk->key))
			return &jwk->key;
	}
	return NULL;
}

bool jwks_knows(const struct jwks *k, size_t issuer, const struct contract_key *signer)
{
	const struct jwk_set *set = &k->issuers[issuer].set;

	for (size_t i = 0; i < set->n; i++)
		if (&set->at[i].key == signer)
			return true;
	return false;
}
