/* A small shop behind a gateway's core: what tests of its decisions have in common.
 *
 * One API at /store/v1. Issuers: "iss" for "aud" with test_key(0); "iss2" without an audience, with
 * test_key(1), whose certificate is good for 100 seconds around NOW; "sub" with test_key(0), whose
 * tokens need a subscription. The backend is http://products/base/, for sandbox keys
 * https://sandbox:8443.
 */
#ifndef TESTS_SUPPORT_SHOP_H
#define TESTS_SUPPORT_SHOP_H

#include "gateway/core/core.h"
#include "tests/support/gateway.h"

enum {
	NOW = 1700000000
};

/* The state is an arena. */
int shop_begin(void **state);
int shop_end(void **state);

/* Both last as long as the arena. */
struct core *a_shop(struct arena *a);
void shop_frees(struct arena *a, struct core *core);

/* For the first issuer. */
char *a_good_token(struct arena *a);

/* A GET with that token, NULL: none. */
struct verdict shop_get(struct arena *a, struct core *core, const char *target, const char *token);

void body_is(const struct verdict *v, int status, const char *body);
void is_fault(const struct verdict *v, int status, int code);
void forwards(const struct verdict *v, const char *target);

#endif
