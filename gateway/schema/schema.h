/* JSON bodies against a schema: the one door to the C++ library that judges them.
 *
 * The dialect is what the compiler makes of all versions of OpenAPI (toolkit/schema.c): JSON Schema
 * draft 7 with `$ref` into the schema's own `definitions` only, and patterns of RE2. schema_new
 * refuses everything else by name, so a keyword is enforced or an error, never ignored.
 *
 * A client chooses bodies, so what one costs is bounded: its bytes, its nesting, the number of
 * steps that it is judged in, the errors that are told. Patterns take time linear in the text.
 * Members that stand twice in an object are refused, since a backend may read the other one.
 * Nothing is shared between calls; a schema may be used by several processes, not by two threads at
 * once.
 */
#ifndef GATEWAY_SCHEMA_SCHEMA_H
#define GATEWAY_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SCHEMA_MAX_TEXT = 256 * 1024, /* of one schema with its definitions */
	SCHEMA_MAX_BODY = 1024 * 1024,
	SCHEMA_MAX_DEPTH = 48,	   /* of a body, and of a schema's text */
	SCHEMA_MAX_CHAIN = 16,	   /* schemas that judge one value, each inside the one before */
	SCHEMA_MAX_STEPS = 600000, /* schema against value; about 0.5 µs each */
	SCHEMA_MAX_ERRORS = 20,	   /* told of one body */
	SCHEMA_MAX_MESSAGE = 8 * 1024, /* of all of them */
};

struct schema;

/* NULL when the text is no schema of the dialect; why says so, with the place in front. */
struct schema *schema_new(const char *text, size_t n, char *why, size_t why_size);
void schema_free(struct schema *s); /* accepts NULL */

/* False: `errors` holds what is wrong, each followed by ", ": "/price: …, ". */
bool schema_check(const struct schema *s, const char *body, size_t n, char *errors, size_t size);

#ifdef __cplusplus
}
#endif

#endif
