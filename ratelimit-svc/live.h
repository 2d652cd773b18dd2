/* The RateLimitings of a namespace that count, and the short names they may use. */
#ifndef RATELIMIT_SVC_LIVE_H
#define RATELIMIT_SVC_LIVE_H

#include "lib/api/ratelimiting.h"
#include "lib/base/vec.h"

struct arena;
struct world;

/* One valid object that is not being deleted. */
struct live {
	struct rate_limiting object;
	const char *alias;	   /* name up to the first "-"; NULL: the name has none */
	const struct live *claims; /* another one of the same list that claims the alias, or has it
				      as its name; NULL: the alias is this one's */
};

/* struct live *, sorted by name; the root as it was read itself, whatever the list says. */
void live_collect(struct arena *a, const struct world *w, struct vec *ret);

/* NULL: not there. */
const struct live *live_find(const struct vec *all, const char *name);

/* The first whose short name would be that name; NULL: none. */
const struct live *live_with_alias(const struct vec *all, enum policy_list list, const char *name);

/* Defaults, objects by full name, aliases that are unambiguous. Objects of type subscription named
 * "default" and "unauthenticated" take the place of Default and Unauthenticated. */
void live_policies(struct arena *a, const struct vec *all, struct policies *ret);

#endif
