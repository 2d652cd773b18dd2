/* Cross-origin resource sharing: which web pages may read an API's answers.
 *
 * An API without `cors` says nothing about origins, its backends may. With it the gateway alone
 * answers: what a backend says about origins is replaced, on every answer, faults included. A
 * request from an origin that is not listed is served all the same, without these headers; keeping
 * the answer from the page is the browser's part.
 */
#ifndef GATEWAY_CORE_CORS_H
#define GATEWAY_CORE_CORS_H

#include <stdbool.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct json;
struct loader;

/* The value of an API's "cors". */
bool cors_load(struct loader *l, const struct json *v, struct contract_cors **ret) MUST_CHECK;
struct json *cors_json(struct arena *a, const struct contract_cors *c);

/* Any answer to that request. */
void cors_simple(const struct contract_cors *c, const struct core_request *r, struct cors *ret);

/* An OPTIONS request that no operation takes; methods: those that the path has. */
void cors_preflight(struct arena *a, const struct contract_cors *c, unsigned int methods,
	const struct core_request *r, struct cors *ret);

#endif
