#include "gateway/core/contract.h"

#include <errno.h>

#include "gateway/core/assertion.h"
#include "gateway/core/body.h"
#include "gateway/core/cors.h"
#include "gateway/core/endpoint.h"
#include "gateway/core/field.h"
#include "gateway/core/jwks.h"
#include "gateway/core/mock.h"
#include "gateway/core/signature.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"

enum {
	MAX_TOKEN_CACHE_S = 24 * 3600,
	MAX_BYTES = 64 * 1024 * 1024,
	MAX_PEM = 16 * 1024,
};

/* ---- issuers ---- */

static bool read_pem(struct loader *l, const char *pem, struct signature_key **ret)
{
	struct err why;

	*ret = signature_key_pem(l->a, pem, &why);
	return *ret || err_set(l->err, why.code, "pem: %s", why.msg);
}

static bool load_key(struct loader *l, const struct json *v, struct contract_key *k)
{
	static const char *const names[] = { "id", "pem", "notBefore", "notAfter" };
	const int64_t latest = INT64_C(253402300799); /* end of the year 9999 */
	const char *pem = json_get_str(v, "pem");

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !field_text(l, v, "id", &k->id))
		return false;
	if (!pem || strlen(pem) > MAX_PEM)
		return field_bad(l, "pem", "a PEM public key");
	k->pem = arena_dup(l->a, pem);
	return field_number(l, v, "notBefore", -latest, latest, &k->not_before) &&
	       field_number(l, v, "notAfter", -latest, latest, &k->not_after) &&
	       read_pem(l, k->pem, &k->verifies);
}

static bool load_jwks(struct loader *l, const struct json *v, struct contract_issuer *s)
{
	struct err why;

	if (!field_text(l, v, "jwksUrl", &s->jwks_url))
		return false;
	s->jwks_at = arena_alloc(l->a, sizeof(*s->jwks_at));
	return jwks_url_parse(l->a, s->jwks_url, s->jwks_at, &s->jwks_path, &why) ||
	       err_set(l->err, why.code, "jwksUrl: %s", why.msg);
}

static bool load_issuer(struct loader *l, const struct json *v, struct contract_issuer *s)
{
	static const char *const names[] = { "security", "issuer", "audience",
		"validateSubscription", "keys", "jwksUrl" };
	size_t i = 0;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_text(l, v, "security", &s->security) ||
		!field_text(l, v, "issuer", &s->issuer) ||
		!field_flag(l, v, "validateSubscription", &s->validate_subscription) ||
		!field_list(l, v, "keys", CONTRACT_MAX_KEYS, &s->n_keys))
		return false;
	if (json_get(v, "audience") && !field_text(l, v, "audience", &s->audience))
		return false;
	if (str_empty(s->issuer))
		return field_bad(l, "issuer", "a text that is not empty");
	if (json_get(v, "jwksUrl") && !load_jwks(l, v, s))
		return false;
	if (s->n_keys == 0 && !s->jwks_url)
		return field_bad(l, "keys", "at least one key, or jwksUrl");
	s->keys = arena_alloc(l->a, (s->n_keys + 1) * sizeof(*s->keys));
	json_foreach (k, json_get(v, "keys")) {
		if (!load_key(l, k, &s->keys[i]))
			return field_within(l->err, "keys", i);
		i++;
	}
	return true;
}

static bool load_issuers(struct loader *l, const struct json *root)
{
	struct contract *c = l->c;
	size_t i = 0;

	if (!field_list(l, root, "issuers", CONTRACT_MAX_ISSUERS, &c->n_issuers))
		return false;
	c->issuers = arena_alloc(l->a, (c->n_issuers + 1) * sizeof(*c->issuers));
	json_foreach (v, json_get(root, "issuers")) {
		if (!load_issuer(l, v, &c->issuers[i]))
			return field_within(l->err, "issuers", i);
		i++;
	}
	return true;
}

/* ---- schemes ---- */

static const char *const scheme_types[] = {
	[SCHEME_BASIC] = "basic",
	[SCHEME_OAUTH] = "oauth",
	[SCHEME_API_KEY] = "apikey",
};

const char *scheme_type_name(enum scheme_type t)
{
	return scheme_types[t];
}

