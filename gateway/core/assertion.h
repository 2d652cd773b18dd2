/* What the gateway itself tells backends about who calls: a JWT, signed RS256, in the header of the
 * contract's jwtHeader. Its claims are those of 3.2's backend JWT: standard ones, what is known
 * under the dialect's names, and the caller's own claims but the restricted ones.
 *
 * A signature costs about a millisecond, so one is made per caller and API and used again for half
 * of its life. One struct assertions per worker. A token that brings its own (backendJwt) needs
 * none.
 */
#ifndef GATEWAY_CORE_ASSERTION_H
#define GATEWAY_CORE_ASSERTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct loader;

enum {
	ASSERTION_MAX_WORDS = 100, /* of audience and restricted claims */
	ASSERTION_MIN_S = 10,
	ASSERTION_MAX_S = 24 * 3600,
	ASSERTION_MAX_ENTRIES = 2048, /* that are kept, about 2 kB each */
	ASSERTION_MAX_KEY_BYTES = 64 * 1024,
};

/* Member "backendJwt" of a contract; absent: none are made. */
bool assertion_load(struct loader *l, const struct json *root) MUST_CHECK;
void assertion_write(struct arena *a, const struct contract_assertion *s, struct json *root);

struct assertions;

/* Keeps a pointer to c. */
struct assertions *assertions_new(const struct contract *c);
void assertions_free(struct assertions *s); /* accepts NULL */

/* A private key in PEM, RSA of 2048 bits or more, without a password. What was made with another
 * one is forgotten. */
bool assertions_take_key(
	struct assertions *s, const char *pem, size_t n, struct err *err) MUST_CHECK;

/* For a verdict that forwards a secured operation. False: there is no key yet. */
bool assertion_for(struct assertions *s, struct arena *a, const struct verdict *v, int64_t now_s,
	struct span *ret) MUST_CHECK;

#endif
