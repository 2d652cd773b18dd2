/* Tokens signed with every algorithm, then edited: what we accept, libcjose has to accept as well;
 * what nobody edited, both accept. What we read in a token's claims, libjansson reads there too.
 *
 * Input: key, algorithm that signs, algorithm that the header names, number of edits, edits (place,
 * place, bits), claims. libcjose knows no EdDSA: there the token must be the one that was signed.
 */
#include <cjose/cjose.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "gateway/core/token.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
	const char *name;
	enum signature_alg alg;
	int key;
} algs[] = {
	{ "RS256", ALG_RS256, 0 },
	{ "RS384", ALG_RS384, 0 },
	{ "RS512", ALG_RS512, 0 },
	{ "PS256", ALG_PS256, 0 },
	{ "PS384", ALG_PS384, 0 },
	{ "PS512", ALG_PS512, 0 },
	{ "ES256", ALG_ES256, 1 },
	{ "ES384", ALG_ES384, 2 },
	{ "ES512", ALG_ES512, 3 },
	{ "EdDSA", ALG_EDDSA, 4 },
};

static const char *const other_names[] = { "HS256", "HS512", "none", "ES256K", "" };

static struct key {
	EVP_PKEY *ours;
	struct signature_key *verifies;
	cjose_jwk_t *theirs;
} keys[5];

static char *base64url(struct arena *a, const void *bytes, size_t n)
{
	char *text = base64_encode(a, bytes, n);

	for (char *p = text; *p; p++)
		*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p);
	return text;
}

/* ---- keys ---- */

static char *number(struct arena *a, EVP_PKEY *key, const char *name, int bytes)
{
	unsigned char out[1024];
	BIGNUM *n = NULL;
	int size;

	if (EVP_PKEY_get_bn_param(key, name, &n) != 1)
		abort();
	size = BN_bn2binpad(n, out, bytes > 0 ? bytes : BN_num_bytes(n));
	BN_free(n);
	return base64url(a, out, (size_t)size);
}

static const char *jwk_text(struct arena *a, EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	int size = (bits + 7) / 8;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return arena_printf(a, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
			number(a, key, OSSL_PKEY_PARAM_RSA_N, 0),
			number(a, key, OSSL_PKEY_PARAM_RSA_E, 0));
	return arena_printf(a, "{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\",\"y\":\"%s\"}", bits,
		number(a, key, OSSL_PKEY_PARAM_EC_PUB_X, size),
		number(a, key, OSSL_PKEY_PARAM_EC_PUB_Y, size));
}

static void make_keys(struct arena *a)
{
	static const char *const curves[] = { NULL, "P-256", "P-384", "P-521" };
	static struct arena *for_ever;

	for_ever = arena_new();
	for (int i = 0; i < 5; i++) {
		cjose_err err;
		struct err ignored;
		const char *text;

		keys[i].ours = i == 0	? EVP_RSA_gen(2048)
			       : i == 4 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					: EVP_EC_gen(curves[i]);
		(void)EVP_PKEY_up_ref(keys[i].ours);
		keys[i].verifies = signature_key_new(for_ever, keys[i].ours, &ignored);
		if (i == 4)
			continue;
		text = jwk_text(a, keys[i].ours);
		keys[i].theirs = cjose_jwk_import(text, strlen(text), &err);
		if (!keys[i].theirs)
			abort();
	}
}

/* ---- signing ---- */

static const EVP_MD *md_of(enum signature_alg alg)
{
	if (alg & (ALG_RS256 | ALG_PS256 | ALG_ES256))
		return EVP_sha256();
	if (alg & (ALG_RS384 | ALG_PS384 | ALG_ES384))
		return EVP_sha384();
	return alg == ALG_EDDSA ? NULL : EVP_sha512();
}

static size_t joined(const unsigned char *der, size_t n, size_t half, unsigned char *ret)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, (int)half) < 0 ||
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, (int)half) < 0)
		abort();
	ECDSA_SIG_free(sig);
	return 2 * half;
}

