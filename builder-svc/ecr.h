/* A token for a registry of Amazon's: API action GetAuthorizationToken, Signature Version 4 by
 * libcurl. */
#ifndef BUILDER_SVC_ECR_H
#define BUILDER_SVC_ECR_H

#include <stdbool.h>
#include <stdint.h>

#include "builder-svc/amazon.h"

struct ecr_token {
	const char *password;
	int64_t expires_at; /* seconds since 1970 */
};

/* One request of at most 3 s. ERR_DENIED: Amazon refuses the key. ERR_TIMEOUT, ERR_UNAVAILABLE: it
 * cannot be asked now. */
bool ecr_token_get(struct arena *a, const struct ecr_place *place, const struct aws_key *key,
	struct ecr_token *ret, struct err *err) MUST_CHECK;

#endif
