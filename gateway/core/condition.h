/* Which requests a limit is for: those with a certain header, from certain addresses, or of callers
 * whose token has a certain claim. */
#ifndef GATEWAY_CORE_CONDITION_H
#define GATEWAY_CORE_CONDITION_H

#include <stdbool.h>

#include "gateway/core/core.h"
#include "gateway/core/limits.h"

struct json;

/* Bytes in network order, IPv4 as ::ffff:a.b.c.d. False: text is no address. */
bool address_parse(struct span text, unsigned char ret[ADDRESS_BYTES]);

/* What a limit is asked for: a request, its client's address, and the claims of its token, which
 * has been verified (NULL: none). */
struct condition_facts {
	const struct core_request *request;
	struct span address;
	const struct json *claims;
};

/* Whether they satisfy every condition of the limit. A header that is sent more than once satisfies
 * its condition: it may mean any of its values. So does a claim that is a list with the value. */
bool condition_holds(const struct limit *l, const struct condition_facts *facts);

#endif
