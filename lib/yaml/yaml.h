/* YAML 1.2 core schema as JSON values, with the line each came from. libyaml reads; this decides.
 *
 * Refused, with line and column: anchors and aliases (an alias bomb needs them), duplicate keys,
 * keys that are not scalars, several documents in one text, tags other than the core ones, nesting
 * deeper than JSON_MAX_DEPTH. Plain scalars follow the core schema: true/false, null/~, decimal,
 * 0x, 0o integers, floats; everything else, yes/no/on/off too, is a string. Integers beyond 2^53
 * stay strings. JSON is YAML: a JSON text is read the same way.
 */
#ifndef LIB_YAML_YAML_H
#define LIB_YAML_YAML_H

#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct yaml_lines;

/* NULL on failure. ret_lines may be NULL. */
struct json *yaml_parse(struct arena *a, const char *text, size_t n, struct yaml_lines **ret_lines,
	struct err *err) MUST_CHECK;

/* All documents of a text, as a JSON array (`kubectl`-style files). */
struct json *yaml_parse_all(
	struct arena *a, const char *text, size_t n, struct err *err) MUST_CHECK;

/* Line (from 1) where v stands in the text it was parsed from; 0 if unknown. */
size_t yaml_line(const struct yaml_lines *lines, const struct json *v);

/* How a plain scalar that is not a string was written ("1.10", "0x1F", "True"); NULL for everything
 * else. For places where people forget quotes: `version: 1.10`. */
const char *yaml_written(const struct yaml_lines *lines, const struct json *v);

#endif
