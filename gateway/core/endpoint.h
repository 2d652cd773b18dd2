/* A contract's endpoints: read, written, and changed when a gateway starts.
 *
 * The environment may say where a backend is and how to log in there, without a build. For an
 * endpoint named "inventory_prod":
 *
 *   inventory_prod_endpoint_0        the first URL; _1 the second, …: one that is there is replaced
 *   inventory_prod_basic_username
 *   inventory_prod_basic_password
 */
#ifndef GATEWAY_CORE_ENDPOINT_H
#define GATEWAY_CORE_ENDPOINT_H

#include <stdbool.h>

#include "gateway/core/contract.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct loader;

/* "endpoints" and "trust". */
bool endpoints_load(struct loader *l, const struct json *root) MUST_CHECK;
struct json *endpoint_json(struct arena *a, const struct contract_endpoint *e);

/* The same with what it is to the contract. */
struct json *endpoint_json_in(
	struct arena *a, const struct contract *c, const struct contract_endpoint *e);

bool contract_codes_have(const struct contract_codes *codes, unsigned int status);

/* Takes what lookup gives by name (NULL: nothing). err names the variable. */
bool contract_override(struct arena *a, struct contract *c, const char *(*lookup)(const char *name),
	struct err *err) MUST_CHECK;

#endif
