#include "lib/yaml/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

#define CORE_TAG "tag:yaml.org,2002:"

/* Where one value stands, and for plain scalars that are not strings how it was written. */
struct place {
	const struct json *value;
	const char *written;
	size_t line;
};

struct yaml_lines {
	struct place *at; /* sorted by address once the text is read */
	size_t n;
	size_t cap;
};

/* A key of a mapping that is being read. */
struct member {
	const char *key;
	yaml_mark_t at;
};

struct reader {
	yaml_parser_t parser;
	struct member *members; /* of all open mappings, innermost last */
	size_t n;
	size_t cap;
	struct arena *arena;
	struct yaml_lines *lines; /* NULL: nobody asked */
	struct err *err;
};

static void reader_done(struct reader *r)
{
	yaml_parser_delete(&r->parser);
	free(r->members);
}

static bool refuse(struct reader *r, const yaml_mark_t *at, enum err_code code, const char *what)
{
	return err_set(
		r->err, code, "line %zu, column %zu: %s", at->line + 1, at->column + 1, what);
}

static bool next_event(struct reader *r, yaml_event_t *ret)
{
	yaml_mark_t at;
	bool known;

	if (yaml_parser_parse(&r->parser, ret))
		return true;
	/* A reader error (bad UTF-8) has no mark of its own: the parser's position is near enough.
	 */
	known = r->parser.error == YAML_SCANNER_ERROR || r->parser.error == YAML_PARSER_ERROR;
	at = known ? r->parser.problem_mark : r->parser.mark;
	return err_set(r->err, ERR_INVALID, "line %zu, column %zu: not YAML: %s", at.line + 1,
		at.column + 1, r->parser.problem ? r->parser.problem : "unreadable");
}

static void *grown(void *at, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return at;
	*cap = *cap ? 2 * *cap : 64;
	at = reallocarray(at, *cap, size);
	if (!at)
		abort();
	return at;
}

static void note(struct reader *r, const struct json *v, const yaml_mark_t *at, const char *written)
{
	struct yaml_lines *l = r->lines;

	if (!l)
		return;
	l->at = grown(l->at, l->n, &l->cap, sizeof(*l->at));
	l->at[l->n++] = (struct place){ .value = v, .written = written, .line = at->line + 1 };
}

/* ---- scalars: the core schema of YAML 1.2, section 10.3.2 ---- */

static bool one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool all_in(const char *text, const char *digits)
{
	return *text && text[strspn(text, digits)] == '\0';
}

static struct json *integer(struct arena *a, const char *digits, int base, bool negative)
{
	const uint64_t exact = UINT64_C(1) << 53; /* beyond it a double skips integers */
	unsigned long long n;

	errno = 0;
	n = strtoull(digits, NULL, base);
	if (errno || n > exact)
		return NULL;
	return json_number(a, negative ? -(double)n : (double)n);
}

static bool is_float(const char *p)
{
	size_t before;
	size_t after = 0;

	p += *p == '+' || *p == '-';
	before = strspn(p, "0123456789");
	p += before;
	if (*p == '.') {
		after = strspn(++p, "0123456789");
		p += after;
	}
	if (before + after == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		return all_in(p, "0123456789");
	}
	return *p == '\0';
}

static struct json *number(struct arena *a, const char *text)
{
	const char *digits = text + (*text == '+' || *text == '-');
	double d;

	if (all_in(digits, "0123456789"))
		return integer(a, digits, 10, *text == '-');
	if (str_starts(text, "0x") && all_in(text + 2, "0123456789abcdefABCDEF"))
		return integer(a, text + 2, 16, false);
	if (str_starts(text, "0o") && all_in(text + 2, "01234567"))
		return integer(a, text + 2, 8, false);
	if (!is_float(text))
		return NULL;
	d = strtod(text, NULL);
	return isfinite(d) ? json_number(a, d) : NULL;
}

/* NULL: a string. */
static struct json *resolve(struct arena *a, const char *text)
{
	static const char *const null[] = { "", "~", "null", "Null", "NULL" };
	static const char *const yes[] = { "true", "True", "TRUE" };
	static const char *const no[] = { "false", "False", "FALSE" };

	if (one_of(text, null, ARRAY_LEN(null)))
		return json_null(a);
	if (one_of(text, yes, ARRAY_LEN(yes)))
		return json_boolean(a, true);
	if (one_of(text, no, ARRAY_LEN(no)))
		return json_boolean(a, false);
	return number(a, text);
}

static bool tag_fits(const char *tag, const struct json *v)
{
	double d;

	if (str_eq(tag, CORE_TAG "int"))
		return json_num(v, &d) && d == floor(d);
	if (str_eq(tag, CORE_TAG "float"))
		return json_is_num(v);
	if (str_eq(tag, CORE_TAG "bool"))
		return json_is_bool(v);
	return str_eq(tag, CORE_TAG "null") && json_is_null(v);
}

