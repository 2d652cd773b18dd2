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

/* The state file tells nginx' workers that the end is near (module directive apim_state). */
void prepare_draining(const struct settings *s);

#endif
