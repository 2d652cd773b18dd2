/* SHA-256 (FIPS 180-4, by OpenSSL) and base64 (RFC 4648). */
#ifndef LIB_BASE_HASH_H
#define LIB_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;

enum {
	SHA256_BYTES = 32
};

void sha256(const void *bytes, size_t n, unsigned char ret[SHA256_BYTES]);
void hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n,
	unsigned char ret[SHA256_BYTES]);			/* RFC 2104 */
char *sha256_hex(struct arena *a, const void *bytes, size_t n); /* 64 lower-case digits */
char *hex(struct arena *a, const void *bytes, size_t n);

char *base64_encode(struct arena *a, const void *bytes, size_t n);

/* Standard alphabet, padded; line breaks and spaces are skipped. NULL when the text is not base64.
 * The result is NUL-terminated behind its *ret_n bytes. */
char *base64_decode(struct arena *a, const char *text, size_t n, size_t *ret_n) MUST_CHECK;

/* URL alphabet, without padding. */
char *base64url_encode(struct arena *a, const void *bytes, size_t n);

/* URL alphabet, padding optional. */
char *base64url_decode(struct arena *a, const char *text, size_t n, size_t *ret_n) MUST_CHECK;

#endif
