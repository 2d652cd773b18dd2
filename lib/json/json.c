#include "lib/json/json.h"

#include <math.h>
#include <stdarg.h>

#include "lib/json/node.h"

const struct json *json_get(const struct json *object, const char *key)
{
	if (!cJSON_IsObject(raw_const(object)))
		return NULL;
	for (const cJSON *m = raw_const(object)->child; m; m = m->next)
		if (m->string && strcmp(m->string, key) == 0)
			return (const struct json *)m;
	return NULL;
}

const struct json *json_path(const struct json *object, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, object);
	while (object && (key = va_arg(ap, const char *)))
		object = json_get(object, key);
	va_end(ap);
	return object;
}

const char *json_str(const struct json *v)
{
	return cJSON_IsString(raw_const(v)) ? raw_const(v)->valuestring : NULL;
}

const char *json_get_str(const struct json *object, const char *key)
{
	return json_str(json_get(object, key));
}

bool json_num(const struct json *v, double *ret)
{
	if (!cJSON_IsNumber(raw_const(v)))
		return false;
	*ret = raw_const(v)->valuedouble;
	return true;
}

bool json_int(const struct json *v, int64_t *ret)
{
	const double exact = 9007199254740992.0; /* 2^53: beyond it doubles skip integers */
	double d;

	if (!json_num(v, &d) || d != floor(d) || d > exact || d < -exact)
		return false;
	*ret = (int64_t)d;
	return true;
}

int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise)
{
	int64_t n;

	return json_int(json_get(object, key), &n) ? n : otherwise;
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
	const cJSON *v = raw_const(json_get(object, key));

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

bool json_is_true(const struct json *v)
{
	return cJSON_IsTrue(raw_const(v));
}

bool json_is_object(const struct json *v)
{
	return cJSON_IsObject(raw_const(v));
}

bool json_is_array(const struct json *v)
{
	return cJSON_IsArray(raw_const(v));
}

bool json_is_str(const struct json *v)
{
	return cJSON_IsString(raw_const(v));
}

bool json_is_bool(const struct json *v)
{
	return cJSON_IsBool(raw_const(v));
}

bool json_is_num(const struct json *v)
{
	return cJSON_IsNumber(raw_const(v));
}

bool json_is_null(const struct json *v)
{
	return cJSON_IsNull(raw_const(v));
}

const char *json_type_name(const struct json *v)
{
	if (!v)
		return "nothing";
	if (json_is_object(v))
		return "object";
	if (json_is_array(v))
		return "list";
	if (json_is_str(v))
		return "string";
	if (json_is_bool(v))
		return "boolean";
	return json_is_num(v) ? "number" : "null";
}

size_t json_len(const struct json *v)
{
	size_t n = 0;

	json_foreach (m, v)
		n++;
	return n;
}

const struct json *json_at(const struct json *array, size_t i)
{
	json_foreach (m, array)
		if (i-- == 0)
			return m;
	return NULL;
}

const char *json_key(const struct json *member)
{
	return raw_const(member)->string;
}

const struct json *json_first(const struct json *v)
{
	return v ? (const struct json *)raw_const(v)->child : NULL;
}

const struct json *json_next(const struct json *member)
{
	return (const struct json *)raw_const(member)->next;
}

bool json_equal(const struct json *x, const struct json *y)
{
	return cJSON_Compare(raw_const(x), raw_const(y), 1);
}
