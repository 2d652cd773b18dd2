/* What a document says about the bodies of an operation, and whether a body is as it says.
 *
 * Judged are bodies of a JSON type for which the document has a schema. A request may only have a
 * type that the document names for it: another one could hide what was not looked at.
 */
#ifndef GATEWAY_CORE_BODY_H
#define GATEWAY_CORE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct contract;
struct contract_operation;
struct json;
struct loader;
struct schema;

enum {
	BODY_MAX_SCHEMAS = 10000,
	BODY_MAX_TYPES = 50, /* of one body */
	BODY_MAX_ANSWERS = 100,
};

/* A schema, once for all that use it. */
struct contract_schema {
	const char *text;	 /* JSON in the dialect of gateway/schema */
	struct schema *compiled; /* filled by the loader */
};

struct contract_media {
	const char *type; /* lower case, without parameters: "application/json", "text/ *" */
	size_t schema;	  /* index into contract.schemas; SIZE_MAX: not looked into */
};

/* Lower case, without parameters. */
bool body_type_ok(const char *type);

/* What bodies of one kind may be. */
struct contract_body {
	uint16_t status; /* of an answer: 200; 2 is every 2xx, 0 all others */
	bool required;	 /* of a request */
	struct contract_media *types;
	size_t n_types;
};

/* Part of the contract's loader and writer: contract.schemas, and "request" and "responses" of an
 * operation. */
bool schemas_load(struct loader *l, const struct json *root) MUST_CHECK;
struct json *schemas_json(struct arena *a, const struct contract *c);
bool bodies_load(struct loader *l, const struct json *v, struct contract_operation *op) MUST_CHECK;
void bodies_write(struct arena *a, const struct contract_operation *op, struct json *o);

/* NULL: as the document says; else what is wrong, each followed by ", ". */
const char *body_request_wrong(struct arena *a, const struct contract *c,
	const struct contract_operation *op, struct span type, size_t n_types, struct span body);

/* The step of a decision, before limits: what is refused counts against none. Where hooks ask for
 * the body it is judged later. */
bool body_is_admitted(struct arena *a, const struct contract *c, const struct core_request *r,
	struct verdict *ret);

/* Bytes of a request's body that its hooks ask for; 0: none does. */
size_t body_hooked(const struct core_request *r, const struct verdict *v);

/* What hooks made of the body, with the header that they left: the backend gets that. */
bool body_is_as_documented(struct arena *a, const struct contract *c, const struct core_request *r,
	struct verdict *ret);

/* NULL: an answer of that status and type is not looked into. */
const struct contract_schema *body_answer_schema(const struct contract *c,
	const struct contract_operation *op, unsigned int status, struct span type);
const char *body_wrong(struct arena *a, const struct contract_schema *s, struct span body);

#endif
