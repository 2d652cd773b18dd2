/* A decision under way, for the files that its steps are in. Nobody outside of this folder includes
 * this one (tools/layers.awk): what others may know is in core.h.
 *
 * A step returns false when the verdict is final.
 */
#ifndef GATEWAY_CORE_DECISION_H
#define GATEWAY_CORE_DECISION_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "gateway/core/route.h"
#include "gateway/core/token.h"
#include "lib/base/hash.h"

struct arena;
struct cache;
struct credentials;
struct jwks;
struct revoked;
struct throttle;

struct core {
	const struct contract *contract;
	struct arena *arena;
	struct route_table *routes;
	struct cache *cache;
	struct jwks *jwks;
	struct throttle *throttle;
	struct cache *active;	/* opaque tokens that a key manager vouched for */
	struct cache *inactive; /* those it did not; apart, so that bad ones push no good one out */
	struct cache *keys;	/* API keys that are ours */
	const struct credentials *credentials; /* NULL: none yet */
	const struct revoked *revoked;
	EVP_MD *sha256; /* fetched once: the implicit fetch costs more than the digest */
	EVP_MD_CTX *digest;
	uint64_t hits;
	uint64_t misses;
};

/* One request on its way through the steps. */
struct decision {
	struct core *core;
	struct arena *a;
	const struct core_request *request;
	struct target target;
	struct route route;
	struct span credentials;
	struct token_parts parts;
	struct token user;		      /* what is known of a user without a token */
	const struct token *token;	      /* in parts, in the cache, or user */
	const struct contract_issuer *issuer; /* NULL: not by a token */
	bool is_opaque;			      /* a key manager knows the token */
	bool is_key;			      /* it came with an API key: no scopes */
	struct verdict *verdict;
};

/* false; always. */
bool decision_refuse(struct decision *d, int code, const char *reason);

/* For another try: what is known of the request stays. */
void decision_forget_refusal(struct decision *d);

/* The operation's first scheme of that type. */
bool decision_accepts(const struct decision *d, enum scheme_type type, size_t *ret);

/* What follows the scheme's word in a header of credentials; false: it begins otherwise. */
bool credentials_by(struct span header, const char *word, struct span *ret);

/* Caches are by SHA-256. The same text is something else by another scheme, or, where a key manager
 * is asked about them, for another operation. */
void digest_token(struct core *core, struct span token, unsigned char ret[SHA256_BYTES]);
void digest_asked(
	struct core *core, const struct core_question *q, unsigned char ret[SHA256_BYTES]);

/* ---- steps ---- */

/* authenticate.c: by the header, an API key, or both. */
bool caller_is_authenticated(struct decision *d);

/* bearer.c: decision.credentials is a token that the operation takes. */
bool bearer_is_good(struct decision *d);

/* issue.c: the request is not one for an API key. */
bool is_not_for_a_key(struct decision *d);

/* relay.c: what came to the key manager's listener ends here; so does, elsewhere, what no document
 * has and is the key manager's. */
bool is_not_at_its_listener(struct decision *d);
bool is_not_for_the_key_manager(struct decision *d);

#endif
