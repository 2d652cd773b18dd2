#include "gateway/core/signature.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	RSA_ALGS = ALG_RS256 | ALG_RS384 | ALG_RS512 | ALG_PS256 | ALG_PS384 | ALG_PS512,
	MAX_DER = 160, /* an ECDSA signature of P-521 */
};

static const struct {
	const char *name;
	enum signature_alg alg;
} names[] = {
	{ "RS256", ALG_RS256 },
	{ "RS384", ALG_RS384 },
	{ "RS512", ALG_RS512 },
	{ "PS256", ALG_PS256 },
	{ "PS384", ALG_PS384 },
	{ "PS512", ALG_PS512 },
	{ "ES256", ALG_ES256 },
	{ "ES384", ALG_ES384 },
	{ "ES512", ALG_ES512 },
	{ "EdDSA", ALG_EDDSA },
	{ "Ed25519", ALG_EDDSA },
};

/* An ES algorithm is a curve with a hash. */
static const struct {
	const char *group;
	enum signature_alg alg;
	size_t coordinate; /* bytes of R, and of S */
} curves[] = {
	{ "prime256v1", ALG_ES256, 32 },
	{ "secp384r1", ALG_ES384, 48 },
	{ "secp521r1", ALG_ES512, 66 },
};

enum signature_alg signature_alg_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i].name, name))
			return names[i].alg;
	return 0;
}

static unsigned int curve_alg(const EVP_PKEY *key)
{
	char group[64];
	size_t n;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (str_eq(curves[i].group, group))
			return curves[i].alg;
	return 0;
}

static unsigned int none(struct err *err, const char *found)
{
	err_set(err, ERR_INVALID,
		"%s, expected RSA of %d to %d bits, EC on P-256, P-384 or P-521, or Ed25519", found,
		CONTRACT_MIN_RSA_BITS, SIGNATURE_MAX_RSA_BITS);
	return 0;
}

static unsigned int algs_of(const EVP_PKEY *key, struct err *err)
{
	char found[64];
	unsigned int algs;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		if (EVP_PKEY_get_bits(key) >= CONTRACT_MIN_RSA_BITS &&
			EVP_PKEY_get_bits(key) <= SIGNATURE_MAX_RSA_BITS)
			return RSA_ALGS;
		(void)snprintf(
			found, sizeof(found), "an RSA key of %d bits", EVP_PKEY_get_bits(key));
		return none(err, found);
	case EVP_PKEY_EC:
		algs = curve_alg(key);
		return algs ? algs : none(err, "an EC key on another curve");
	case EVP_PKEY_ED25519:
		return ALG_EDDSA;
	default:
		return none(err, "a key of another type");
	}
}

/* ---- keys ---- */

/* What verifying by one algorithm takes. Looked up by name each time, it would add a sixth to what
 * the arithmetic costs. */
struct verifier {
	EVP_MD *md;
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *settings;
};

struct signature_key {
	EVP_PKEY *key;
	unsigned int algs;
	struct verifier verifiers[SIGNATURE_ALGS]; /* made when they are needed first */
};

static void verifier_release(struct verifier *v)
{
	EVP_PKEY_CTX_free(v->settings);
	EVP_MD_CTX_free(v->hash);
	EVP_MD_free(v->md);
	*v = (struct verifier){ 0 };
}

static void free_key(void *key)
{
	struct signature_key *k = key;

	for (size_t i = 0; i < SIGNATURE_ALGS; i++)
		verifier_release(&k->verifiers[i]);
	EVP_PKEY_free(k->key);
}

struct signature_key *signature_key_new(struct arena *a, struct evp_pkey_st *key, struct err *err)
{
	struct signature_key *k = arena_alloc(a, sizeof(*k));

	k->key = key;
	k->algs = algs_of(key, err);
	arena_defer(a, free_key, k);
	return k->algs ? k : NULL;
}

