/* Rate limits as the contract has them: named policies in three lists, as policies.yaml.
 *
 * Resource policies are the ones that documents name; application and subscription policies are
 * named by tokens, so all of them are there. Lists are sorted by name. "Unlimited" is no policy: a
 * tier of that name is no tier.
 */
#ifndef GATEWAY_CORE_LIMITS_H
#define GATEWAY_CORE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct json;
struct loader;

enum limit_list {
	LIMIT_RESOURCE,	    /* of an API or an operation */
	LIMIT_APPLICATION,  /* of an application's user */
	LIMIT_SUBSCRIPTION, /* of an application's use of one API; "Default", "Unauthenticated" */
	LIMIT_LISTS,
};

enum {
	ADDRESS_BYTES = 16,
	LIMITS_MAX = 20000, /* policies of one list: more than a ConfigMap holds */
};

/* At most `count` requests in a window, and no further one when those before moved `bytes`. A
 * window begins with a whole unit of the clock (UTC) and lasts `units` of them. Requests that do
 * not satisfy the conditions are not limited and not counted. */
struct limit {
	const char *name;
	int64_t count;
	int64_t bytes; /* received and sent; 0: any amount */
	int64_t unit_s;
	int64_t units;
	bool over_quota; /* counted, never refused */

	const char *header;	  /* in lower case; NULL: no condition */
	const char *header_value; /* NULL: any */
	bool has_address;
	bool address_not;	   /* all other addresses */
	const char *address_first; /* as written */
	const char *address_last;
	unsigned char address_from[ADDRESS_BYTES];
	unsigned char address_to[ADDRESS_BYTES];
	const char *claim;	 /* of the caller's token; NULL: no condition */
	const char *claim_value; /* NULL: any */
};

/* A policy as something names it. */
struct tier {
	const char *name;	   /* NULL: none */
	const struct limit *limit; /* NULL although named: there is no such policy */
};

struct limits {
	bool given; /* false: this contract limits nothing */
	struct limit *lists[LIMIT_LISTS];
	size_t n[LIMIT_LISTS];
};

/* NULL: no such policy. */
const struct limit *limits_find(const struct limits *l, enum limit_list list, const char *name);

/* Seconds. */
int64_t limit_window_s(const struct limit *l);

/* ---- in the contract's file ---- */

bool limits_load(struct loader *l, const struct json *root, struct limits *ret) MUST_CHECK;

/* Member "tier" of an API or operation, if there is one. */
bool tier_load(struct loader *l, const struct json *o, const struct limits *limits,
	struct tier *ret) MUST_CHECK;

/* NULL when nothing is given. */
struct json *limits_json(struct arena *a, const struct limits *l);

#endif
