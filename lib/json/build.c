#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/node.h"

struct json *json_object(struct arena *a)
{
	json_use(a);
	return made(cJSON_CreateObject());
}

struct json *json_array(struct arena *a)
{
	json_use(a);
	return made(cJSON_CreateArray());
}

struct json *json_string(struct arena *a, const char *text)
{
	json_use(a);
	return made(cJSON_CreateString(text));
}

struct json *json_number(struct arena *a, double n)
{
	json_use(a);
	return made(cJSON_CreateNumber(n));
}

struct json *json_boolean(struct arena *a, bool b)
{
	json_use(a);
	return made(cJSON_CreateBool(b));
}

struct json *json_null(struct arena *a)
{
	json_use(a);
	return made(cJSON_CreateNull());
}

struct json *json_dup(struct arena *a, const struct json *v)
{
	json_use(a);
	return v ? made(cJSON_Duplicate(raw_const(v), 1)) : NULL;
}

/* The member itself rather than a view of it. */
static cJSON *member(struct json *object, const char *key)
{
	if (!cJSON_IsObject(raw(object)))
		return NULL;
	for (cJSON *m = raw(object)->child; m; m = m->next)
		if (m->string && strcmp(m->string, key) == 0)
			return m;
	return NULL;
}

void json_remove(struct json *object, const char *key)
{
	cJSON *old = member(object, key);

	if (old)
		(void)cJSON_DetachItemViaPointer(raw(object), old);
}

void json_set(struct arena *a, struct json *object, const char *key, struct json *child)
{
	json_use(a);
	json_remove(object, key);
	if (child && !cJSON_AddItemToObject(raw(object), key, raw(child)))
		abort();
}

void json_append(struct arena *a, struct json *object, const char *key, struct json *child)
{
	json_use(a);
	if (!cJSON_AddItemToObject(raw(object), key, raw(child)))
		abort();
}

void json_set_str(struct arena *a, struct json *object, const char *key, const char *text)
{
	json_set(a, object, key, text ? json_string(a, text) : NULL);
}

void json_set_int(struct arena *a, struct json *object, const char *key, int64_t n)
{
	json_set(a, object, key, json_number(a, (double)n));
}

void json_set_bool(struct arena *a, struct json *object, const char *key, bool b)
{
	json_set(a, object, key, json_boolean(a, b));
}

void json_add(struct json *array, struct json *child)
{
	if (child && !cJSON_AddItemToArray(raw(array), raw(child)))
		abort();
}

void json_add_str(struct arena *a, struct json *array, const char *text)
{
	json_add(array, json_string(a, text));
}

struct json *json_sub(struct arena *a, struct json *object, const char *key)
{
	if (!json_is_object(json_get(object, key)))
		json_set(a, object, key, json_object(a));
	return (struct json *)member(object, key);
}

struct json *json_prune(struct json *v)
{
	for (cJSON *m = raw(v) ? raw(v)->child : NULL; m;) {
		cJSON *next = m->next;

		if (cJSON_IsNull(m) && cJSON_IsObject(raw(v)))
			(void)cJSON_DetachItemViaPointer(raw(v), m);
		else
			json_prune((struct json *)m);
		m = next;
	}
	return v;
}

struct json *json_format(struct arena *a, const char *template, ...)
{
	struct json *v;
	struct err err;
	struct str s;
	va_list ap;

	str_init(&s, a, JSON_MAX_TEXT);
	va_start(ap, template);
	for (const char *p = template; *p; p++) {
		if (*p != '%') {
			str_addc(&s, *p == '\'' ? '"' : *p);
			continue;
		}
		switch (*++p) {
		case 's':
			json_add_quoted(&s, va_arg(ap, const char *));
			break;
		case 'd':
			str_addf(&s, "%d", va_arg(ap, int));
			break;
		case 'l':
			str_addf(&s, "%lld", (long long)va_arg(ap, int64_t));
			break;
		case 'b':
			str_add(&s, va_arg(ap, int) ? "true" : "false");
			break;
		case 'j': {
			const struct json *sub = va_arg(ap, const struct json *);

			str_add(&s, sub ? json_text(a, sub) : "null");
			break;
		}
		default:
			str_addc(&s, '%');
			p--;
		}
	}
	va_end(ap);
	v = json_parse(a, s.ptr, s.len, &err);
	if (!v) {
		(void)fprintf(stderr, "json_format: %s in: %s\n", err.msg, s.ptr);
		abort();
	}
	return v;
}
