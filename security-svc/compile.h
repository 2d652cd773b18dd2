/* A decoded Security and the contents of its Secrets → the policy that gateways get. */
#ifndef SECURITY_SVC_COMPILE_H
#define SECURITY_SVC_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/api/security.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct world;

/* A certificate that a key came from, for its dates. */
struct compiled_cert {
	const char *secret;
	int64_t not_before;
	int64_t not_after;
};

struct compiled {
	struct security_policy policy;
	struct vec certs;      /* struct compiled_cert *: those that have dates */
	const char *problem;   /* NULL, or what is wrong with the Secrets, all of it */
	const char *reason;    /* of the first problem */
	bool has_certificates; /* any, with dates or without */
};

/* Everything is in the world. */
void compile(
	struct arena *a, const struct world *w, const struct security *s, struct compiled *ret);

#endif
