/* Everything that has to lie in the run directory before nginx starts. */
#ifndef GATEWAY_LAUNCHER_PREPARE_H
#define GATEWAY_LAUNCHER_PREPARE_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct err;
struct settings;

/* Reads the contract, makes the directory, nginx.conf, the state file and, if none was given, the
 * TLS key. Done in a process of its own that ends: what all this needs of memory is not kept as
 * long as the gateway runs. */
MUST_CHECK bool prepare(const struct settings *s);

/* The first byte of the state file tells nginx' workers what is going on (directive apim_state). */
enum gateway_state {
	GATEWAY_SERVING = 0,
	GATEWAY_ENDING = 1,
	GATEWAY_RELOADING = 2,
};

void prepare_state(const struct settings *s, enum gateway_state state);

#endif