static struct json *scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	const char *tag = (const char *)e->data.scalar.tag;
	struct json *v = NULL;

	if (memchr(text, '\0', e->data.scalar.length)) {
		refuse(r, &e->start_mark, ERR_INVALID, "a NUL character");
		return NULL;
	}
	if (tag && !str_eq(tag, "!") && !str_eq(tag, CORE_TAG "str")) {
		v = resolve(r->arena, text);
		if (!v || !tag_fits(tag, v)) {
			refuse(r, &e->start_mark, ERR_INVALID, "a tag that does not fit its value");
			return NULL;
		}
	} else if (!tag && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		v = resolve(r->arena, text);
	}
	if (v)
		note(r, v, &e->start_mark, r->lines ? arena_dup(r->arena, text) : NULL);
	else
		note(r, v = json_string(r->arena, text), &e->start_mark, NULL);
	return v;
}

/* ---- collections ---- */

static int by_key(const void *x, const void *y)
{
	const struct member *a = x;
	const struct member *b = y;
	int order = strcmp(a->key, b->key);

	return order ? order : (a->at.index > b->at.index) - (a->at.index < b->at.index);
}

/* Looks at the members from `first` on, and closes them. */
static bool keys_differ(struct reader *r, size_t first)
{
	size_t n = r->n - first;
	struct member *m;

	r->n = first;
	if (n < 2)
		return true;
	m = r->members + first;
	qsort(m, n, sizeof(*m), by_key);
	for (size_t i = 1; i < n; i++)
		if (str_eq(m[i - 1].key, m[i].key))
			return err_set(r->err, ERR_INVALID,
				"line %zu, column %zu: duplicate key \"%.100s\", first on line %zu",
				m[i].at.line + 1, m[i].at.column + 1, m[i].key,
				m[i - 1].at.line + 1);
	return true;
}

static struct json *value(struct reader *r, const yaml_event_t *e, int depth);

static struct json *sequence(struct reader *r, int depth)
{
	struct json *list = json_array(r->arena);
	yaml_event_t e;

	while (next_event(r, &e)) {
		struct json *item = NULL;

		if (e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return list;
		}
		item = value(r, &e, depth);
		yaml_event_delete(&e);
		if (!item)
			return NULL;
		json_add(list, item);
	}
	return NULL;
}

static bool key_is_plain(struct reader *r, const yaml_event_t *e)
{
	if (e->type == YAML_ALIAS_EVENT || (e->type == YAML_SCALAR_EVENT && e->data.scalar.anchor))
		return refuse(
			r, &e->start_mark, ERR_INVALID, "anchors and aliases are not supported");
	if (e->type != YAML_SCALAR_EVENT)
		return refuse(r, &e->start_mark, ERR_INVALID, "a key that is not a scalar");
	if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
		return refuse(r, &e->start_mark, ERR_INVALID, "a NUL character");
	return true;
}

/* The value that follows a key, put into the object. */
static bool member(struct reader *r, const yaml_event_t *key, struct json *object, int depth)
{
	yaml_event_t e;
	struct json *v;

	if (!key_is_plain(r, key) || !next_event(r, &e))
		return false;
	v = value(r, &e, depth);
	yaml_event_delete(&e);
	if (!v)
		return false;
	json_append(r->arena, object, (const char *)key->data.scalar.value, v);
	r->members = grown(r->members, r->n, &r->cap, sizeof(*r->members));
	r->members[r->n++] = (struct member){ .key = json_key(v), .at = key->start_mark };
	return true;
}

static struct json *mapping(struct reader *r, int depth)
{
	struct json *object = json_object(r->arena);
	size_t first = r->n;
	yaml_event_t e;

	while (next_event(r, &e)) {
		bool more = e.type != YAML_MAPPING_END_EVENT;
		bool ok = more ? member(r, &e, object, depth) : keys_differ(r, first);

		yaml_event_delete(&e);
		if (!ok)
			return NULL;
		if (!more)
			return object;
	}
	return NULL;
}

static struct json *collection(struct reader *r, const yaml_event_t *e, int depth)
{
	bool is_map = e->type == YAML_MAPPING_START_EVENT;
	const char *tag =
		(const char *)(is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
	const char *expected = is_map ? CORE_TAG "map" : CORE_TAG "seq";
	struct json *v;

	if (tag && !str_eq(tag, "!") && !str_eq(tag, expected)) {
		refuse(r, &e->start_mark, ERR_INVALID, "a tag that is not supported");
		return NULL;
	}
	if (depth >= JSON_MAX_DEPTH) {
		refuse(r, &e->start_mark, ERR_LIMIT, "nested too deeply");
		return NULL;
	}
	v = is_map ? mapping(r, depth + 1) : sequence(r, depth + 1);
	if (v)
		note(r, v, &e->start_mark, NULL);
	return v;
}

static struct json *value(struct reader *r, const yaml_event_t *e, int depth)
{
	const yaml_char_t *anchor = NULL;

