/* Schemas of a document in the one dialect that gateways judge by: JSON Schema draft 7, with all it
 * refers to inside it.
 *
 * OpenAPI 3.0 and Swagger 2.0 (`nullable`, `exclusiveMinimum: true`, what stands beside `$ref` does
 * not count) and 3.1 (`prefixItems`, `dependentRequired`, …) come out alike. What only describes
 * is left out, so an edit of it builds nothing. A keyword that would have to be enforced and cannot
 * be is an error.
 */
#ifndef TOOLKIT_SCHEMA_H
#define TOOLKIT_SCHEMA_H

#include <stdbool.h>

#include "toolkit/model.h"

/* What a body may be, as canonical JSON. NULL: it cannot be enforced, and that is told. In requests
 * what is `readOnly` is not required, in answers what is `writeOnly`. */
const char *schema_text(struct reader *r, struct place p, bool is_request);

#endif
