/* Which requests a limit is for: those with a certain header, or from certain addresses. */
#ifndef GATEWAY_CORE_CONDITION_H
#define GATEWAY_CORE_CONDITION_H

#include <stdbool.h>

#include "gateway/core/core.h"
#include "gateway/core/limits.h"

/* Bytes in network order, IPv4 as ::ffff:a.b.c.d. False: text is no address. */
bool address_parse(struct span text, unsigned char ret[ADDRESS_BYTES]);

/* Whether the request satisfies every condition of the limit. A header that is sent more than once
 * satisfies its condition: it may mean any of its values. */
bool condition_holds(const struct limit *l, const struct core_request *r, struct span address);

#endif
