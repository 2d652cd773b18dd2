/* The one effect of security-svc's own: chance, for the secret of an installation. */
#ifndef SECURITY_SVC_OBSERVE_H
#define SECURITY_SVC_OBSERVE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct world;

/* If a secret is to be made (operator_lacks_secret), w->observed becomes {"secret": 64 hexadecimal
 * digits}. */
MUST_CHECK bool security_observe(struct world *w, struct err *err);

#endif
