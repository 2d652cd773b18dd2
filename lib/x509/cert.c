#include "lib/x509/cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"

enum {
	MAX_BYTES = 1024 * 1024
};

static void bio_auto(BIO **b)
{
	BIO_free(*b);
}

static void x509_auto(X509 **x)
{
	X509_free(*x);
}

static void key_auto(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

/* Copies what was written into a memory BIO. */
static char *text_of(struct arena *a, BIO *b)
{
	char *at = NULL;
	long n = BIO_get_mem_data(b, &at);

	return arena_dupn(a, at, n > 0 ? (size_t)n : 0);
}

static const char *algorithm_of(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return "RSA";
	case EVP_PKEY_EC:
		return "EC";
	case EVP_PKEY_ED25519:
		return "ED25519";
	default:
		return NULL;
	}
}

static bool read_key(struct arena *a, EVP_PKEY *key, struct cert *ret, struct err *err)
{
	AUTO(bio_auto) BIO *out = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	int n;

	ret->algorithm = algorithm_of(key);
	if (!ret->algorithm)
		return err_set(err, ERR_INVALID,
			"a public key of type %s, expected RSA, EC or Ed25519",
			EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "unknown");
	ret->key_bits = EVP_PKEY_get_bits(key);
	n = i2d_PUBKEY(key, &der);
	if (n <= 0 || !out || PEM_write_bio(out, "PUBLIC KEY", "", der, n) <= 0) {
		OPENSSL_free(der);
		return err_set(err, ERR_INVALID, "the public key cannot be encoded");
	}
	ret->key_id = sha256_hex(a, der, (size_t)n);
	OPENSSL_free(der);
	ret->public_key_pem = text_of(a, out);
	return true;
}

static bool seconds_of(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

static bool read_certificate(struct arena *a, X509 *x, struct cert *ret, struct err *err)
{
	AUTO(bio_auto) BIO *out = BIO_new(BIO_s_mem());
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (!key)
		return err_set(err, ERR_INVALID, "a certificate whose public key is unreadable");
	if (!seconds_of(X509_get0_notBefore(x), &ret->not_before) ||
		!seconds_of(X509_get0_notAfter(x), &ret->not_after))
		return err_set(err, ERR_INVALID, "a certificate whose dates are unreadable");
	if (!out || X509_NAME_print_ex(out, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) < 0)
		return err_set(err, ERR_INVALID, "a certificate whose subject is unreadable");
	ret->subject = text_of(a, out);
	return read_key(a, key, ret, err);
}

static bool read_pem(
	struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err)
{
	AUTO(bio_auto) BIO *in = BIO_new_mem_buf(bytes, (int)n);
	AUTO(x509_auto) X509 *x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	return x ? read_certificate(a, x, ret, err)
		 : err_set(err, ERR_INVALID, "a PEM certificate that is damaged");
}

static bool read_public(
	struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err)
{
	AUTO(bio_auto) BIO *in = BIO_new_mem_buf(bytes, (int)n);
	AUTO(key_auto) EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;

	ret->subject = "";
	return key ? read_key(a, key, ret, err)
		   : err_set(err, ERR_INVALID, "a PEM public key that is damaged");
}

static bool read_der(
	struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err)
{
	const unsigned char *at = bytes;
	AUTO(x509_auto) X509 *x = d2i_X509(NULL, &at, (long)n);

	if (!x)
		return err_set(err, ERR_INVALID,
			"neither PEM nor a DER certificate, expected one of them");
	if (at != (const unsigned char *)bytes + n)
		return err_set(err, ERR_INVALID, "a DER certificate with %zu bytes behind it",
			(size_t)((const unsigned char *)bytes + n - at));
	return read_certificate(a, x, ret, err);
}

/* The label of the first PEM block, or NULL when there is none. */
static const char *pem_label(struct arena *a, const char *bytes, size_t n)
{
	static const char begin[] = "-----BEGIN ";
	const char *at = memmem(bytes, n, begin, sizeof(begin) - 1);
	const char *end;

	if (!at)
		return NULL;
	at += sizeof(begin) - 1;
	end = memmem(at, n - (size_t)(at - bytes), "-----", 5);
	return end && end - at < 64 ? arena_dupn(a, at, (size_t)(end - at)) : "";
}

static bool read_any(
	struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err)
{
	const char *label = pem_label(a, bytes, n);

	/* A private key anywhere in the file is a mistake worth stopping for. */
	if (memmem(bytes, n, "PRIVATE KEY-----", 16))
		return err_set(err, ERR_INVALID,
			"a private key, expected the certificate or public key only");
	if (!label)
		return read_der(a, bytes, n, ret, err);
	if (str_eq(label, "CERTIFICATE") || str_eq(label, "X509 CERTIFICATE") ||
		str_eq(label, "TRUSTED CERTIFICATE"))
		return read_pem(a, bytes, n, ret, err);
	if (str_eq(label, "PUBLIC KEY"))
		return read_public(a, bytes, n, ret, err);
	return err_set(err, ERR_INVALID,
		"a PEM block \"%.32s\", expected CERTIFICATE or PUBLIC KEY", label);
}

bool cert_read(struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err)
{
	struct cert c = { 0 };
	bool ok;

	if (n == 0)
		return err_set(err, ERR_INVALID, "nothing, expected a certificate or public key");
	if (n > MAX_BYTES)
		return err_set(err, ERR_LIMIT, "%zu bytes, the limit is %d", n, MAX_BYTES);
	ok = read_any(a, bytes, n, &c, err);
	ERR_clear_error();
	if (ok)
		*ret = c;
	return ok;
}
