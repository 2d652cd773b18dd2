/* What a verification key's certificate says: public key and dates. OpenSSL reads; nothing is
 * verified here. */
#ifndef LIB_X509_CERT_H
#define LIB_X509_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct err;

struct cert {
	const char *public_key_pem; /* SubjectPublicKeyInfo as PEM */
	const char *key_id;	    /* sha256 of its DER, hex */
	const char *algorithm;	    /* "RSA", "EC", "ED25519" */
	int key_bits;
	const char *subject; /* one line, RFC 2253 */
	int64_t not_before;  /* seconds since 1970; 0 and 0 for a bare public key */
	int64_t not_after;
};

/* Accepts PEM (certificate, or PUBLIC KEY), a PEM chain (the first certificate counts) and raw DER
 * (certificate), whatever the file is called. ERR_INVALID says what was found instead; a private
 * key is refused and never quoted. */
bool cert_read(
	struct arena *a, const void *bytes, size_t n, struct cert *ret, struct err *err) MUST_CHECK;

#endif
