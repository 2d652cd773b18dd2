#include "lib/x509/chain.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"

enum {
	MAX_BYTES = 1024 * 1024,
	MAX_CERTIFICATES = 100,
};

static void bio_auto(BIO **b)
{
	BIO_free(*b);
}

static bool write_one(BIO *out, X509 *x)
{
	bool ok = x && PEM_write_bio_X509(out, x) == 1;

	X509_free(x);
	return ok;
}

static bool copy_pem(BIO *in, BIO *out, struct err *err)
{
	unsigned long last;
	X509 *x;
	int n = 0;

	while ((x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!write_one(out, x))
			return err_set(err, ERR_INVALID, "a certificate that cannot be written");
		if (++n > MAX_CERTIFICATES)
			return err_set(
				err, ERR_LIMIT, "more than %d certificates", MAX_CERTIFICATES);
	}
	last = ERR_peek_last_error();
	if (n > 0 && ERR_GET_REASON(last) == PEM_R_NO_START_LINE)
		return true;
	return err_set(err, ERR_INVALID, "a PEM certificate that is missing or damaged");
}

static bool copy_der(const unsigned char *at, size_t n, BIO *out, struct err *err)
{
	const unsigned char *end = at + n;
	X509 *x = d2i_X509(NULL, &at, (long)n);

	if (write_one(out, x) && at == end)
		return true;
	return err_set(err, ERR_INVALID, "neither PEM nor a DER certificate, expected one of them");
}

static bool copy_any(const void *bytes, size_t n, BIO *out, struct err *err)
{
	AUTO(bio_auto) BIO *in = BIO_new_mem_buf(bytes, (int)n);

	if (memmem(bytes, n, "PRIVATE KEY-----", 16))
		return err_set(err, ERR_INVALID, "a private key, expected certificates only");
	if (!in || !out)
		return err_set(err, ERR_LIMIT, "not enough memory");
	if (memmem(bytes, n, "-----BEGIN ", 11))
		return copy_pem(in, out, err);
	return copy_der(bytes, n, out, err);
}

char *chain_pem(struct arena *a, const void *bytes, size_t n, struct err *err)
{
	AUTO(bio_auto) BIO *out = BIO_new(BIO_s_mem());
	char *at = NULL;
	long length;
	bool ok;

	if (n == 0 || n > MAX_BYTES) {
		err_set(err, n == 0 ? ERR_INVALID : ERR_LIMIT,
			"%zu bytes, expected certificates of at most %d", n, MAX_BYTES);
		return NULL;
	}
	ok = copy_any(bytes, n, out, err);
	ERR_clear_error();
	if (!ok)
		return NULL;
	length = BIO_get_mem_data(out, &at);
	return arena_dupn(a, at, length > 0 ? (size_t)length : 0);
}