static bool load_scheme_type(struct loader *l, const struct json *v, enum scheme_type *ret)
{
	const char *name = json_get_str(v, "type");

	for (size_t i = 0; i < ARRAY_LEN(scheme_types); i++)
		if (str_eq(name, scheme_types[i])) {
			*ret = (enum scheme_type)i;
			return true;
		}
	return field_bad(l, "type", "basic, oauth or apikey");
}

/* It becomes the name of a file. */
static bool security_name_ok(struct loader *l, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t n = strlen(name);

	if (n == 0 || n > 253 || name[0] == '.' || strspn(name, letters) != n)
		return field_bad(l, "security", "the name of a Security");
	return true;
}

static bool load_key_manager(struct loader *l, const struct json *v, struct contract_scheme *s)
{
	const char *url = json_get_str(v, "url");

	if (!url)
		return field_bad(l, "url", "a string");
	if (json_get(v, "soap") && !field_flag(l, v, "soap", &s->is_soap))
		return false;
	return contract_target_parse(l->a, url, &s->key_manager, l->err);
}

static bool load_place(struct loader *l, const struct json *v, struct contract_scheme *s)
{
	const char *in = json_get_str(v, "in");
	size_t n;

	s->in_query = str_eq(in, "query");
	if (!s->in_query && !str_eq(in, "header"))
		return field_bad(l, "in", "header or query");
	if (!field_text(l, v, "name", &s->name))
		return false;
	n = strlen(s->name);
	if (n == 0 || n > 128 ||
		(!s->in_query && strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != n))
		return field_bad(
			l, "name", "the name of a parameter, or of a header in lower case");
	return true;
}

static bool load_scheme(struct loader *l, const struct json *v, struct contract_scheme *s)
{
	static const char *const names[] = { "type", "security", "url", "soap", "in", "name" };

	return field_object(l, v, names, ARRAY_LEN(names)) && load_scheme_type(l, v, &s->type) &&
	       field_text(l, v, "security", &s->security) && security_name_ok(l, s->security) &&
	       (s->type != SCHEME_OAUTH || load_key_manager(l, v, s)) &&
	       (s->type != SCHEME_API_KEY || load_place(l, v, s));
}

static bool load_schemes(struct loader *l, const struct json *root)
{
	struct contract *c = l->c;
	size_t i = 0;

	if (!json_get(root, "schemes"))
		return true;
	if (!field_list(l, root, "schemes", CONTRACT_MAX_SCHEMES, &c->n_schemes))
		return false;
	c->schemes = arena_alloc(l->a, (c->n_schemes + 1) * sizeof(*c->schemes));
	json_foreach (v, json_get(root, "schemes")) {
		if (!load_scheme(l, v, &c->schemes[i]))
			return field_within(l->err, "schemes", i);
		i++;
	}
	return true;
}

/* ---- operations ---- */

static bool load_method(struct loader *l, const struct json *v, enum method *ret)
{
	const char *name = json_get_str(v, "method");

	*ret = name ? method_parse(name, strlen(name)) : METHOD_OTHER;
	return *ret != METHOD_OTHER || field_bad(l, "method", "the name of an HTTP method");
}

/* Numbers below `end`. */
static bool load_indices(struct loader *l, const struct json *v, const char *key, size_t end,
	size_t **ret, size_t *ret_n)
{
	size_t i = 0;

	if (!field_list(l, v, key, CONTRACT_MAX_ISSUERS, ret_n))
		return false;
	*ret = arena_alloc(l->a, (*ret_n + 1) * sizeof(**ret));
	json_foreach (x, json_get(v, key)) {
		int64_t n;

		if (!json_int(x, &n) || n < 0 || (size_t)n >= end)
			return field_bad(l, key, "numbers of existing entries");
		(*ret)[i++] = (size_t)n;
	}
	return true;
}

static bool load_accepted(struct loader *l, const struct json *v, struct contract_operation *op)
{
	const struct contract *c = l->c;

	if (!load_indices(l, v, "issuers", c->n_issuers, &op->issuers, &op->n_issuers))
		return false;
	if (json_get(v, "schemes") &&
		!load_indices(l, v, "schemes", c->n_schemes, &op->schemes, &op->n_schemes))
		return false;
	if (json_get(v, "keyToo") && !field_flag(l, v, "keyToo", &op->key_too))
		return false;
	if (op->secured && op->n_issuers + op->n_schemes == 0)
		return field_bad(
			l, "issuers", "at least one, or a scheme, since the operation is secured");
	return true;
}

