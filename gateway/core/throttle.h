/* Which limits a request falls under, and whether it is within all of them.
 *
 *   level          policy named by                            counted for                    code
 *   API            x-wso2-throttling-tier at the root, else   base path and version          900800
 *                  what a key manager says (soap.h)
 *   operation      x-wso2-throttling-tier of the operation    the operation                  900802
 *   subscription   the token's subscribedAPIs, else Default   application, base path, version
 * 900804 application    the token's application.tier               application and user 900803 open
 * Unauthenticated (instead of the last two)  address, base path, version    900804
 *
 * All levels are looked at in this order, then all are counted: what is refused counts nowhere. A
 * name without a policy refuses with 900809.
 */
#ifndef GATEWAY_CORE_THROTTLE_H
#define GATEWAY_CORE_THROTTLE_H

#include "gateway/core/core.h"

struct arena;
struct throttle;

/* Who calls. Texts are "" when nothing is known. */
struct caller {
	bool is_known; /* false: an operation without security; the address counts */
	const char *user;
	const char *application; /* its id */
	const char *application_tier;
	const char *subscription_tier;
	const char *api_tier; /* counts where the API's document names none */
	bool over_quota;      /* the limit of the subscription counts and refuses nothing */
};

/* counters NULL: own ones. */
struct throttle *throttle_new(const struct contract *c, const struct core_counters *counters);
void throttle_free(struct throttle *t); /* accepts NULL */

/* Counts the request of ret->api and ret->operation, or makes *ret the answer and is false. */
bool throttle_admit(struct throttle *t, struct arena *a, const struct core_request *r,
	const struct caller *who, struct verdict *ret);

void throttle_charge(struct throttle *t, const struct verdict *v, int64_t bytes, int64_t now_s);

/* The address of the client: the first of X-Forwarded-For if it is one, else the peer's. */
struct span throttle_address(const struct core_request *r);

#endif
