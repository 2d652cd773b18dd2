#include <math.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/node.h"

static void where(const char *text, const char *at, size_t *ret_line, size_t *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (; text < at; text++) {
		if (*text == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else {
			(*ret_column)++;
		}
	}
}

static bool check(struct arena *a, const cJSON *v, int depth, struct err *err)
{
	if (depth > JSON_MAX_DEPTH)
		return err_set(err, ERR_LIMIT, "nested deeper than %d levels", JSON_MAX_DEPTH);
	if (cJSON_IsObject(v)) {
		size_t n;
		const cJSON **members = json_sorted(a, v, &n);

		for (size_t i = 1; i < n; i++)
			if (str_eq(members[i - 1]->string, members[i]->string))
				return err_set(err, ERR_INVALID, "duplicate key \"%s\"",
					members[i]->string);
	}
	if (cJSON_IsNumber(v) && !isfinite(v->valuedouble))
		return err_set(err, ERR_INVALID, "number out of range");
	for (const cJSON *m = v->child; m; m = m->next)
		if (!check(a, m, depth + 1, err))
			return false;
	return true;
}

/* An escaped NUL would end a C string early: "good\\u0000evil" must not compare equal to "good".
 * Other control characters cJSON takes for white space. */
static bool has_controls(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' && !memchr("\t\n\r", text[i], 3))
			return true;
	for (size_t i = 0; i + 5 < n; i++)
		if (text[i] == '\\' && memcmp(text + ++i, "u0000", 5) == 0)
			return true;
	return false;
}

struct json *json_parse(struct arena *a, const char *text, size_t n, struct err *err)
{
	const char *end = NULL;
	cJSON *v;

	if (n > JSON_MAX_TEXT) {
		err_set(err, ERR_LIMIT, "JSON text of %zu bytes, the limit is %d", n,
			JSON_MAX_TEXT);
		return NULL;
	}
	if (has_controls(text, n)) {
		err_set(err, ERR_INVALID, "not JSON: it contains a control character");
		return NULL;
	}
	json_use(a);
	v = cJSON_ParseWithLengthOpts(text, n, &end, 0);
	if (v) {
		while (end < text + n && strchr(" \t\r\n", *end))
			end++;
		if (end == text + n)
			return check(a, v, 0, err) ? made(v) : NULL;
	}
	size_t line = 1;
	size_t column = 1;

	where(text, end ? end : text, &line, &column);
	err_set(err, ERR_INVALID, "not JSON: line %zu, column %zu", line, column);
	return NULL;
}