static bool load_scopes(struct loader *l, const struct json *v, struct contract_operation *op)
{
	size_t i = 0;

	if (!field_list(l, v, "scopes", CONTRACT_MAX_SCOPES, &op->n_scopes))
		return false;
	op->scopes = arena_alloc(l->a, (op->n_scopes + 1) * sizeof(*op->scopes));
	json_foreach (x, json_get(v, "scopes")) {
		const char *scope = json_str(x);

		if (str_empty(scope) || strchr(scope, ' ') || strlen(scope) > CONTRACT_MAX_TEXT)
			return field_bad(l, "scopes", "words");
		op->scopes[i++] = arena_dup(l->a, scope);
	}
	return true;
}

static bool load_endpoint_index(
	struct loader *l, const struct json *v, const char *key, size_t *ret)
{
	int64_t n;

	*ret = SIZE_MAX;
	if (!json_get(v, key))
		return true;
	if (!json_int(json_get(v, key), &n) || n < 0 || (size_t)n >= l->c->n_endpoints)
		return field_bad(l, key, "the number of an existing endpoint");
	*ret = (size_t)n;
	return true;
}

static bool load_operation(struct loader *l, const struct json *v, struct contract_operation *op)
{
	static const char *const names[] = { "method", "id", "secured", "optional", "issuers",
		"schemes", "keyToo", "scopes", "endpoint", "sandbox", "tier", "requestHook",
		"responseHook", "request", "responses", "examples" };

	if (!field_object(l, v, names, ARRAY_LEN(names)) || !load_method(l, v, &op->method) ||
		!field_text(l, v, "id", &op->id) || !field_flag(l, v, "secured", &op->secured) ||
		(json_get(v, "optional") && !field_flag(l, v, "optional", &op->optional)) ||
		!load_accepted(l, v, op) || !load_scopes(l, v, op) ||
		!load_endpoint_index(l, v, "endpoint", &op->endpoint) ||
		!load_endpoint_index(l, v, "sandbox", &op->sandbox) ||
		!tier_load(l, v, &l->c->limits, &op->tier) ||
		!scripts_load_places(l, v, &op->hooks) || !bodies_load(l, v, op) ||
		!mock_load(l, v, op))
		return false;
	if ((op->endpoint == SIZE_MAX && op->sandbox == SIZE_MAX) == (op->n_examples == 0))
		return field_bad(l, "endpoint", "an endpoint or a sandbox, or examples");
	return true;
}

static bool load_path(
	struct loader *l, const struct json *v, struct contract_path *p, size_t *operations)
{
	static const char *const names[] = { "template", "operations" };
	struct err inner;
	size_t i = 0;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_text(l, v, "template", &p->template) ||
		!field_list(l, v, "operations", CONTRACT_MAX_OPERATIONS, &p->n_operations))
		return false;
	if (!contract_template_ok(p->template, &inner))
		return err_set(l->err, inner.code, "template: %s", inner.msg);
	*operations += p->n_operations;
	if (p->n_operations == 0 || *operations > CONTRACT_MAX_OPERATIONS)
		return field_bad(l, "operations", "one or more, 10000 in all");
	p->operations = arena_alloc(l->a, p->n_operations * sizeof(*p->operations));
	json_foreach (x, json_get(v, "operations")) {
		if (!load_operation(l, x, &p->operations[i]))
			return field_within(l->err, "operations", i);
		if (p->methods & p->operations[i].method)
			return field_bad(l, "operations", "each method once");
		p->methods |= p->operations[i++].method;
	}
	return true;
}

/* ---- documents ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Two equal texts in the list, or NULL. */
static const char *twice(const char **texts, size_t n)
{
	if (n > 1)
		qsort(texts, n, sizeof(*texts), by_text);
	for (size_t i = 1; i < n; i++)
		if (str_eq(texts[i - 1], texts[i]))
			return texts[i];
	return NULL;
}

