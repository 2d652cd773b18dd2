#include "gateway/core/field.h"

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

bool field_within(struct err *err, const char *name, size_t i)
{
	char inner[sizeof(err->msg)];

	memcpy(inner, err->msg, sizeof(inner));
	return err_set(err, err->code, "%s[%zu].%s", name, i, inner);
}

bool field_bad(struct loader *l, const char *key, const char *expected)
{
	return err_set(l->err, ERR_INVALID, "%s: expected %s", key, expected);
}

static bool is_named(const char *key, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(key, names[i]))
			return true;
	return false;
}

bool field_object(struct loader *l, const struct json *v, const char *const *names, size_t n)
{
	if (!json_is_object(v))
		return err_set(
			l->err, ERR_INVALID, "expected an object, found %s", json_type_name(v));
	json_foreach (m, v)
		if (!is_named(json_key(m), names, n))
			return err_set(l->err, ERR_INVALID, "%.100s: unknown field", json_key(m));
	return true;
}

bool field_text(struct loader *l, const struct json *o, const char *key, const char **ret)
{
	const char *s = json_get_str(o, key);

	if (!s)
		return field_bad(l, key, "a string");
	if (strlen(s) > CONTRACT_MAX_TEXT)
		return err_set(
			l->err, ERR_LIMIT, "%s: longer than %d bytes", key, CONTRACT_MAX_TEXT);
	*ret = arena_dup(l->a, s);
	return true;
}

bool field_flag(struct loader *l, const struct json *o, const char *key, bool *ret)
{
	const struct json *v = json_get(o, key);

	if (!json_is_bool(v))
		return field_bad(l, key, "true or false");
	*ret = json_get_bool(o, key, false);
	return true;
}

bool field_number(struct loader *l, const struct json *o, const char *key, int64_t min, int64_t max,
	int64_t *ret)
{
	int64_t n;

	if (!json_int(json_get(o, key), &n) || n < min || n > max)
		return err_set(l->err, ERR_INVALID, "%s: expected an integer from %lld to %lld",
			key, (long long)min, (long long)max);
	*ret = n;
	return true;
}

bool field_list(struct loader *l, const struct json *o, const char *key, size_t max, size_t *ret_n)
{
	const struct json *v = json_get(o, key);

	if (!json_is_array(v))
		return field_bad(l, key, "a list");
	*ret_n = json_len(v);
	if (*ret_n > max)
		return err_set(
			l->err, ERR_LIMIT, "%s: %zu entries, the limit is %zu", key, *ret_n, max);
	return true;
}

bool field_texts(struct loader *l, const struct json *o, const char *key, size_t max,
	const char ***ret, size_t *ret_n)
{
	size_t i = 0;

	if (!field_list(l, o, key, max, ret_n))
		return false;
	*ret = arena_alloc(l->a, (*ret_n + 1) * sizeof(**ret));
	json_foreach (v, json_get(o, key)) {
		const char *text = json_str(v);

		if (!text || strlen(text) > CONTRACT_MAX_TEXT)
			return field_bad(l, key, "texts");
		(*ret)[i++] = arena_dup(l->a, text);
	}
	return true;
}
