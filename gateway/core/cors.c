#include "gateway/core/cors.h"

#include <ctype.h>
#include <strings.h>

#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	MAX_ORIGIN = 512,
	MAX_REQUESTED = 4096, /* bytes of Access-Control-Request-Headers */
};

static const char token_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

/* ---- contract ---- */

static bool are_plain(struct loader *l, const char *key, const char **texts, size_t n)
{
	if (n == 0)
		return field_bad(l, key, "at least one text");
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(texts[i]);

		if (length == 0 || length > MAX_ORIGIN)
			return field_bad(l, key, "texts of 1 to 512 bytes");
		for (const char *c = texts[i]; *c; c++)
			if (*c <= ' ' || *c == ',' || *c > '~')
				return field_bad(l, key, "texts without spaces and commas");
	}
	return true;
}

static bool load_list(
	struct loader *l, const struct json *o, const char *key, struct contract_words *ret)
{
	return field_texts(l, o, key, CONTRACT_MAX_CORS, &ret->at, &ret->n) &&
	       are_plain(l, key, ret->at, ret->n);
}

bool cors_load(struct loader *l, const struct json *v, struct contract_cors **ret)
{
	static const char *const names[] = { "origins", "methods", "headers", "credentials" };
	struct contract_cors *c = arena_alloc(l->a, sizeof(*c));

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!load_list(l, v, "origins", &c->origins) ||
		!load_list(l, v, "methods", &c->methods) ||
		!load_list(l, v, "headers", &c->headers) ||
		!field_flag(l, v, "credentials", &c->credentials))
		return false;
	for (size_t i = 0; i < c->origins.n; i++)
		if (c->credentials && str_eq(c->origins.at[i], "*"))
			return field_bad(l, "origins", "no \"*\" together with credentials");
	*ret = c;
	return true;
}

static struct json *list_json(struct arena *a, const struct contract_words *w)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < w->n; i++)
		json_add_str(a, list, w->at[i]);
	return list;
}

struct json *cors_json(struct arena *a, const struct contract_cors *c)
{
	struct json *o = json_object(a);

	json_set(a, o, "origins", list_json(a, &c->origins));
	json_set(a, o, "methods", list_json(a, &c->methods));
	json_set(a, o, "headers", list_json(a, &c->headers));
	json_set_bool(a, o, "credentials", c->credentials);
	return o;
}

/* ---- requests ---- */

static bool is_word(const char *word, struct span s, bool ignore_case)
{
	if (strlen(word) != s.n)
		return false;
	return ignore_case ? strncasecmp(word, s.at, s.n) == 0 : memcmp(word, s.at, s.n) == 0;
}

static bool has(const struct contract_words *list, struct span s, bool ignore_case)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->at[i], "*") || is_word(list->at[i], s, ignore_case))
			return true;
	return false;
}

/* The only header of that name; empty when there is none, or more. */
static struct span only(const struct core_request *r, const char *name)
{
	struct span s = { 0 };
	size_t n = 0;

	if (!r->header || !r->header(r->arg, name, &s, &n) || n != 1)
		return (struct span){ 0 };
	return s;
}

static bool is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.n > 0 && s.n <= MAX_ORIGIN;
}

void cors_simple(const struct contract_cors *c, const struct core_request *r, struct cors *ret)
{
	struct span origin = only(r, "origin");

	*ret = (struct cors){ .is_on = true };
	if (!is_printable(origin) || !has(&c->origins, origin, false))
		return;
	ret->origin = origin;
	ret->credentials = c->credentials;
}

/* Every name of the comma-separated list is allowed. */
static bool headers_allowed(const struct contract_cors *c, struct span list)
{
	const char *at = list.at;
	const char *end = list.at + list.n;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *next = comma ? comma : end;
		struct span name = { at, (size_t)(next - at) };

		for (; name.n > 0 && (*name.at == ' ' || *name.at == '\t'); name.n--)
			name.at++;
		while (name.n > 0 && (name.at[name.n - 1] == ' ' || name.at[name.n - 1] == '\t'))
			name.n--;
		for (size_t i = 0; i < name.n; i++)
			if (!memchr(token_letters, name.at[i], sizeof(token_letters) - 1))
				return false;
		if (name.n > 0 && !has(&c->headers, name, true))
			return false;
		at = next + 1;
	}
	return true;
}

static struct span joined(struct arena *a, const struct contract_words *list)
{
	struct str s;

	str_init(&s, a, (size_t)CONTRACT_MAX_CORS * (MAX_ORIGIN + 2));
	for (size_t i = 0; i < list->n; i++)
		str_addf(&s, "%s%s", i ? ", " : "", list->at[i]);
	return (struct span){ s.ptr, s.len };
}

static bool is_any(const struct contract_words *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->at[i], "*"))
			return true;
	return false;
}

void cors_preflight(struct arena *a, const struct contract_cors *c, unsigned int methods,
	const struct core_request *r, struct cors *ret)
{
	struct span method = only(r, "access-control-request-method");
	struct span requested = only(r, "access-control-request-headers");

	cors_simple(c, r, ret);
	if (ret->origin.n == 0)
		return;
	if (method.n == 0 || !(method_parse(method.at, method.n) & methods) ||
		!has(&c->methods, method, false) || requested.n > MAX_REQUESTED ||
		!headers_allowed(c, requested)) {
		*ret = (struct cors){ .is_on = true };
		return;
	}
	/* "*" does not cover Authorization in browsers: what was asked for is named instead. */
	ret->methods = is_any(&c->methods) ? method : joined(a, &c->methods);
	ret->headers = is_any(&c->headers) ? requested : joined(a, &c->headers);
}
