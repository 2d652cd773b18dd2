/* What a policy may say beside its number of calls: bandwidth and conditions, as objects of kind
 * RateLimiting and policies.yaml write them.
 *
 *   bandwidth: {dataAmount: "10", dataUnit: MB}          KB, MB, GB: powers of 1024
 *   conditions:
 *     headerCondition: {headerName: X-Plan, headerValue: free}
 *     ipCondition: {type: IPRANGE, startIp: 10.0.0.1, endIp: 10.0.0.9, negation: false}
 *     ipCondition: {type: IPSPECIFIC, specificIp: 10.0.0.1}
 *     jwtClaimsCondition: {claimUrl: plan, attribute: free}   as API Manager calls name and value
 */
#ifndef LIB_API_CONDITIONS_H
#define LIB_API_CONDITIONS_H

struct arena;
struct findings;
struct json;
struct policy;

/* Members "bandwidth" and "conditions" of an object; members that are empty texts are absent.
 * What cannot be honoured is a finding: a limit must not be for others than it says. */
void conditions_read(
	struct findings *f, const char *path, const struct json *from, struct policy *ret);

/* The same, into an object. */
void conditions_put(struct arena *a, const struct policy *p, struct json *to);

#endif
