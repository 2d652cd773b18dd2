#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/x509/cert.h"
#include "tests/support/unit.h"

/* The public certificate of the article, as DER in a file called .pem and as PEM. */
static char *file(struct arena *a, const char *name, size_t *ret_n)
{
	FILE *f = fopen(name, "rb");
	char *bytes = arena_alloc(a, 4096);

	if (!f)
		fail_msg("%s: not found; tests run from the root of the tree", name);
	*ret_n = fread(bytes, 1, 4095, f);
	(void)fclose(f);
	return bytes;
}

static char *bio_text(struct arena *a, BIO *b)
{
	char *at = NULL;
	long n = BIO_get_mem_data(b, &at);
	char *copy = arena_dupn(a, at, (size_t)n);

	BIO_free(b);
	return copy;
}

static char *public_pem(struct arena *a, EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PUBKEY(b, key), 1);
	EVP_PKEY_free(key);
	return bio_text(a, b);
}

static void refuses(const char *bytes, size_t n, const char *words)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct cert c = { .key_bits = 7 };
	struct err err = { .msg = "" };

	assert_false(cert_read(a, bytes, n, &c, &err));
	assert_int_equal(c.key_bits, 7);
	if (!strstr(err.msg, words))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, words);
}

static void der_and_pem_of_one_certificate_are_the_same(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct cert der = { 0 };
	struct cert pem = { 0 };
	struct err err = { .msg = "" };
	size_t n;
	char *bytes = file(a, "tests/data/wso2am300.der", &n);

	(void)state;
	assert_true(cert_read(a, bytes, n, &der, &err));
	bytes = file(a, "tests/data/wso2am300.pem", &n);
	assert_true(cert_read(a, bytes, n, &pem, &err));
	assert_string_equal(der.public_key_pem, pem.public_key_pem);
	assert_string_equal(der.key_id, pem.key_id);
	assert_string_equal(der.algorithm, "RSA");
	assert_int_equal(der.key_bits, 2048);
	assert_int_equal(der.not_before, 1566564633); /* 2019-08-23 12:50:33 */
	assert_int_equal(der.not_after, 1881924633);  /* 2029-08-20 12:50:33 */
	assert_string_equal(der.subject, "CN=localhost,OU=WSO2,O=WSO2,L=Mountain View,ST=CA,C=US");
}

static void the_first_certificate_of_a_chain_counts(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct cert c = { 0 };
	struct err err = { .msg = "" };
	size_t n;
	char *pem = file(a, "tests/data/wso2am300.pem", &n);
	char *chain = arena_printf(a, "Bag Attributes\n%s\n%s", pem, pem);

	(void)state;
	assert_true(cert_read(a, chain, strlen(chain), &c, &err));
	assert_int_equal(c.key_bits, 2048);
}

static void bare_public_keys_have_no_dates(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *pems[] = { public_pem(a, EVP_RSA_gen(2048)), public_pem(a, EVP_EC_gen("P-256")),
		public_pem(a, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")) };
	const char *names[] = { "RSA", "EC", "ED25519" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pems); i++) {
		struct cert c = { 0 };
		struct err err = { .msg = "" };

		assert_true(cert_read(a, pems[i], strlen(pems[i]), &c, &err));
		assert_string_equal(c.algorithm, names[i]);
		assert_string_equal(c.public_key_pem, pems[i]);
		assert_true(c.not_before == 0 && c.not_after == 0);
		assert_int_equal(strlen(c.key_id), 64);
	}
}

static void private_keys_are_refused_and_never_quoted(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *b = BIO_new(BIO_s_mem());
	size_t n;
	char *pem;
	char *both;

	(void)state;
	assert_int_equal(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL), 1);
	EVP_PKEY_free(key);
	pem = bio_text(a, b);
	refuses(pem, strlen(pem), "a private key");
	both = arena_printf(a, "%s%s", file(a, "tests/data/wso2am300.pem", &n), pem);
	refuses(both, strlen(both), "a private key");
}

static void other_things_are_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *csr =
		"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
	const char *broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	const char *key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
	size_t n;
	char *der = file(a, "tests/data/wso2am300.der", &n);

	(void)state;
	refuses(csr, strlen(csr), "CERTIFICATE REQUEST");
	refuses(broken, strlen(broken), "damaged");
	refuses(key, strlen(key), "damaged");
	refuses("hello", 5, "neither PEM nor");
	refuses("", 0, "nothing");
	refuses(der, n - 1, "neither PEM nor");
	refuses(der, n + 1, "1 bytes behind it");
	refuses("-----BEGIN ", 11, "PEM block \"\"");
}

static void size_is_bounded(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	size_t n = 1024 * 1024 + 1;

	(void)state;
	refuses(arena_alloc(a, n), n, "limit");
}

static void keys_of_other_kinds_are_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *pem = public_pem(a, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));

	(void)state;
	refuses(pem, strlen(pem), "X25519, expected RSA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(der_and_pem_of_one_certificate_are_the_same),
		cmocka_unit_test(the_first_certificate_of_a_chain_counts),
		cmocka_unit_test(bare_public_keys_have_no_dates),
		cmocka_unit_test(private_keys_are_refused_and_never_quoted),
		cmocka_unit_test(other_things_are_named),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(keys_of_other_kinds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