static bool paths_differ(struct loader *l, const struct contract_api *api)
{
	const char **shapes = arena_alloc(l->tmp, (api->n_paths + 1) * sizeof(*shapes));
	const char *same;

	for (size_t i = 0; i < api->n_paths; i++)
		shapes[i] = contract_template_shape(l->tmp, api->paths[i].template);
	same = twice(shapes, api->n_paths);
	return !same ||
	       err_set(l->err, ERR_INVALID, "paths: two templates of the shape \"%.200s\"", same);
}

static bool auth_header_ok(struct loader *l, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 128 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != n)
		return field_bad(l, "authHeader", "a header name in lower case");
	return true;
}

static bool load_cache(struct loader *l, const struct json *v, struct contract_api *api)
{
	int64_t n;

	if (!json_get(v, "cacheSeconds"))
		return true;
	if (!field_number(l, v, "cacheSeconds", 1, CONTRACT_MAX_CACHE_SECONDS, &n))
		return false;
	api->cache_s = (uint32_t)n;
	return true;
}

static bool load_api(
	struct loader *l, const struct json *v, struct contract_api *api, size_t *operations)
{
	static const char *const names[] = { "title", "version", "basePath", "authHeader", "cors",
		"paths", "tier", "transports", "mutualSsl", "requestHook", "responseHook",
		"cacheSeconds" };
	struct err inner;
	size_t i = 0;

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!field_text(l, v, "title", &api->title) ||
		!field_text(l, v, "version", &api->version) ||
		!field_text(l, v, "basePath", &api->base_path) ||
		!field_text(l, v, "authHeader", &api->auth_header) ||
		!auth_header_ok(l, api->auth_header) ||
		!tier_load(l, v, &l->c->limits, &api->tier) ||
		!transport_load(l, v, &api->transport) || !scripts_load_places(l, v, &api->hooks) ||
		!load_cache(l, v, api) ||
		!field_list(l, v, "paths", CONTRACT_MAX_OPERATIONS, &api->n_paths))
		return false;
	if (!contract_base_path_ok(api->base_path, &inner))
		return err_set(l->err, inner.code, "basePath: %s", inner.msg);
	if (json_get(v, "cors") && !cors_load(l, json_get(v, "cors"), &api->cors))
		return err_wrap(l->err, "cors");
	if (api->n_paths == 0)
		return field_bad(l, "paths", "at least one");
	api->paths = arena_alloc(l->a, api->n_paths * sizeof(*api->paths));
	json_foreach (p, json_get(v, "paths")) {
		if (!load_path(l, p, &api->paths[i], operations))
			return field_within(l->err, "paths", i);
		i++;
	}
	return paths_differ(l, api);
}

static bool load_apis(struct loader *l, const struct json *root)
{
	struct contract *c = l->c;
	size_t operations = 0;
	const char **bases;
	const char *same;
	size_t i = 0;

	if (!field_list(l, root, "apis", CONTRACT_MAX_APIS, &c->n_apis))
		return false;
	if (c->n_apis == 0)
		return field_bad(l, "apis", "at least one");
	c->apis = arena_alloc(l->a, c->n_apis * sizeof(*c->apis));
	bases = arena_alloc(l->tmp, c->n_apis * sizeof(*bases));
	json_foreach (v, json_get(root, "apis")) {
		if (!load_api(l, v, &c->apis[i], &operations))
			return field_within(l->err, "apis", i);
		bases[i] = c->apis[i].base_path;
		i++;
	}
	same = twice(bases, c->n_apis);
	return !same ||
	       err_set(l->err, ERR_INVALID, "apis: two with the base path \"%.200s\"", same);
}

/* ---- settings ---- */

static bool port(struct loader *l, const struct json *o, const char *key, uint16_t *ret)
{
	int64_t n;

	if (!field_number(l, o, key, 1, UINT16_MAX, &n))
		return false;
	*ret = (uint16_t)n;
	return true;
}

static bool bound(
	struct loader *l, const struct json *o, const char *key, int64_t min, uint32_t *ret)
{
	int64_t n;

