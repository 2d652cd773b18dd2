/* Asks a booted gateway whether it does what its contract says, over plain HTTP. Used by the image
 * build. */
#ifndef TOOLKIT_PROVE_H
#define TOOLKIT_PROVE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct contract;
struct err;

struct proof {
	size_t secured; /* operations that answered 401/900902 without a token */
	size_t open;	/* operations without security: not called, they would reach a backend */
};

/* Waits up to wait_ms for /health to answer 200, then checks that every secured operation refuses a
 * request without credentials with 401/900902 and that an unknown path is 404. url is
 * http://host[:port]. err says what answered otherwise. */
bool toolkit_prove(struct arena *a, const struct contract *c, const char *url, int wait_ms,
	struct proof *ret, struct err *err) MUST_CHECK;

#endif
