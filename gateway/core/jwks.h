/* Keys that an issuer publishes at a URL (RFC 7517): read from their JSON, and kept beside the
 * contract's own while a gateway runs.
 *
 * Fetching is somebody else's work; here sets are read, taken over as a whole and asked. A set that
 * cannot be read or holds no key for signatures changes nothing, so an issuer that is away for a
 * while costs nothing. Members that are not for verifying signatures, or too weak, are left out.
 */
#ifndef GATEWAY_CORE_JWKS_H
#define GATEWAY_CORE_JWKS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/core/token.h"
#include "lib/base/attr.h"

struct arena;
struct contract;
struct err;

enum {
	JWKS_MAX_BYTES = 256 * 1024,
	JWKS_MAX_KEYS = 100,
};

struct jwk {
	struct contract_key key;
	const char *kid;   /* NULL: none */
	unsigned int algs; /* enum signature_alg */
};

struct jwk_set {
	struct jwk *at;
	size_t n;
};

/* ERR_INVALID: no such document, or no usable key in it. Keys are released with the arena. */
bool jwks_read(struct arena *a, const char *text, size_t n, struct jwk_set *ret,
	struct err *err) MUST_CHECK;

/* Where a URL leads: the place to connect to, and the path with the query. */
bool jwks_url_parse(struct arena *a, const char *url, struct contract_target *ret,
	const char **ret_path, struct err *err) MUST_CHECK;

/* The sets in use, by the issuer's number in the contract. */
struct jwks;

struct jwks *jwks_new(const struct contract *c);
void jwks_free(struct jwks *k); /* accepts NULL */

/* false: text holds the keys that are known already, or cannot be read (err is set then). true: the
 * old keys are gone, and every pointer to them. */
bool jwks_take(
	struct jwks *k, size_t issuer, const char *text, size_t n, struct err *err) MUST_CHECK;

bool jwks_has_keys(const struct jwks *k, size_t issuer);

/* Whether the set may have grown since it was fetched: the token names a key that is not in it, or
 * none. */
bool jwks_may_be_old(const struct jwks *k, size_t issuer, const struct token_parts *p);

/* The key that signed, or NULL. A token with a kid is verified with keys of that kid and with those
 * that have none. */
const struct contract_key *jwks_signer(
	const struct jwks *k, size_t issuer, const struct token_parts *p);

bool jwks_knows(const struct jwks *k, size_t issuer, const struct contract_key *signer);

#endif
