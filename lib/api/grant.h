/* ReferenceGrant of the Gateway API: a namespace permits others to name objects of its own. */
#ifndef LIB_API_GRANT_H
#define LIB_API_GRANT_H

#include <stdbool.h>

#include "lib/api/object.h"

struct json;

/* grants: the list of those in the namespace of `to`, with `items`; NULL: none. */
bool grants_permit(const struct json *grants, struct ref from, struct ref to);

#endif