	if (e->type == YAML_SCALAR_EVENT)
		anchor = e->data.scalar.anchor;
	else if (e->type == YAML_MAPPING_START_EVENT)
		anchor = e->data.mapping_start.anchor;
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		anchor = e->data.sequence_start.anchor;
	if (anchor || e->type == YAML_ALIAS_EVENT) {
		refuse(r, &e->start_mark, ERR_INVALID, "anchors and aliases are not supported");
		return NULL;
	}
	return e->type == YAML_SCALAR_EVENT ? scalar(r, e) : collection(r, e, depth);
}

/* ---- documents ---- */

/* The next document, or success with *ret NULL at the end of the text. */
static bool document(struct reader *r, struct json **ret, yaml_mark_t *ret_at)
{
	struct json *v = NULL;
	yaml_event_t e;

	*ret = NULL;
	for (;;) {
		yaml_event_type_t type;

		if (!next_event(r, &e))
			return false;
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			*ret_at = e.start_mark;
		if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT &&
			!(v = value(r, &e, 0))) {
			yaml_event_delete(&e);
			return false;
		}
		yaml_event_delete(&e);
		if (type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT)
			break;
	}
	*ret = v;
	return true;
}

static bool reader_init(struct reader *r, const char *text, size_t n)
{
	if (n > JSON_MAX_TEXT)
		return err_set(
			r->err, ERR_LIMIT, "text of %zu bytes, the limit is %d", n, JSON_MAX_TEXT);
	if (!yaml_parser_initialize(&r->parser))
		abort();
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, n);
	return true;
}

static int by_address(const void *x, const void *y)
{
	const struct place *a = x;
	const struct place *b = y;

	return ((uintptr_t)a->value > (uintptr_t)b->value) -
	       ((uintptr_t)a->value < (uintptr_t)b->value);
}

static struct json *parse_one(
	struct arena *a, const char *text, size_t n, struct yaml_lines *lines, struct err *err)
{
	AUTO(reader_done) struct reader r = { .arena = a, .lines = lines, .err = err };
	struct json *second = NULL;
	struct json *v = NULL;
	yaml_mark_t at = { 0 };

	if (!reader_init(&r, text, n) || !document(&r, &v, &at))
		return NULL;
	if (!v) {
		err_set(err, ERR_INVALID, "line 1, column 1: the text is empty");
		return NULL;
	}
	if (lines)
		qsort(lines->at, lines->n, sizeof(*lines->at), by_address);
	r.lines = NULL;
	if (!document(&r, &second, &at))
		return NULL;
	if (second) {
		refuse(&r, &at, ERR_INVALID, "a second document begins, expected one in all");
		return NULL;
	}
	return v;
}

/* libyaml refuses a few texts that are JSON: surrogate pairs, keys beyond 1024 characters. */
static bool looks_like_json(const char *text, size_t n)
{
	while (n > 0 && isspace((unsigned char)*text)) {
		text++;
		n--;
	}
	return n > 0 && (*text == '{' || *text == '[');
}

struct json *yaml_parse(
	struct arena *a, const char *text, size_t n, struct yaml_lines **ret_lines, struct err *err)
{
	struct yaml_lines *lines = ret_lines ? arena_alloc(a, sizeof(*lines)) : NULL;
	struct json *v = parse_one(a, text, n, lines, err);
	struct err ignored;

	if (lines && lines->at)
		arena_defer(a, free, lines->at);

	if (!v && looks_like_json(text, n)) {
		v = json_parse(a, text, n, &ignored);
		if (v && lines)
			lines->n = 0;
	}
	if (v && ret_lines)
		*ret_lines = lines;
	return v;
}

struct json *yaml_parse_all(struct arena *a, const char *text, size_t n, struct err *err)
{
	AUTO(reader_done) struct reader r = { .arena = a, .err = err };
	struct json *all = json_array(a);
	struct json *v = NULL;
	yaml_mark_t at = { 0 };

	if (!reader_init(&r, text, n))
		return NULL;
	do {
		if (!document(&r, &v, &at))
			return NULL;
		if (v && !json_is_null(v))
			json_add(all, v);
	} while (v);
	return all;
}

static const struct place *place_of(const struct yaml_lines *lines, const struct json *v)
{
	const struct place key = { .value = v };

	if (!lines || lines->n == 0 || !v)
		return NULL;
	return bsearch(&key, lines->at, lines->n, sizeof(*lines->at), by_address);
}

size_t yaml_line(const struct yaml_lines *lines, const struct json *v)
{
	const struct place *p = place_of(lines, v);

	return p ? p->line : 0;
}

const char *yaml_written(const struct yaml_lines *lines, const struct json *v)
{
	const struct place *p = place_of(lines, v);

	return p ? p->written : NULL;
}
