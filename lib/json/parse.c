#include <ctype.h>
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

static const char *digits(const char *at, const char *end)
{
	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at;
}

/* Behind the number at this place; NULL: it is none (RFC 8259, section 6). */
static const char *number(const char *at, const char *end)
{
	const char *from = at + (*at == '-');
	const char *part;

	at = digits(from, end);
	if (at == from || (*from == '0' && at > from + 1))
		return NULL;
	if (at < end && *at == '.') {
		part = at + 1;
		at = digits(part, end);
		if (at == part)
			return NULL;
	}
	if (at < end && (*at | 0x20) == 'e') {
		part = at + 1;
		part += part < end && (*part == '+' || *part == '-');
		at = digits(part, end);
		if (at == part)
			return NULL;
	}
	return at;
}

/* An escaped NUL would end a C string early: "good\\u0000evil" must not compare equal to "good".
 * cJSON reads one in "\\u00ex", too. */
static const char *escape(const char *at, const char *end)
{
	if (end - at < 2 || at[1] != 'u')
		return at + 2;
	if (end - at < 6 || memcmp(at + 2, "0000", 4) == 0)
		return NULL;
	for (int i = 2; i < 6; i++)
		if (!isxdigit((unsigned char)at[i]))
			return NULL;
	return at + 6;
}

/* Where cJSON is not strict: what it takes for white space, for an escape, and for a number, such
 * as "01" and "1.", another reader may see otherwise. NULL, or what is wrong. */
static const char *laxness(const char *text, size_t n)
{
	const char *end = text + n;
	bool in_text = false;

	for (const char *at = text; at < end;) {
		if ((unsigned char)*at < ' ' && (in_text || !memchr("\t\n\r", *at, 3)))
			return "a control character";
		if (*at == '"')
			in_text = !in_text;
		if (in_text && *at == '\\') {
			at = escape(at, end);
			if (!at)
				return "an escaped control character, or a broken escape";
		} else if (!in_text && (*at == '-' || isdigit((unsigned char)*at))) {
			at = number(at, end);
			if (!at)
				return "a number that is none";
		} else {
			at++;
		}
	}
	return NULL;
}

struct json *json_parse(struct arena *a, const char *text, size_t n, struct err *err)
{
	const char *end = NULL;
	const char *lax;
	cJSON *v;

	if (n > JSON_MAX_TEXT) {
		err_set(err, ERR_LIMIT, "JSON text of %zu bytes, the limit is %d", n,
			JSON_MAX_TEXT);
		return NULL;
	}
	lax = laxness(text, n);
	if (lax) {
		err_set(err, ERR_INVALID, "not JSON: it contains %s", lax);
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