	if (!field_number(l, o, key, min, 1 << 20, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool load_settings(struct loader *l, const struct json *root)
{
	static const char *const names[] = { "clockSkewSeconds", "removeAuthHeader",
		"verifyHostname", "jwtHeader", "maxUriBytes", "maxHeaderBytes", "maxBodyBytes",
		"tokenCacheEntries", "httpPort", "httpsPort", "metricsPort", "http2",
		"limitHeaders", "tokenCacheSeconds", "tokenPort" };
	const struct json *o = json_get(root, "settings");
	struct contract *c = l->c;

	c->token_cache_s = TOKEN_CACHE_S;
	if (json_get(o, "tokenCacheSeconds") &&
		!field_number(l, o, "tokenCacheSeconds", 0, MAX_TOKEN_CACHE_S, &c->token_cache_s))
		return false;
	if (json_get(o, "tokenPort") && !port(l, o, "tokenPort", &c->token_port))
		return false;
	if (json_get(o, "limitHeaders") && !field_flag(l, o, "limitHeaders", &c->limit_headers))
		return false;
	return field_object(l, o, names, ARRAY_LEN(names)) &&
	       field_number(l, o, "clockSkewSeconds", 0, 3600, &c->clock_skew_s) &&
	       field_flag(l, o, "removeAuthHeader", &c->remove_auth_header) &&
	       field_flag(l, o, "verifyHostname", &c->verify_hostname) &&
	       field_text(l, o, "jwtHeader", &c->jwt_header) &&
	       bound(l, o, "maxUriBytes", 64, &c->max_uri_bytes) &&
	       bound(l, o, "maxHeaderBytes", 1024, &c->max_header_bytes) &&
	       field_number(l, o, "maxBodyBytes", -1, INT64_C(1) << 50, &c->max_body_bytes) &&
	       bound(l, o, "tokenCacheEntries", 0, &c->token_cache_entries) &&
	       port(l, o, "httpPort", &c->http_port) && port(l, o, "httpsPort", &c->https_port) &&
	       port(l, o, "metricsPort", &c->metrics_port) && field_flag(l, o, "http2", &c->http2);
}

/* ---- the whole ---- */

static bool load(struct loader *l, const char *bytes, size_t n)
{
	static const char *const names[] = { "version", "apis", "issuers", "schemes", "schemas",
		"trust", "endpoints", "limits", "settings", "hooks", "backendJwt" };
	const struct json *root;
	int64_t version;

	if (n > MAX_BYTES)
		return err_set(l->err, ERR_LIMIT, "%zu bytes, the limit is %d", n, MAX_BYTES);
	root = json_parse(l->tmp, bytes, n, l->err);
	if (!root)
		return false;
	if (!json_int(json_get(root, "version"), &version) || version != CONTRACT_VERSION)
		return err_set(l->err, ERR_INVALID, "version: expected %d", CONTRACT_VERSION);
	l->c->version = CONTRACT_VERSION;
	return field_object(l, root, names, ARRAY_LEN(names)) && load_settings(l, root) &&
	       load_issuers(l, root) && load_schemes(l, root) && endpoints_load(l, root) &&
	       scripts_load(l, root) && assertion_load(l, root) &&
	       limits_load(l, root, &l->c->limits) && schemas_load(l, root) && load_apis(l, root);
}

struct contract *contract_load(struct arena *a, const char *text, size_t n, struct err *err)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	struct contract *c = arena_alloc(a, sizeof(*c));
	struct loader l = { .a = a, .tmp = tmp, .c = c, .err = err };

	if (load(&l, text, n))
		return c;
	err_wrap(err, "contract");
	return NULL;
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

struct contract *contract_load_file(struct arena *a, const char *path, struct err *err)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	AUTO(close_file) FILE *f = fopen(path, "rbe");
	struct contract *c;
	struct str s;
	char chunk[16 * 1024];
	size_t n;

	if (!f) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "%s: %s", path,
			strerrordesc_np(errno));
		return NULL;
	}
	str_init(&s, tmp, MAX_BYTES);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&s, chunk, n);
	if (ferror(f)) {
		err_set(err, ERR_INVALID, "%s: cannot be read", path);
		return NULL;
	}
	if (!str_ok(&s, path, err))
		return NULL;
	c = contract_load(a, s.ptr, s.len, err);
	if (!c)
		err_wrap(err, "%s", path);
	return c;
}