struct signature_key *signature_key_pem(struct arena *a, const char *pem, struct err *err)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
	struct signature_key *k = NULL;

	BIO_free(in);
	if (key)
		k = signature_key_new(a, key, err);
	else
		err_set(err, ERR_INVALID, "expected a PEM public key");
	ERR_clear_error();
	return k;
}

unsigned int signature_key_algs(const struct signature_key *key)
{
	return key->algs;
}

/* ---- verifying ---- */

static const char *hash_of(enum signature_alg alg)
{
	if (alg & (ALG_RS256 | ALG_PS256 | ALG_ES256))
		return "SHA256";
	return alg & (ALG_RS384 | ALG_PS384 | ALG_ES384) ? "SHA384" : "SHA512";
}

/* OpenSSL takes ECDSA signatures in DER only. 0: not one of this curve. */
static size_t der_of(enum signature_alg alg, struct span sent, unsigned char *ret)
{
	const unsigned char *at = (const unsigned char *)sent.at;
	ECDSA_SIG *sig;
	size_t half = 0;
	BIGNUM *r;
	BIGNUM *s;
	int n;

	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (curves[i].alg == alg)
			half = curves[i].coordinate;
	if (half == 0 || sent.n != 2 * half)
		return 0;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(at, (int)half, NULL);
	s = BN_bin2bn(at + half, (int)half, NULL);
	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
		abort(); /* out of memory */
	n = i2d_ECDSA_SIG(sig, NULL);
	n = n > 0 && n <= MAX_DER ? i2d_ECDSA_SIG(sig, &ret) : 0;
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

/* The salt is as long as the hash (RFC 7518, 3.5), the mask's hash is the same one by default. */
static bool set_padding(EVP_PKEY_CTX *ctx, enum signature_alg alg)
{
	if (!(alg & (ALG_PS256 | ALG_PS384 | ALG_PS512)))
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool prepare(struct verifier *v, EVP_PKEY *key, enum signature_alg alg)
{
	v->md = EVP_MD_fetch(NULL, hash_of(alg), NULL);
	v->hash = EVP_MD_CTX_new();
	v->settings = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (v->md && v->hash && v->settings && EVP_PKEY_verify_init(v->settings) == 1 &&
		set_padding(v->settings, alg) &&
		EVP_PKEY_CTX_set_signature_md(v->settings, v->md) == 1)
		return true;
	verifier_release(v);
	return false;
}

static bool verify_hash(
	struct signature_key *k, enum signature_alg alg, struct span bytes, struct span signature)
{
	struct verifier *v = &k->verifiers[__builtin_ctz(alg)];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int n;

	return (v->settings || prepare(v, k->key, alg)) &&
	       EVP_DigestInit_ex2(v->hash, v->md, NULL) == 1 &&
	       EVP_DigestUpdate(v->hash, bytes.at, bytes.n) == 1 &&
	       EVP_DigestFinal_ex(v->hash, hash, &n) == 1 &&
	       EVP_PKEY_verify(
		       v->settings, (const unsigned char *)signature.at, signature.n, hash, n) == 1;
}

/* EdDSA signs the text itself. */
static bool verify_text(EVP_PKEY *key, struct span bytes, struct span signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	if (!ctx)
		abort();
	ok = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)signature.at, signature.n,
		     (const unsigned char *)bytes.at, bytes.n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool signature_ok(
	struct signature_key *key, enum signature_alg alg, struct span bytes, struct span signature)
{
	unsigned char der[MAX_DER];
	bool ok;

	if (!(key->algs & alg))
		return false;
	if (alg & (ALG_ES256 | ALG_ES384 | ALG_ES512)) {
		signature.n = der_of(alg, signature, der);
		signature.at = (const char *)der;
	}
	if (signature.n == 0)
		return false;
	ok = alg == ALG_EDDSA ? verify_text(key->key, bytes, signature)
			      : verify_hash(key, alg, bytes, signature);
	ERR_clear_error();
	return ok;
}
