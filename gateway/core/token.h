/* JSON Web Tokens (RFC 7519).
 *
 * The algorithm comes from the key: the header's "alg" must be one of those the key may be used
 * with (signature.h). Three parts of base64url, padding allowed, strict JSON, no "crit". The
 * signature covers the bytes as sent.
 */
#ifndef GATEWAY_CORE_TOKEN_H
#define GATEWAY_CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "gateway/core/signature.h"

struct arena;
struct json;

enum {
	TOKEN_MAX_BYTES = 16 * 1024
};

/* Several texts in one block, each with its NUL: "a\0b\0". */
struct texts {
	const char *at;
	size_t bytes;
};

bool texts_have(struct texts list, const char *text);

/* What a token says. Texts are "" when absent. */
struct token {
	const char *id; /* jti */
	const char *issuer;
	const char *backend_jwt; /* for the backend; printable characters only */
	struct texts audience;
	const char *subject;
	const char *application; /* name, else id */
	const char *application_id;
	const char *application_tier;
	const char *api_tier;	 /* of the API that is called, unless its document names one */
	const char *scope;	 /* words between blanks; from a text or a list of words */
	struct texts subscribed; /* name, version, tier, name, version, tier, … */
	bool has_exp;
	bool has_nbf;
	int64_t exp;
	int64_t nbf;
	bool sandbox;
	bool over_quota; /* the limit of its subscription refuses nothing */
	bool is_judged;	 /* whoever vouches for it looked at the operation, scopes included */
	int refused;	 /* the fault that a key manager named; 0: it named none */
	const struct contract_key *signer; /* verified the signature; NULL: nobody yet */
};

/* Says nothing; for callers that are known in another way. */
struct token token_empty(void);

/* A token cut and decoded, not verified. */
struct token_parts {
	struct span signed_bytes; /* header.payload as sent */
	struct span signature;	  /* decoded */
	enum signature_alg alg;
	const char *kid; /* NULL: none */
	struct token token;
};

/* Two claims as a token keeps them: a text or a list of texts, and a list of APIs. Whatever is
 * something else is left out. */
struct texts token_audience(struct arena *a, const struct json *aud);
struct texts token_subscribed(struct arena *a, const struct json *apis);

/* What backends are told becomes a header: "" for a text that could not be one. */
const char *token_backend_jwt(const char *text);

/* NULL on success, else a word for the log. */
const char *token_read(struct arena *a, struct span sent, struct token_parts *ret);

/* All claims of a token that has been verified; NULL when it is none. */
const struct json *token_payload(struct arena *a, struct span verified);

bool token_signed_by(const struct token_parts *p, const struct contract_key *k);

/* NULL if the claims satisfy the issuer at this time, else a word for the log. The signature is not
 * looked at. */
const char *token_claims(
	const struct token *t, const struct contract_issuer *s, int64_t skew_s, int64_t now_s);

bool key_is_current(const struct contract_key *k, int64_t now_s);
bool token_has_scope(const struct token *t, const char *const *scopes, size_t n);
bool token_is_subscribed(const struct token *t, const char *name, const char *version);

/* Of the subscription to that API; "" when there is none, or it says nothing. */
const char *token_subscription_tier(const struct token *t, const char *name, const char *version);

#endif
