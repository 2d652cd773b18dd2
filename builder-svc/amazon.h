/* Amazon's container registries (ECR): where one gets their passwords, and with which key.
 *
 * A password is a token that lasts for twelve hours. Whoever has a key of AWS gets one (ecr.h); it
 * is the password of user ECR_USER at the registry's ordinary protocol (registry.h). Repositories
 * are not made here.
 */
#ifndef BUILDER_SVC_AMAZON_H
#define BUILDER_SVC_AMAZON_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;

#define AWS_CREDENTIALS "credentials" /* entry of a Secret: an AWS credentials file */
#define ECR_USER "AWS"
#define ECR_ENDPOINT_ENV "AWS_ENDPOINT_URL_ECR" /* as Amazon's own programs call it */

enum {
	AWS_MAX_CREDENTIALS = 64 * 1024,
};

struct ecr_place {
	const char *region;
	const char *endpoint; /* URL of the API */
};

struct aws_key {
	const char *id;
	const char *secret;
	const char *session; /* of temporary keys; NULL: none */
};

/* Where tokens for the registry "<account>.dkr.ecr.<region>.amazonaws.com" come from; endpoint, if
 * not empty, goes before, and then the registry may have any name. ERR_INVALID: it is none of
 * Amazon's. */
bool ecr_place_of(struct arena *a, const char *registry, const char *endpoint,
	struct ecr_place *ret, struct err *err) MUST_CHECK;

/* Profile "default" of an AWS credentials file. ERR_INVALID says what is missing, never a value. */
bool aws_key_read(struct arena *a, const char *text, size_t n, struct aws_key *ret,
	struct err *err) MUST_CHECK;

#endif
