/* Signatures of tokens: RFC 7518 (RS, PS and ES with SHA-256, 384 and 512) and RFC 8037 (EdDSA).
 *
 * What a key may be used with is the key's own property: RSA keys verify RS and PS, a curve has one
 * ES algorithm, Ed25519 has EdDSA. A token's "alg" only chooses among those. HMAC and "none" have
 * no key here, so no public key is ever taken for a secret.
 */
#ifndef GATEWAY_CORE_SIGNATURE_H
#define GATEWAY_CORE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct evp_pkey_st;

enum signature_alg {
	ALG_RS256 = 1 << 0,
	ALG_RS384 = 1 << 1,
	ALG_RS512 = 1 << 2,
	ALG_PS256 = 1 << 3,
	ALG_PS384 = 1 << 4,
	ALG_PS512 = 1 << 5,
	ALG_ES256 = 1 << 6,
	ALG_ES384 = 1 << 7,
	ALG_ES512 = 1 << 8,
	ALG_EDDSA = 1 << 9,
};

enum {
	SIGNATURE_ALGS = 10,
	SIGNATURE_MAX_RSA_BITS = 8192, /* larger ones only cost time */
};

/* 0: none of ours. Names are case-sensitive. "Ed25519" (RFC 9864) is EdDSA. */
enum signature_alg signature_alg_parse(const char *name);

/* A public key, and what verifying with it takes: one thread's. */
struct signature_key;

/* The key is taken over, and released with the arena. NULL: it is not fit for verification, and err
 * says what was expected: RSA of at least CONTRACT_MIN_RSA_BITS and at most SIGNATURE_MAX_RSA_BITS,
 * P-256, P-384, P-521, Ed25519. */
struct signature_key *signature_key_new(
	struct arena *a, struct evp_pkey_st *key, struct err *err) MUST_CHECK;

/* The public key in a PEM text. */
struct signature_key *signature_key_pem(
	struct arena *a, const char *pem, struct err *err) MUST_CHECK;

/* The algorithms that it may be used with; never 0. */
unsigned int signature_key_algs(const struct signature_key *key);

/* signature is decoded: DER for nobody, R and S side by side for ES. */
bool signature_ok(struct signature_key *key, enum signature_alg alg, struct span bytes,
	struct span signature);

#endif
