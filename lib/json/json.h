/* JSON values in an arena: strict reading, typed getters, building, canonical text.
 *
 * The only door to cJSON, which alone is too lenient for input from outside: it compares keys
 * without regard to case, accepts trailing text and duplicate keys, and rounds integers. Here keys
 * are case-sensitive, the whole input must be one value, duplicate keys and nesting deeper than
 * JSON_MAX_DEPTH are refused, and an integer is exact or not one. Every node lives in the arena it
 * was made in; nothing is freed one by one. Getters accept NULL and answer "absent", so that a path
 * can be followed without checks. Not for use from two threads at once.
 */
#ifndef LIB_JSON_JSON_H
#define LIB_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct arena;
struct err;
struct json;

enum {
	JSON_MAX_DEPTH = 100,
	JSON_MAX_TEXT = 64 * 1024 * 1024,
};

/* NULL on failure; err says line and column. */
struct json *json_parse(struct arena *a, const char *text, size_t n, struct err *err) MUST_CHECK;

/* ---- reading ---- */

const struct json *json_get(const struct json *object, const char *key);

/* Follows keys one after the other: json_path(o, "spec", "definition", "type", NULL). */
const struct json *json_path(const struct json *object, ...) __attribute__((sentinel));

const char *json_str(const struct json *v); /* NULL unless v is a string */
const char *json_get_str(const struct json *object, const char *key);
bool json_int(const struct json *v, int64_t *ret); /* false unless v is an integer in ±2^53 */
int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise);
bool json_num(const struct json *v, double *ret);
bool json_get_bool(const struct json *object, const char *key, bool otherwise);

bool json_is_object(const struct json *v);
bool json_is_array(const struct json *v);
bool json_is_str(const struct json *v);
bool json_is_bool(const struct json *v);
bool json_is_true(const struct json *v); /* the value true */
bool json_is_num(const struct json *v);
bool json_is_null(const struct json *v);	  /* the value null; absent is not null */
const char *json_type_name(const struct json *v); /* "object", "string", …, "nothing" for NULL */

size_t json_len(
	const struct json *v); /* members of an object or elements of an array; 0 otherwise */
const struct json *json_at(const struct json *array, size_t i); /* O(i): use json_foreach to walk */
const char *json_key(const struct json *member); /* key under which a member stands in its object */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *member);

#define json_foreach(var, v) for (const struct json *var = json_first(v); var; var = json_next(var))

bool json_equal(const struct json *x, const struct json *y); /* ignores the order of members */

/* ---- building: children are moved into the parent and must not stand anywhere else ---- */

struct json *json_object(struct arena *a);
struct json *json_array(struct arena *a);
struct json *json_string(struct arena *a, const char *text);
struct json *json_number(struct arena *a, double n);
struct json *json_boolean(struct arena *a, bool b);
struct json *json_null(struct arena *a);
struct json *json_dup(struct arena *a, const struct json *v);

/* Replace an existing member of the same key. NULL child or text: the member is left out (removed).
 */
void json_set(struct arena *a, struct json *object, const char *key, struct json *child);
void json_set_str(struct arena *a, struct json *object, const char *key, const char *text);
void json_set_int(struct arena *a, struct json *object, const char *key, int64_t n);
void json_set_bool(struct arena *a, struct json *object, const char *key, bool b);
void json_append(struct arena *a, struct json *object, const char *key,
	struct json *child); /* key is new: no search */
void json_remove(struct json *object, const char *key);
void json_add(struct json *array, struct json *child);
void json_add_str(struct arena *a, struct json *array, const char *text);

/* A mutable view of a member, made as an empty object when absent. */
struct json *json_sub(struct arena *a, struct json *object, const char *key);

/* Builds from a template in which strings stand in single quotes:
 *   json_format(a, "{'kind':'Service','metadata':{'name':%s},'spec':{'ports':%j,'replicas':%d}}",
 * name, ports, 3) %s string (NULL: null) · %d int · %l int64_t · %b bool · %j const struct json *
 * (copied; NULL: null). A malformed template is our bug and aborts. */
struct json *json_format(struct arena *a, const char *template, ...);

/* Removes members that are null, deeply: what %s and %j make of NULL. Returns v. */
struct json *json_prune(struct json *v);

/* ---- writing ---- */

char *json_text(struct arena *a, const struct json *v); /* compact, order kept */
char *json_pretty(struct arena *a, const struct json *v);
char *json_canonical(struct arena *a,
	const struct json *v); /* compact, keys sorted: equal values, equal bytes */

/* Lower-case hex SHA-256 of the canonical text. */
char *json_sha256(struct arena *a, const struct json *v);

#endif
