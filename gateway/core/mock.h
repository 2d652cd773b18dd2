/* Operations without a backend: the document's examples are their answers.
 *
 * `Prefer: code=404, example=none` asks for one of them, `Accept` for a media type; without them
 * the first 2xx answers, and of it the first example.
 */
#ifndef GATEWAY_CORE_MOCK_H
#define GATEWAY_CORE_MOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"
#include "lib/base/attr.h"

struct arena;
struct contract_operation;
struct json;
struct loader;

enum {
	MOCK_MAX_EXAMPLES = 100, /* of one operation */
	MOCK_MAX_BYTES = 64 * 1024,
	MOCK_MAX_HEADERS = 32,	/* of one example */
	MOCK_MAX_HEADER = 1024, /* bytes of a name or value */
};

struct contract_example {
	uint16_t status;  /* 200; 5: every 5xx that is asked for */
	const char *name; /* "": the only one of its type */
	const char *type; /* "": no body */
	const char *body;
	const struct answer_header *headers;
	size_t n_headers;
};

/* Why an example cannot have such a header; NULL: it can. How a message is carried, whom it may be
 * read by and what its body is are the gateway's to say. */
const char *mock_header_wrong(const char *name, const char *value);

/* Part of the contract's loader and writer: "examples" of an operation. */
bool mock_load(struct loader *l, const struct json *v, struct contract_operation *op) MUST_CHECK;
void mock_write(struct arena *a, const struct contract_operation *op, struct json *o);

void mock_answer(const struct contract_operation *op, const struct core_request *r, struct arena *a,
	struct verdict *ret);

#endif
