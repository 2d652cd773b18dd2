/* Rate-limit policies of one namespace: the defaults and the live RateLimiting objects, and the
 * document policies.yaml that holds them (ConfigMap policy-configmap).
 */
#ifndef LIB_API_POLICIES_H
#define LIB_API_POLICIES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;
struct json;

#define POLICIES_CONFIG_MAP "policy-configmap"
/* The same without resource policies: it changes only when what tokens may name does. Not there as
 * long as nobody made a RateLimiting of these types. */
#define CALLER_POLICIES_CONFIG_MAP "policy-configmap-callers"
#define POLICIES_KEY "policies.yaml"

/* Subscription policies of those who name none: tokens without a subscription, and addresses that
 * call open operations. */
#define POLICY_DEFAULT "Default"
#define POLICY_UNAUTHENTICATED "Unauthenticated"

enum policy_list {
	POLICY_RESOURCE,     /* type advance: of an operation */
	POLICY_APPLICATION,  /* of an application */
	POLICY_SUBSCRIPTION, /* of an application's subscription to an API */
	POLICY_LISTS,
};

struct policy {
	const char *name;
	int64_t count;	       /* requests … */
	int64_t unit_time;     /* … in so many … */
	const char *time_unit; /* … of "min", "hour", "day", "week", "month", "year" */
	bool over_quota;       /* counted, but not refused when the limit is reached */

	/* lib/api/conditions.h */
	int64_t bytes;		   /* … and so many of them; 0: any amount */
	const char *header;	   /* only requests with this header; NULL: all */
	const char *header_value;  /* NULL: any */
	const char *address_first; /* only from these addresses; NULL: all */
	const char *address_last;
	bool address_not;	 /* only from other ones */
	const char *claim;	 /* only callers whose token has this claim; NULL: all */
	const char *claim_value; /* NULL: any */
};

struct policies {
	struct vec lists[POLICY_LISTS]; /* struct policy *, each name once per list */
};

const char *policy_list_key(enum policy_list list); /* "resourcePolicies", … */

/* NULL when it is no unit. Lower case, without regard to the case of text. */
const char *policy_time_unit(const char *text);

/* Seconds of one unit; a month has 30 days, a year 365. 0 when p is not valid. */
int64_t policy_unit_s(const struct policy *p);

void policies_defaults(struct arena *a, struct policies *ret);

/* p with the two policies that every gateway needs; the defaults where p is NULL. */
void policies_complete(struct arena *a, const struct policies *p, struct policies *ret);

/* Replaces the policy of that name. Copies p, not its strings. */
void policies_put(
	struct arena *a, struct policies *p, enum policy_list list, const struct policy *policy);

/* NULL: none of that name. */
const struct policy *policies_get(
	const struct policies *p, enum policy_list list, const char *name);

/* The document. Equal policies in equal order give equal bytes. */
char *policies_yaml(struct arena *a, const struct policies *p);
struct json *policies_json(struct arena *a, const struct policies *p);

/* The document as JSON, as lib/yaml read it. ERR_INVALID names the path of what is wrong. */
bool policies_read(struct arena *a, const struct json *document, struct policies *ret,
	struct err *err) MUST_CHECK;

#endif
