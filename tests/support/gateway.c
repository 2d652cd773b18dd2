#include "tests/support/gateway.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

const char test_settings[] =
	"{'clockSkewSeconds':60,'removeAuthHeader':true,'verifyHostname':false,"
	"'jwtHeader':'X-JWT-Assertion','maxUriBytes':4096,'maxHeaderBytes':8192,'maxBodyBytes':-1,"
	"'tokenCacheEntries':100,'httpPort':9090,'httpsPort':9095,'metricsPort':9797,'http2':true}";

static EVP_PKEY *keys[4];

static void free_keys(void)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		EVP_PKEY_free(keys[i]);
}

struct evp_pkey_st *test_key(size_t number)
{
	assert_true(number < ARRAY_LEN(keys));
	if (!keys[0] && !keys[1] && !keys[2] && !keys[3])
		assert_int_equal(atexit(free_keys), 0);
	if (!keys[number])
		keys[number] = EVP_RSA_gen(2048);
	assert_non_null(keys[number]);
	return keys[number];
}

static struct named_key {
	const char *type;
	EVP_PKEY *key;
} named[8];

static void free_named(void)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		EVP_PKEY_free(named[i].key);
}

static EVP_PKEY *key_made(const char *type)
{
	if (str_eq(type, "ED25519"))
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (str_eq(type, "RSA-1024"))
		return EVP_RSA_gen(1024);
	return EVP_EC_gen(type);
}

struct evp_pkey_st *test_key_of(const char *type)
{
	size_t i = 0;

	while (named[i].type && !str_eq(named[i].type, type))
		assert_true(++i < ARRAY_LEN(named));
	if (named[i].type)
		return named[i].key;
	if (i == 0)
		assert_int_equal(atexit(free_named), 0);
	named[i] = (struct named_key){ type, key_made(type) };
	assert_non_null(named[i].key);
	return named[i].key;
}

struct signature_key *test_verifies(struct arena *a, struct evp_pkey_st *key)
{
	struct signature_key *k;
	struct err err;

	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	k = signature_key_new(a, key, &err);
	if (!k)
		fail_msg("%s", err.msg);
	return k;
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

/* DER → R and S side by side. */
static size_t joined(EVP_PKEY *key, const unsigned char *der, size_t n, unsigned char *ret)
{
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, half), half);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, half), half);
	ECDSA_SIG_free(sig);
	return 2 * (size_t)half;
}

struct span test_sign(
	struct arena *a, struct evp_pkey_st *key, enum signature_alg alg, const char *text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *settings = NULL;
	unsigned char made[1024];
	unsigned char *ret = arena_alloc(a, sizeof(made));
	size_t n = sizeof(made);

	assert_int_equal(EVP_DigestSignInit(ctx, &settings, md_of(alg), NULL, key), 1);
	if (alg & (ALG_PS256 | ALG_PS384 | ALG_PS512)) {
		EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(
		EVP_DigestSign(ctx, made, &n, (const unsigned char *)text, strlen(text)), 1);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
		n = joined(key, made, n, ret);
	else
		memcpy(ret, made, n);
	return (struct span){ (char *)ret, n };
}

char *a_token_as(struct arena *a, struct evp_pkey_st *key, enum signature_alg alg, const char *name,
	const char *claims)
{
	char *header = arena_printf(a, "{\"alg\":\"%s\"}", name);
	char *text = arena_printf(a, "%s.%s", base64url(a, header, strlen(header)),
		base64url(a, claims, strlen(claims)));
	struct span signature = test_sign(a, key, alg, text);

	return arena_printf(a, "%s.%s", text, base64url(a, signature.at, signature.n));
}

char *test_key_pem(struct arena *a, struct evp_pkey_st *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *at = NULL;
	char *pem;
	long n;

	assert_int_equal(PEM_write_bio_PUBKEY(b, key), 1);
	n = BIO_get_mem_data(b, &at);
	pem = arena_dupn(a, at, (size_t)n);
	BIO_free(b);
	return pem;
}

char *test_key_json(struct arena *a, struct evp_pkey_st *key, int64_t not_before, int64_t not_after)
{
	const char *pem = test_key_pem(a, key);

	return json_text(a, json_format(a, "{'id':%s,'pem':%s,'notBefore':%l,'notAfter':%l}",
				    sha256_hex(a, pem, strlen(pem)), pem, not_before, not_after));
}

char *base64url(struct arena *a, const void *bytes, size_t n)
{
	char *text = base64_encode(a, bytes, n);

	for (char *p = text; *p; p++) {
		if (*p == '+')
			*p = '-';
		if (*p == '/')
			*p = '_';
		if (*p == '=')
			*p = '\0';
	}
	return text;
}

char *sign_token(
	struct arena *a, struct evp_pkey_st *key, int hash, const char *header, const char *claims)
{
	const EVP_MD *md = hash == 256 ? EVP_sha256() : hash == 384 ? EVP_sha384() : EVP_sha512();
	char *head = arena_printf(a, "%s.%s", base64url(a, header, strlen(header)),
		base64url(a, claims, strlen(claims)));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[512];
	size_t n = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(ctx, signature, &n, (unsigned char *)head, strlen(head)), 1);
	EVP_MD_CTX_free(ctx);
	return arena_printf(a, "%s.%s", head, base64url(a, signature, n));
}

char *a_token(struct arena *a, struct evp_pkey_st *key, const char *claims)
{
	return sign_token(a, key, 256, "{\"typ\":\"JWT\",\"alg\":\"RS256\"}", claims);
}

struct contract *a_contract(struct arena *a, const char *json)
{
	struct err err = { .msg = "" };
	struct contract *c = contract_load(a, json, strlen(json), &err);

	if (!c)
		fail_msg("%s", err.msg);
	return c;
}

char *test_file(struct arena *a, const char *name, size_t *ret_n)
{
	FILE *f = fopen(name, "rbe");
	struct str s;
	char chunk[4096];
	size_t n;

	if (!f)
		fail_msg("%s: not found; tests run from the root of the tree", name);
	str_init(&s, a, 64 * 1024 * 1024);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	(void)fclose(f);
	if (ret_n)
		*ret_n = s.len;
	return s.ptr;
}

static bool one_header(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const char *value = arg;

	if (!value || strcmp(name, "authorization") != 0)
		return false;
	*ret = (struct span){ value, strlen(value) };
	*ret_n = 1;
	return true;
}

void decide(struct core *core, struct arena *a, enum method m, const char *target,
	const char *authorization, int64_t now_s, struct verdict *ret)
{
	struct core_request r = {
		.method = m,
		.method_name = { method_name(m), strlen(method_name(m)) },
		.target = { target, strlen(target) },
		.header = one_header,
		.arg = arena_dup(a, authorization),
		.now_s = now_s,
	};

	core_decide(core, a, &r, ret);
}

int test_arena_new(void **state)
{
	*state = arena_new();
	return 0;
}

int test_arena_free(void **state)
{
	arena_free(*state);
	return 0;
}
