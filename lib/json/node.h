/* What the files of lib/json share: a struct json is a cJSON node under another name, so that
 * callers cannot reach its fields and use cJSON's lenient calls. */
#ifndef LIB_JSON_NODE_H
#define LIB_JSON_NODE_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "lib/json/json.h"

struct str;

static inline cJSON *raw(struct json *v)
{
	return (cJSON *)v;
}

static inline const cJSON *raw_const(const struct json *v)
{
	return (const cJSON *)v;
}

/* The node that was just made; out of memory aborts. */
static inline struct json *made(cJSON *node)
{
	if (!node)
		abort();
	return (struct json *)node;
}

/* Before every call of cJSON that allocates: where to. */
void json_use(struct arena *a);

/* Members of an object in the order of their keys. */
const cJSON **json_sorted(struct arena *a, const cJSON *object, size_t *ret_n);

/* Appends text as a JSON string, null for NULL. */
void json_add_quoted(struct str *s, const char *text);

#endif
