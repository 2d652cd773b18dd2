/* A key and certificate for the TLS listener of a gateway that was given none. */
#ifndef GATEWAY_LAUNCHER_KEY_H
#define GATEWAY_LAUNCHER_KEY_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;

/* Writes dir/tls.key (readable by this user only) and dir/tls.crt: P-256, signed by itself, common
 * name "gateway", for localhost, valid for ten years from yesterday. */
MUST_CHECK bool key_make(const char *dir, struct err *err);

#endif