static char *signature(struct arena *a, EVP_PKEY *key, enum signature_alg alg, const char *text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *settings = NULL;
	unsigned char made[1024];
	unsigned char pair[1024];
	size_t n = sizeof(made);

	if (EVP_DigestSignInit(ctx, &settings, md_of(alg), NULL, key) != 1)
		abort();
	if (alg & (ALG_PS256 | ALG_PS384 | ALG_PS512)) {
		EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
	}
	if (EVP_DigestSign(ctx, made, &n, (const unsigned char *)text, strlen(text)) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return base64url(a, made, n);
	return base64url(a, pair, joined(made, n, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8, pair));
}

/* ---- judging ---- */

static bool is_text(const json_t *claims, const char *name, const char *ours)
{
	const char *theirs = json_string_value(json_object_get(claims, name));

	return strcmp(ours, theirs ? theirs : "") == 0;
}

/* To us 1e3 is an integer, and there are 53 bits of them. */
static bool is_time(const json_t *claims, const char *name, bool has, int64_t ours)
{
	const json_t *theirs = json_object_get(claims, name);

	return has ? json_is_number(theirs) && json_number_value(theirs) == (double)ours : !theirs;
}

static bool is_audience(const json_t *theirs, struct texts ours)
{
	const char *at = ours.at;
	const char *end = ours.at + ours.bytes;
	size_t n = json_is_array(theirs) ? json_array_size(theirs) : json_is_string(theirs);

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_is_array(theirs) ? json_array_get(theirs, i) : theirs;

		if (!json_is_string(v))
			continue;
		if (at == end || strcmp(at, json_string_value(v)) != 0)
			return false;
		at += strlen(at) + 1;
	}
	return at == end;
}

/* Their reader is strict as well: each name once, valid UTF-8, nothing behind. */
static void compare_claims(struct arena *a, struct span signed_bytes, const struct token *t)
{
	const char *dot = memchr(signed_bytes.at, '.', signed_bytes.n);
	size_t n;
	const char *text = base64url_decode(
		a, dot + 1, signed_bytes.n - (size_t)(dot + 1 - signed_bytes.at), &n);
	json_t *claims =
		text ? json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL)
		     : NULL;

	if (!json_is_object(claims) || !is_text(claims, "iss", t->issuer) ||
		!is_text(claims, "sub", t->subject) || !is_text(claims, "jti", t->id) ||
		!is_time(claims, "exp", t->has_exp, t->exp) ||
		!is_time(claims, "nbf", t->has_nbf, t->nbf) ||
		!is_audience(json_object_get(claims, "aud"), t->audience))
		abort();
	json_decref(claims);
}

static bool we_accept(struct arena *a, struct key *k, struct span token)
{
	struct contract_key key = { .verifies = k->verifies };
	struct token_parts parts;

	if (token_read(a, token, &parts))
		return false;
	compare_claims(a, parts.signed_bytes, &parts.token);
	return token_signed_by(&parts, &key);
}

static bool they_accept(struct key *k, struct span token)
{
	cjose_err err;
	cjose_jws_t *jws = cjose_jws_import(token.at, token.n, &err);
	bool ok = jws && cjose_jws_verify(jws, k->theirs, &err);

	cjose_jws_release(jws);
	return ok;
}

/* An encoded signature may end in padding, and in bits that mean nothing. */
static bool only_the_signature_differs(const char *x, const char *y)
{
	return strncmp(x, y, (size_t)(strrchr(x, '.') - x) + 1) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	size_t signer, named, edits;
	struct key *key;
	const char *name;
	char *text;
	char *token;
	char *edited;
	bool ours;

	if (!keys[0].ours)
		make_keys(a);
	if (n < 4)
		return 0;
	signer = data[1] % ARRAY_LEN(algs);
	key = data[0] < 128 ? &keys[algs[signer].key] : &keys[data[0] % 5];
	named = data[2] < 128 ? signer : data[2] % (ARRAY_LEN(algs) + ARRAY_LEN(other_names));
	name = named < ARRAY_LEN(algs) ? algs[named].name : other_names[named - ARRAY_LEN(algs)];
	edits = data[3] % 8;
	data += 4;
	n -= 4;
	text = arena_printf(a, "{\"alg\":\"%s\"}", name);
	text = base64url(a, text, strlen(text));
	if (n < 3 * edits)
		return 0;
	text = arena_printf(a, "%s.%s", text,
		n == 3 * edits ? base64url(a, "{\"iss\":\"i\"}", 11)
			       : base64url(a, data + 3 * edits, n - 3 * edits));
	token = arena_printf(a, "%s.%s", text,
		signature(a, keys[algs[signer].key].ours, algs[signer].alg, text));
	edited = arena_printf(a, "%s", token);
	for (size_t i = 0; i < edits; i++)
		edited[(size_t)(data[3 * i] << 8 | data[3 * i + 1]) % strlen(token)] ^=
			(char)(data[3 * i + 2] % 127);
	ours = we_accept(a, key, (struct span){ edited, strlen(edited) });
	if (ours && (key == &keys[4] ? !only_the_signature_differs(token, edited)
				     : !they_accept(key, (struct span){ edited, strlen(edited) })))
		abort();
	if (key == &keys[algs[signer].key] && named == signer && n == 3 * edits &&
		strcmp(token, edited) == 0 && !ours)
		abort();
	return 0;
}
