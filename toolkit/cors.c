#include <ctype.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

/* What [corsConfiguration] of the original says where a document says nothing. */
static const char *const default_origins[] = { "*" };
static const char *const default_methods[] = { "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS" };
static const char *const default_headers[] = { "authorization", "Access-Control-Allow-Origin",
	"Content-Type", "SOAPAction" };

typedef bool word_fn(struct reader *r, struct place p, const char *word);

static bool is_origin(struct reader *r, struct place p, const char *word)
{
	const char *host = strstr(word, "://");

	if (strpbrk(word, " ,\t"))
		return refuse(r, "InvalidCors", p,
			"\"%.100s\", expected one origin as \"https://shop.example\" or \"*\"",
			word);
	if (!str_eq(word, "*") && !str_eq(word, "null") &&
		(!host || host == word || !host[3] || strpbrk(host + 3, "/?#")))
		warn(r, "InvalidCors", p,
			"\"%.100s\" is not how browsers name an origin: scheme://host[:port], as \"https://shop.example\"",
			word);
	return true;
}

static bool is_method(struct reader *r, struct place p, const char *word)
{
	if (str_eq(word, "*") || method_parse(word, strlen(word)) != METHOD_OTHER)
		return true;
	return refuse(
		r, "InvalidCors", p, "\"%.100s\", expected the name of a method as \"GET\"", word);
}

static bool is_header(struct reader *r, struct place p, const char *word)
{
	for (const char *c = word; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
			return refuse(r, "InvalidCors", p,
				"\"%.100s\", expected the name of a header", word);
	return true;
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Sorted, each once: their order means nothing. */
static void keep(struct reader *r, const char **texts, size_t n, struct contract_words *ret)
{
	if (n > 1)
		qsort(texts, n, sizeof(*texts), by_text);
	ret->at = arena_alloc(r->a, (n + 1) * sizeof(*ret->at));
	ret->n = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_eq(texts[i - 1], texts[i]))
			ret->at[ret->n++] = texts[i];
}

static void read_list(
	struct reader *r, struct place p, word_fn *is_right, struct contract_words *ret)
{
	const char **texts = arena_alloc(r->a, (json_len(p.at) + 1) * sizeof(*texts));
	size_t n = 0;

	if (!json_is_array(p.at) || json_len(p.at) == 0 || json_len(p.at) > CONTRACT_MAX_CORS) {
		refuse(r, "InvalidCors", p, "expected a list of 1 to %d texts", CONTRACT_MAX_CORS);
		return;
	}
	json_foreach (v, p.at) {
		const char *word = json_str(v);
		struct place at = element(r, p, n, v);

		if (str_empty(word) || strlen(word) > 512)
			refuse(r, "InvalidCors", at, "expected a text of 1 to 512 bytes");
		else if (is_right(r, at, word))
			texts[n++] = word;
	}
	keep(r, texts, n, ret);
}

static bool read_flag(struct reader *r, struct place p)
{
	if (!json_is_bool(p.at))
		return refuse(
			r, "InvalidCors", p, "%s, expected true or false", json_type_name(p.at));
	return str_eq(json_text(r->a, p.at), "true");
}

/* "access-control-allow-origins", "access_control_…" and "accessControl…" are one name. */
static bool is_spelling(const char *key, const char *name)
{
	for (; *key; key++) {
		if (*key == '-' || *key == '_')
			continue;
		if (tolower((unsigned char)*key) != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

static void read_member(struct reader *r, struct place p, struct contract_cors *c, bool *is_on)
{
	const char *key = json_key(p.at);

	if (is_spelling(key, "accesscontrolalloworigins"))
		read_list(r, p, is_origin, &c->origins);
	else if (is_spelling(key, "accesscontrolallowmethods"))
		read_list(r, p, is_method, &c->methods);
	else if (is_spelling(key, "accesscontrolallowheaders"))
		read_list(r, p, is_header, &c->headers);
	else if (is_spelling(key, "accesscontrolallowcredentials"))
		c->credentials = read_flag(r, p);
	else if (is_spelling(key, "corsconfigurationenabled"))
		*is_on = read_flag(r, p);
	else
		warn(r, "UnknownField", p, "unknown field, has no effect");
}

static void add_defaults(
	struct reader *r, const char *const *texts, size_t n, struct contract_words *w)
{
	const char **copy = arena_alloc(r->a, n * sizeof(*copy));

	if (w->n > 0)
		return;
	for (size_t i = 0; i < n; i++)
		copy[i] = texts[i];
	keep(r, copy, n, w);
}

struct contract_cors *cors_of(struct reader *r, struct place root)
{
	struct place p = inside(r, root, "x-wso2-cors");
	struct contract_cors *c = arena_alloc(r->a, sizeof(*c));
	size_t errors = r->diagnostics->errors;
	bool is_on = true;

	if (!p.at)
		return NULL;
	if (!json_is_object(p.at)) {
		refuse(r, "InvalidCors", p,
			"%s, expected an object with accessControlAllowOrigins and relatives",
			json_type_name(p.at));
		return NULL;
	}
	json_foreach (v, p.at)
		read_member(r, member(r, p, v), c, &is_on);
	add_defaults(r, default_origins, ARRAY_LEN(default_origins), &c->origins);
	add_defaults(r, default_methods, ARRAY_LEN(default_methods), &c->methods);
	add_defaults(r, default_headers, ARRAY_LEN(default_headers), &c->headers);
	for (size_t i = 0; i < c->origins.n; i++)
		if (is_on && errors == r->diagnostics->errors && c->credentials &&
			str_eq(c->origins.at[i], "*"))
			refuse(r, "InvalidCors", p,
				"credentials for every origin would let any web page act as the user; list the origins "
				"in accessControlAllowOrigins");
	return is_on ? c : NULL;
}
