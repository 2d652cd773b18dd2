/* spec of kind RateLimiting, decoded.
 *
 * Total: any JSON value gives a struct; what is wrong is a finding. Strings are borrowed from the
 * object or live in the arena.
 */
#ifndef LIB_API_RATELIMITING_H
#define LIB_API_RATELIMITING_H

#include "lib/api/policies.h"

struct arena;
struct findings;
struct json;

struct rate_limiting {
	enum policy_list list; /* meaningless when there is a fatal finding, as the policy */
	struct policy policy;  /* name: the object's */
};

/* object: the whole RateLimiting. */
void rate_limiting_decode(
	struct arena *a, const struct json *object, struct rate_limiting *ret, struct findings *f);

/* The short name that the original operator used: what stands before the first "-". NULL: the name
 * has none, so that both are the same. */
char *rate_limiting_alias(struct arena *a, const char *name);

#endif
