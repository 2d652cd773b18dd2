/* Strict reading of a contract's fields: each must be there, of its type, within its bounds.
 * Messages begin with the path. */
#ifndef GATEWAY_CORE_FIELD_H
#define GATEWAY_CORE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct contract;
struct err;
struct json;

struct loader {
	struct arena *a;   /* the contract's */
	struct arena *tmp; /* JSON, dead when the contract is loaded */
	struct contract *c;
	struct err *err;
};

/* Both return false. The first puts a place before a message: "paths[3]" + "method: …"; the second
 * is "key: expected …". */
bool field_within(struct err *err, const char *name, size_t i);
bool field_bad(struct loader *l, const char *key, const char *expected);

/* An object with no other members than these: a field this loader does not know might protect
 * something, and an older gateway must not start with it. */
bool field_object(
	struct loader *l, const struct json *v, const char *const *names, size_t n) MUST_CHECK;

bool field_text(
	struct loader *l, const struct json *o, const char *key, const char **ret) MUST_CHECK;
bool field_flag(struct loader *l, const struct json *o, const char *key, bool *ret) MUST_CHECK;
bool field_number(struct loader *l, const struct json *o, const char *key, int64_t min, int64_t max,
	int64_t *ret) MUST_CHECK;
bool field_list(struct loader *l, const struct json *o, const char *key, size_t max,
	size_t *ret_n) MUST_CHECK;

/* A list of texts, none longer than CONTRACT_MAX_TEXT. */
bool field_texts(struct loader *l, const struct json *o, const char *key, size_t max,
	const char ***ret, size_t *ret_n) MUST_CHECK;

#endif
