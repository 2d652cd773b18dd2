#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/model.h"

/* What the document itself says about a name; NULL: nothing. */
static const struct json *declared(struct reader *r, const char *name)
{
	const struct json *all =
		r->swagger2 ? json_get(r->root, "securityDefinitions")
			    : json_path(r->root, "components", "securitySchemes", NULL);
	const struct json *scheme = json_get(all, name);

	/* The original's operator wrote them at the root. */
	if (!scheme)
		scheme = json_path(r->root, "securitySchemes", name, NULL);
	return reference_followed(r->a, r->root, scheme);
}

/* "oauth2", "apiKey", "basic", "bearer", "jwt", … */
static const char *scheme_of(const struct json *scheme)
{
	const char *type = json_get_str(scheme, "type");

	return str_eq(type, "http") ? json_get_str(scheme, "scheme") : type;
}

static void add_scopes(struct reader *r, struct vec *scopes, struct place p)
{
	size_t i = 0;

	if (!json_is_array(p.at)) {
		refuse(r, "InvalidSecurity", p, "%s, expected a list of scopes",
			json_type_name(p.at));
		return;
	}
	json_foreach (v, p.at) {
		const char *scope = json_str(v);

		if (str_empty(scope) || strpbrk(scope, " \t\r\n") || strlen(scope) > 1024)
			refuse(r, "InvalidSecurity", element(r, p, i, v),
				"expected a scope (one word)");
		else
			vec_add(r->a, scopes, arena_dup(r->a, scope));
		i++;
	}
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void sort_unique(struct vec *texts)
{
	size_t n = 0;

	if (texts->n > 1)
		qsort(texts->at, texts->n, sizeof(void *), by_text);
	for (size_t i = 0; i < texts->n; i++)
		if (n == 0 || !str_eq(texts->at[n - 1], texts->at[i]))
			texts->at[n++] = texts->at[i];
	texts->n = n;
}

static void read_scheme(const struct json *scheme, struct model_name *ret)
{
	ret->scheme = scheme_of(scheme);
	if (!str_eq(ret->scheme, "apiKey"))
		return;
	ret->in_query = str_eq(json_get_str(scheme, "in"), "query");
	ret->place_name = json_get_str(scheme, "name");
}

static void add_names(struct reader *r, struct model_security *s, struct place entry, size_t i)
{
	json_foreach (v, entry.at) {
		struct model_name *name = arena_alloc(r->a, sizeof(*name));

		name->place = member(r, entry, v);
		name->name = json_key(v);
		name->entry = i;
		read_scheme(declared(r, name->name), name);
		vec_add(r->a, &s->names, name);
		add_scopes(r, &s->scopes, name->place);
	}
}

static void check_scopes(struct reader *r, const struct vec *scopes, struct place p)
{
	if (scopes->n > CONTRACT_MAX_SCOPES)
		refuse(r, "LimitExceeded", p, "%zu scopes, the limit is %d", scopes->n,
			CONTRACT_MAX_SCOPES);
}

struct model_security *security_of(struct reader *r, struct place p)
{
	struct place list = inside(r, p, "security");
	struct model_security *s;
	size_t i = 0;

	if (!list.at)
		return NULL;
	s = arena_alloc(r->a, sizeof(*s));
	if (!json_is_array(list.at)) {
		refuse(r, "InvalidSecurity", list, "%s, expected a list: \"- name: []\"",
			json_type_name(list.at));
		return s;
	}
	json_foreach (v, list.at) {
		struct place entry = element(r, list, i++, v);

		if (json_is_object(v))
			add_names(r, s, entry, i);
		else
			refuse(r, "InvalidSecurity", entry, "%s, expected \"name: []\"",
				json_type_name(v));
	}
	if (s->names.n == 0)
		warn(r, "SecurityNotUsable", list,
			"names no security, so the default Security applies; x-wso2-disable-security: true "
			"opens an operation");
	sort_unique(&s->scopes);
	check_scopes(r, &s->scopes, list);
	return s;
}

const struct vec *scopes_of(
	struct reader *r, struct place operation, const struct model_security *s)
{
	struct place p = inside(r, operation, "x-scope");
	struct vec *scopes = arena_alloc(r->a, sizeof(*scopes));
	const char *scope = json_str(p.at);

	if (!p.at)
		return s ? &s->scopes : scopes;
	if (str_empty(scope) || strpbrk(scope, " \t\r\n") || strlen(scope) > 1024)
		refuse(r, "InvalidSecurity", p, "expected a scope (one word)");
	else
		vec_add(r->a, scopes, arena_dup(r->a, scope));
	return scopes;
}

/* -1: not said. */
static int disabled(struct reader *r, struct place p)
{
	struct place at = inside(r, p, "x-wso2-disable-security");

	if (!at.at)
		return -1;
	if (!json_is_bool(at.at)) {
		refuse(r, "InvalidSecurity", at, "%s, expected true or false",
			json_type_name(at.at));
		return -1;
	}
	return json_get_bool(p.at, "x-wso2-disable-security", false);
}

bool is_secured(struct reader *r, struct place root, struct place operation)
{
	int here = disabled(r, operation);
	int above = disabled(r, root);

	if (here >= 0)
		return !here;
	if (str_eq(json_get_str(operation.at, "x-auth-type"), "None"))
		return false;
	return above != 1;
}

void check_application_security(struct reader *r, struct place p)
{
	struct place ext = inside(r, p, "x-wso2-application-security");
	struct place types = inside(r, ext, "security-types");
	size_t i = 0;

	if (!ext.at)
		return;
	if (!json_is_object(ext.at) || (types.at && !json_is_array(types.at))) {
		refuse(r, "InvalidSecurity", ext,
			"expected {security-types: […], optional: false}");
		return;
	}
	json_foreach (v, types.at) {
		struct place at = element(r, types, i++, v);

		if (!str_eq(json_str(v), "oauth2") && !str_eq(json_str(v), "jwt") &&
			!str_eq(json_str(v), "basic_auth") && !str_eq(json_str(v), "api_key"))
			refuse(r, "SecurityNotSupported", at,
				"\"%.40s\" is not supported yet, expected oauth2, basic_auth or api_key",
				json_str(v) ? json_str(v) : json_type_name(v));
	}
}
