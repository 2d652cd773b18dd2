#include "lib/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

/* A struct json is a cJSON node under another name: callers cannot reach its fields and use cJSON's
 * lenient calls. */

/* cJSON's allocation hooks take no context, so the arena of the call in progress stands here. */
static struct arena *current;

static void *arena_malloc(size_t n)
{
	return arena_alloc(current, n);
}

static void arena_no_free(void *p)
{
	(void)p;
}

static void use(struct arena *a)
{
	static const cJSON_Hooks hooks = { .malloc_fn = arena_malloc, .free_fn = arena_no_free };

	if (!current) {
		cJSON_Hooks copy = hooks;

		cJSON_InitHooks(&copy);
	}
	current = a;
}

static cJSON *raw(struct json *v)
{
	return (cJSON *)v;
}

static const cJSON *raw_const(const struct json *v)
{
	return (const cJSON *)v;
}

static struct json *made(cJSON *node)
{
	if (!node)
		abort();
	return (struct json *)node;
}

/* ---- parsing ---- */

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

static int by_key(const void *x, const void *y)
{
	const cJSON *const *a = x;
	const cJSON *const *b = y;

	return strcmp((*a)->string, (*b)->string);
}

/* Members of an object in the order of their keys. */
static const cJSON **sorted(struct arena *a, const cJSON *object, size_t *ret_n)
{
	size_t n = json_len((const struct json *)object);
	const cJSON **members = arena_alloc(a, (n + 1) * sizeof(const cJSON *));
	size_t i = 0;

	for (const cJSON *m = object->child; m; m = m->next)
		members[i++] = m;
	qsort(members, n, sizeof(const cJSON *), by_key);
	*ret_n = n;
	return members;
}

static bool check(struct arena *a, const cJSON *v, int depth, struct err *err)
{
	if (depth > JSON_MAX_DEPTH)
		return err_set(err, ERR_LIMIT, "nested deeper than %d levels", JSON_MAX_DEPTH);
	if (cJSON_IsObject(v)) {
		size_t n;
		const cJSON **members = sorted(a, v, &n);

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
	use(a);
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

/* ---- reading ---- */

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

/* ---- building ---- */

struct json *json_object(struct arena *a)
{
	use(a);
	return made(cJSON_CreateObject());
}

struct json *json_array(struct arena *a)
{
	use(a);
	return made(cJSON_CreateArray());
}

struct json *json_string(struct arena *a, const char *text)
{
	use(a);
	return made(cJSON_CreateString(text));
}

struct json *json_number(struct arena *a, double n)
{
	use(a);
	return made(cJSON_CreateNumber(n));
}

struct json *json_boolean(struct arena *a, bool b)
{
	use(a);
	return made(cJSON_CreateBool(b));
}

struct json *json_null(struct arena *a)
{
	use(a);
	return made(cJSON_CreateNull());
}

struct json *json_dup(struct arena *a, const struct json *v)
{
	use(a);
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
	use(a);
	json_remove(object, key);
	if (child && !cJSON_AddItemToObject(raw(object), key, raw(child)))
		abort();
}

void json_append(struct arena *a, struct json *object, const char *key, struct json *child)
{
	use(a);
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

/* As cJSON prints strings, without its buffers. */
static void add_quoted(struct str *s, const char *text)
{
	static const char plain[] = "btn\0fr";

	if (!text) {
		str_add(s, "null");
		return;
	}
	str_addc(s, '"');
	for (const char *from = text;; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		str_addn(s, from, (size_t)(text - from));
		if (c == '\0')
			break;
		from = text + 1;
		if (c == '"' || c == '\\')
			str_addf(s, "\\%c", c);
		else if (c >= '\b' && c <= '\r' && plain[c - '\b'])
			str_addf(s, "\\%c", plain[c - '\b']);
		else
			str_addf(s, "\\u%04x", c);
	}
	str_addc(s, '"');
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
			add_quoted(&s, va_arg(ap, const char *));
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

/* ---- writing ---- */

char *json_text(struct arena *a, const struct json *v)
{
	char *text;

	use(a);
	text = cJSON_PrintBuffered(raw_const(v), 256, 0);
	if (!text)
		abort();
	return text;
}

char *json_pretty(struct arena *a, const struct json *v)
{
	char *text;

	use(a);
	text = cJSON_Print(raw_const(v));
	if (!text)
		abort();
	return text;
}

static void add_canonical(struct arena *a, struct str *s, const cJSON *v)
{
	size_t n;

	if (cJSON_IsArray(v)) {
		str_addc(s, '[');
		for (const cJSON *m = v->child; m; m = m->next) {
			add_canonical(a, s, m);
			if (m->next)
				str_addc(s, ',');
		}
		str_addc(s, ']');
	} else if (cJSON_IsObject(v)) {
		const cJSON **members = sorted(a, v, &n);

		str_addc(s, '{');
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				str_addc(s, ',');
			add_quoted(s, members[i]->string);
			str_addc(s, ':');
			add_canonical(a, s, members[i]);
		}
		str_addc(s, '}');
	} else if (cJSON_IsString(v)) {
		add_quoted(s, v->valuestring);
	} else {
		str_add(s, json_text(a, (const struct json *)v));
	}
}

char *json_canonical(struct arena *a, const struct json *v)
{
	struct str s;

	str_init(&s, a, 2 * (size_t)JSON_MAX_TEXT);
	add_canonical(a, &s, raw_const(v));
	return s.ptr;
}

char *json_sha256(struct arena *a, const struct json *v)
{
	const char *text = json_canonical(a, v);

	return sha256_hex(a, text, strlen(text));
}
