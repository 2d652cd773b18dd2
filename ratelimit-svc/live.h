/* The RateLimitings of a namespace that count, and the short names they may use.
 *
 * A short name belongs to one object of a list: to the one that is called so, else to who had it
 * first. Who had it stands in an annotation of the policy document, which is written by one at a
 * time; where it says nothing, the oldest object has it.
 */
#ifndef RATELIMIT_SVC_LIVE_H
#define RATELIMIT_SVC_LIVE_H

#include "lib/api/ratelimiting.h"
#include "lib/base/vec.h"

struct arena;
struct world;

#define ANNOTATION_SHORT_NAMES "apim.wso2.com/short-names"

/* One valid object that is not being deleted. */
struct live {
	struct rate_limiting object;
	const char *created;	    /* RFC 3339, in UTC; NULL: not known */
	const char *alias;	    /* name up to the first "-"; NULL: the name has none */
	const struct live *lost_to; /* whose that short name is; NULL: this one's */
};

/* struct live *, sorted by name; those that were read by themselves as they were read, whatever the
 * list says. */
void live_collect(struct arena *a, const struct world *w, struct vec *ret);

/* NULL: not there. */
const struct live *live_find(const struct vec *all, const char *name);

/* The one whose status keeps the documents: the oldest. NULL: there is none. */
const struct live *live_keeper(const struct vec *all);

/* Defaults, objects by full name, short names. Objects of type subscription named "default" and
 * "unauthenticated" take the place of Default and Unauthenticated. */
void live_policies(struct arena *a, const struct vec *all, struct policies *ret);

/* The annotation. */
char *live_short_names(struct arena *a, const struct vec *all);

#endif
