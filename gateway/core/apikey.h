/* API keys: tokens that gateways issue and check themselves.
 *
 * JSON Web Tokens with HS256. The MAC's key belongs to one Security of one installation and is the
 * same in all its gateways, so that a key issued by one is known to the others; whoever could read
 * it could issue as well, so that a key pair would add nothing (ADR 18). What a key says it may
 * be used for is checked if the Security's entry says so.
 */
#ifndef GATEWAY_CORE_APIKEY_H
#define GATEWAY_CORE_APIKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "gateway/core/token.h"
#include "lib/base/attr.h"

struct arena;
struct credential_set;

enum {
	API_KEY_MAC_BYTES = 32,
	API_KEY_MAX_REQUEST = 4096, /* bytes of the body that asks for one */
};

/* Where keys come from if a Security does not say. */
#define API_KEY_ISSUER "https://localhost:9095/apikey"

/* A fresh key for that user and for all APIs of the contract. request is the body of the call,
 * empty or {"validityTime": seconds}. false: it is something else. */
bool api_key_issue(struct arena *a, const struct credential_set *set, const struct contract *c,
	const char *user, struct span request, int64_t now_s, struct span *ret) MUST_CHECK;

/* What a key says: good as long as the MAC's key is. NULL on success, else a word for the log. */
const char *api_key_read(
	struct arena *a, const struct credential_set *set, struct span sent, struct token *ret);

/* NULL if it may be used for the API now, else a word for the log. */
const char *api_key_judge(const struct credential_set *set, const struct token *key,
	const struct contract_api *api, int64_t skew_s, int64_t now_s);

/* Value of a parameter of the query, decoded; false: it is not there. */
bool query_find(struct arena *a, struct span query, const char *name, struct span *ret);

/* The query without that parameter; with its "?", or empty. */
struct span query_without(struct arena *a, struct span query, const char *name);

#endif
