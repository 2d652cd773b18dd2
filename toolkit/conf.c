#include "toolkit/conf.h"

#include "gateway/core/assertion.h"
#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/toolkit.h"

/* ---- fields as a table, for reading and writing alike ---- */

enum field_type {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_U16,
	FIELD_U32,
	FIELD_I64
};

static const struct field {
	const char *key;
	enum field_type type;
	size_t offset;
} settings_fields[] = {
	{ "defaultSecurity", FIELD_TEXT, offsetof(struct toolkit_settings, default_security) },
	{ "authHeader", FIELD_TEXT, offsetof(struct toolkit_settings, auth_header) },
	{ "removeAuthHeader", FIELD_BOOL, offsetof(struct toolkit_settings, remove_auth_header) },
	{ "jwtHeader", FIELD_TEXT, offsetof(struct toolkit_settings, jwt_header) },
	{ "verifyHostname", FIELD_BOOL, offsetof(struct toolkit_settings, verify_hostname) },
	{ "validateRequests", FIELD_BOOL, offsetof(struct toolkit_settings, validate_requests) },
	{ "validateResponses", FIELD_BOOL, offsetof(struct toolkit_settings, validate_responses) },
	{ "clockSkewSeconds", FIELD_I64, offsetof(struct toolkit_settings, clock_skew_s) },
	{ "tokenCacheEntries", FIELD_U32, offsetof(struct toolkit_settings, token_cache_entries) },
	{ "tokenCacheSeconds", FIELD_I64, offsetof(struct toolkit_settings, token_cache_s) },
	{ "maxUriBytes", FIELD_U32, offsetof(struct toolkit_settings, max_uri_bytes) },
	{ "maxHeaderBytes", FIELD_U32, offsetof(struct toolkit_settings, max_header_bytes) },
	{ "maxBodyBytes", FIELD_I64, offsetof(struct toolkit_settings, max_body_bytes) },
	{ "httpPort", FIELD_U16, offsetof(struct toolkit_settings, http_port) },
	{ "httpsPort", FIELD_U16, offsetof(struct toolkit_settings, https_port) },
	{ "metricsPort", FIELD_U16, offsetof(struct toolkit_settings, metrics_port) },
	{ "tokenPort", FIELD_U32, offsetof(struct toolkit_settings, token_port) },
	{ "http2", FIELD_BOOL, offsetof(struct toolkit_settings, http2) },
	{ "limitHeaders", FIELD_BOOL, offsetof(struct toolkit_settings, limit_headers) },
};

struct conf {
	struct arena *a;
	struct err *err;
};

static bool expected(struct conf *c, const char *path, const char *key, const char *what)
{
	return err_set(c->err, ERR_INVALID, "%s.%s: expected %s", path, key, what);
}

static bool put_number(const struct field *f, int64_t n, void *at)
{
	if (f->type == FIELD_U16 && n >= 1 && n <= UINT16_MAX)
		*(uint16_t *)at = (uint16_t)n;
	else if (f->type == FIELD_U32 && n >= 0 && n <= UINT32_MAX)
		*(uint32_t *)at = (uint32_t)n;
	else if (f->type == FIELD_I64)
		*(int64_t *)at = n;
	else
		return false;
	return true;
}

static bool put_field(
	struct conf *c, const char *path, const struct field *f, const struct json *v, void *at)
{
	int64_t n;

	switch (f->type) {
	case FIELD_TEXT:
		if (!json_is_str(v))
			return expected(c, path, f->key, "a text");
		*(const char **)at = arena_dup(c->a, json_str(v));
		return true;
	case FIELD_BOOL:
		if (!json_is_bool(v))
			return expected(c, path, f->key, "true or false");
		*(bool *)at = str_eq(json_text(c->a, v), "true");
		return true;
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_I64:
		return (json_int(v, &n) && put_number(f, n, at)) ||
		       expected(c, path, f->key, "an integer in its range");
	}
	return false;
}

/* Reads the members of an object into a struct; unknown ones are errors. */
static bool read_fields(struct conf *c, const char *path, const struct json *o,
	const struct field *fields, size_t n, void *ret)
{
	if (!json_is_object(o))
		return err_set(
			c->err, ERR_INVALID, "%s: %s, expected an object", path, json_type_name(o));
	json_foreach (v, o) {
		const struct field *f = fields;

		while (f < fields + n && !str_eq(f->key, json_key(v)))
			f++;
		if (f == fields + n)
			return err_set(
				c->err, ERR_INVALID, "%s.%.100s: unknown field", path, json_key(v));
		if (!put_field(c, path, f, v, (char *)ret + f->offset))
			return false;
	}
	return true;
}

static struct json *write_fields(
	struct arena *a, const struct field *fields, size_t n, const void *from)
{
	struct json *o = json_object(a);

	for (size_t i = 0; i < n; i++) {
		const void *at = (const char *)from + fields[i].offset;

		switch (fields[i].type) {
		case FIELD_TEXT:
			json_set_str(a, o, fields[i].key, *(const char *const *)at);
			break;
		case FIELD_BOOL:
			json_set_bool(a, o, fields[i].key, *(const bool *)at);
			break;
		case FIELD_U16:
			json_set_int(a, o, fields[i].key, *(const uint16_t *)at);
			break;
		case FIELD_U32:
			json_set_int(a, o, fields[i].key, *(const uint32_t *)at);
			break;
		case FIELD_I64:
			json_set_int(a, o, fields[i].key, *(const int64_t *)at);
			break;
		}
	}
	return o;
}

/* ---- reading lists ---- */

typedef bool read_fn(struct conf *c, const char *path, const struct json *v, void *ret);

/* Absent is empty. */
static bool read_list(struct conf *c, const char *path, const struct json *v, size_t size,
	read_fn *read, void **ret, size_t *ret_n)
{
	size_t i = 0;

	*ret_n = json_len(v);
	*ret = arena_alloc(c->a, (*ret_n + 1) * size);
	if (v && !json_is_array(v))
		return err_set(
			c->err, ERR_INVALID, "%s: %s, expected a list", path, json_type_name(v));
	json_foreach (item, v) {
		if (!read(c, arena_printf(c->a, "%s[%zu]", path, i), item, (char *)*ret + i * size))
			return false;
		i++;
	}
	return true;
}

/* The file's own shape of a key: text or base64. */
struct key_fields {
	const char *pem;
	const char *der;
	int64_t not_before;
	int64_t not_after;
};

static const struct field key_fields[] = {
	{ "pem", FIELD_TEXT, offsetof(struct key_fields, pem) },
	{ "der", FIELD_TEXT, offsetof(struct key_fields, der) },
	{ "notBefore", FIELD_I64, offsetof(struct key_fields, not_before) },
	{ "notAfter", FIELD_I64, offsetof(struct key_fields, not_after) },
};

static bool read_key(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct key_fields f = { 0 };
	struct toolkit_key *key = ret;

	if (!read_fields(c, path, v, key_fields, ARRAY_LEN(key_fields), &f))
		return false;
	if (!f.pem == !f.der)
		return err_set(c->err, ERR_INVALID, "%s: expected either pem or der", path);
	key->not_before = f.not_before;
	key->not_after = f.not_after;
	key->bytes = f.pem ? f.pem : base64_decode(c->a, f.der, strlen(f.der), &key->n);
	if (!key->bytes)
		return expected(c, path, "der", "base64");
	if (f.pem)
		key->n = strlen(f.pem);
	return true;
}

/* A copy without one member, whose list is read apart. */
static struct json *without(struct conf *c, const struct json *o, const char *key)
{
	struct json *copy = json_object(c->a);

	if (!json_is_object(o))
		return json_dup(c->a, o);
	json_foreach (v, o)
		if (!str_eq(json_key(v), key))
			json_append(c->a, copy, json_key(v), json_dup(c->a, v));
	return copy;
}

static const struct field issuer_fields[] = {
	{ "issuer", FIELD_TEXT, offsetof(struct toolkit_issuer, issuer) },
	{ "audience", FIELD_TEXT, offsetof(struct toolkit_issuer, audience) },
	{ "validateSubscription", FIELD_BOOL,
		offsetof(struct toolkit_issuer, validate_subscription) },
	{ "jwksUrl", FIELD_TEXT, offsetof(struct toolkit_issuer, jwks_url) },
};

static bool read_issuer(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct toolkit_issuer *issuer = ret;
	void *keys;

	if (!read_fields(
		    c, path, without(c, v, "keys"), issuer_fields, ARRAY_LEN(issuer_fields), ret) ||
		!read_list(c, arena_printf(c->a, "%s.keys", path), json_get(v, "keys"),
			sizeof(*issuer->keys), read_key, &keys, &issuer->n_keys))
		return false;
	issuer->keys = keys;
	return issuer->issuer || expected(c, path, "issuer", "a text");
}

static const struct field security_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct toolkit_security, name) },
	{ "type", FIELD_TEXT, offsetof(struct toolkit_security, type) },
	{ "endpoint", FIELD_TEXT, offsetof(struct toolkit_security, endpoint) },
};

static bool read_security(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct toolkit_security *security = ret;
	void *issuers;

	if (!read_fields(c, path, without(c, v, "issuers"), security_fields,
		    ARRAY_LEN(security_fields), ret) ||
		!read_list(c, arena_printf(c->a, "%s.issuers", path), json_get(v, "issuers"),
			sizeof(*security->issuers), read_issuer, &issuers, &security->n_issuers))
		return false;
	security->issuers = issuers;
	return (security->name && security->type) || expected(c, path, "name", "name and type");
}

static const struct field endpoint_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct toolkit_endpoint_ref, name) },
	{ "url", FIELD_TEXT, offsetof(struct toolkit_endpoint_ref, url) },
};

static bool read_endpoint(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct toolkit_endpoint_ref *e = ret;

	return read_fields(c, path, v, endpoint_fields, ARRAY_LEN(endpoint_fields), ret) &&
	       ((e->name && e->url) || expected(c, path, "name", "name and url"));
}

/* ---- hooks ---- */

static const struct field hook_fields[] = {
	{ "milliseconds", FIELD_U32, offsetof(struct toolkit_settings, hook_ms) },
	{ "kilobytes", FIELD_U32, offsetof(struct toolkit_settings, hook_kilobytes) },
};

static const struct field script_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct toolkit_document, name) },
	{ "text", FIELD_TEXT, offsetof(struct toolkit_document, text) },
};

static bool read_script(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct toolkit_document *script = ret;

	if (!read_fields(c, path, v, script_fields, ARRAY_LEN(script_fields), ret))
		return false;
	if (!script->name || !script->text)
		return expected(c, path, "name", "name and text");
	script->n = strlen(script->text);
	return true;
}

static bool read_hooks(struct conf *c, const struct json *root, struct toolkit_inputs *ret)
{
	void *scripts;

	if (!read_list(c, "scripts", json_get(root, "scripts"), sizeof(*ret->scripts), read_script,
		    &scripts, &ret->n_scripts))
		return false;
	ret->scripts = scripts;
	return !json_get(root, "hooks") ||
	       read_fields(c, "hooks", json_get(root, "hooks"), hook_fields, ARRAY_LEN(hook_fields),
		       &ret->settings);
}

/* ---- what backends are told ---- */

static const struct field backend_jwt_fields[] = {
	{ "issuer", FIELD_TEXT, offsetof(struct contract_assertion, issuer) },
	{ "dialect", FIELD_TEXT, offsetof(struct contract_assertion, dialect) },
	{ "seconds", FIELD_U32, offsetof(struct contract_assertion, lifetime_s) },
};

static bool read_words(
	struct conf *c, const struct json *o, const char *key, struct contract_words *ret)
{
	const struct json *list = json_get(o, key);

	ret->at = arena_alloc(c->a, (json_len(list) + 1) * sizeof(*ret->at));
	if (list && !json_is_array(list))
		return expected(c, "backendJwt", key, "a list");
	json_foreach (v, list) {
		if (!json_is_str(v))
			return expected(c, "backendJwt", key, "texts");
		ret->at[ret->n++] = arena_dup(c->a, json_str(v));
	}
	return true;
}

static bool read_backend_jwt(struct conf *c, const struct json *o, struct toolkit_inputs *ret)
{
	struct contract_assertion *s = arena_alloc(c->a, sizeof(*s));
	const struct json *plain = without(c, without(c, o, "audience"), "restricted");

	*s = (struct contract_assertion){ .issuer = "wso2.org/products/am",
		.dialect = "http://wso2.org/claims",
		.lifetime_s = 900 };
	if (!read_fields(
		    c, "backendJwt", plain, backend_jwt_fields, ARRAY_LEN(backend_jwt_fields), s) ||
		!read_words(c, o, "audience", &s->audience) ||
		!read_words(c, o, "restricted", &s->restricted))
		return false;
	ret->backend_jwt = s;
	return true;
}

/* ---- certificates ---- */

/* The file's own shape: text or base64. */
struct certificate_fields {
	const char *name;
	const char *pem;
	const char *der;
};

static const struct field certificate_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct certificate_fields, name) },
	{ "pem", FIELD_TEXT, offsetof(struct certificate_fields, pem) },
	{ "der", FIELD_TEXT, offsetof(struct certificate_fields, der) },
};

static bool read_certificate(struct conf *c, const char *path, const struct json *v, void *ret)
{
	struct toolkit_certificate *to = ret;
	struct certificate_fields f = { 0 };

	if (!read_fields(c, path, v, certificate_fields, ARRAY_LEN(certificate_fields), &f))
		return false;
	if (!f.name)
		return expected(c, path, "name", "a text");
	if (!f.pem == !f.der)
		return err_set(c->err, ERR_INVALID, "%s: expected either pem or der", path);
	to->name = f.name;
	to->bytes = f.pem ? f.pem : base64_decode(c->a, f.der, strlen(f.der), &to->n);
	if (!to->bytes)
		return expected(c, path, "der", "base64");
	if (f.pem)
		to->n = strlen(f.pem);
	return true;
}

static bool read_policies(struct conf *c, const struct json *v, struct toolkit_inputs *ret)
{
	struct policies *p = arena_alloc(c->a, sizeof(*p));

	if (!policies_read(c->a, v, p, c->err))
		return err_wrap(c->err, "policies");
	ret->policies = p;
	return true;
}

static bool read_conf(struct conf *c, const struct json *root, struct toolkit_inputs *ret)
{
	static const char *const known[] = { "settings", "securities", "endpoints", "policies",
		"certificates", "scripts", "hooks", "backendJwt" };
	void *certificates;
	void *securities;
	void *endpoints;

	if (!json_is_object(root) && !json_is_null(root))
		return err_set(c->err, ERR_INVALID, "%s, expected an object", json_type_name(root));
	json_foreach (v, root) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && !str_eq(json_key(v), known[i]))
			i++;
		if (i == ARRAY_LEN(known))
			return err_set(c->err, ERR_INVALID, "%.100s: unknown field", json_key(v));
	}
	ret->settings = toolkit_settings_default();
	if (json_get(root, "settings") &&
		!read_fields(c, "settings", json_get(root, "settings"), settings_fields,
			ARRAY_LEN(settings_fields), &ret->settings))
		return false;
	if (!read_list(c, "securities", json_get(root, "securities"), sizeof(*ret->securities),
		    read_security, &securities, &ret->n_securities) ||
		!read_list(c, "endpoints", json_get(root, "endpoints"), sizeof(*ret->endpoints),
			read_endpoint, &endpoints, &ret->n_endpoints) ||
		!read_list(c, "certificates", json_get(root, "certificates"),
			sizeof(*ret->certificates), read_certificate, &certificates,
			&ret->n_certificates) ||
		!read_hooks(c, root, ret))
		return false;
	if (json_get(root, "backendJwt") && !read_backend_jwt(c, json_get(root, "backendJwt"), ret))
		return false;
	if (json_get(root, "policies") && !read_policies(c, json_get(root, "policies"), ret))
		return false;
	ret->securities = securities;
	ret->endpoints = endpoints;
	ret->certificates = certificates;
	return true;
}

bool toolkit_conf_read(
	struct arena *a, const char *text, size_t n, struct toolkit_inputs *ret, struct err *err)
{
	struct conf c = { .a = a, .err = err };
	struct toolkit_inputs in = *ret;
	struct json *root = yaml_parse(a, text, n, NULL, err);

	if (!root || !read_conf(&c, root, &in))
		return false;
	*ret = in;
	return true;
}

/* ---- writing ---- */

static bool is_pem(const char *bytes, size_t n)
{
	return memmem(bytes, n, "-----BEGIN ", 11) && !memchr(bytes, '\0', n);
}

static struct json *write_key(struct arena *a, const struct toolkit_key *k)
{
	struct key_fields f = { .not_before = k->not_before, .not_after = k->not_after };

	if (is_pem(k->bytes, k->n))
		f.pem = arena_dupn(a, k->bytes, k->n);
	else
		f.der = base64_encode(a, k->bytes, k->n);
	return write_fields(a, key_fields, ARRAY_LEN(key_fields), &f);
}

static struct json *write_certificate(struct arena *a, const struct toolkit_certificate *c)
{
	struct certificate_fields f = { .name = c->name };

	if (is_pem(c->bytes, c->n))
		f.pem = arena_dupn(a, c->bytes, c->n);
	else
		f.der = base64_encode(a, c->bytes, c->n);
	return write_fields(a, certificate_fields, ARRAY_LEN(certificate_fields), &f);
}

static struct json *write_security(struct arena *a, const struct toolkit_security *s)
{
	struct json *o = write_fields(a, security_fields, ARRAY_LEN(security_fields), s);
	struct json *issuers = json_array(a);

	for (size_t i = 0; i < s->n_issuers; i++) {
		struct json *issuer =
			write_fields(a, issuer_fields, ARRAY_LEN(issuer_fields), &s->issuers[i]);
		struct json *keys = json_array(a);

		for (size_t k = 0; k < s->issuers[i].n_keys; k++)
			json_add(keys, write_key(a, &s->issuers[i].keys[k]));
		json_set(a, issuer, "keys", keys);
		json_add(issuers, issuer);
	}
	json_set(a, o, "issuers", issuers);
	return o;
}

/* The names of both lists stand first in their structs. */
static int by_name(const void *x, const void *y)
{
	return strcmp(**(const char *const *const *)x, **(const char *const *const *)y);
}

static const void **sorted(struct arena *a, const void *list, size_t n, size_t size)
{
	const void **at = arena_alloc(a, (n + 1) * sizeof(*at));

	for (size_t i = 0; i < n; i++)
		at[i] = (const char *)list + i * size;
	if (n > 1)
		qsort(at, n, sizeof(*at), by_name);
	return at;
}

static struct json *certificates_json(struct arena *a, const struct toolkit_inputs *in)
{
	const void **certificates =
		sorted(a, in->certificates, in->n_certificates, sizeof(*in->certificates));
	struct json *list = json_array(a);

	for (size_t i = 0; i < in->n_certificates; i++)
		json_add(list, write_certificate(a, certificates[i]));
	return list;
}

static void write_hooks(struct arena *a, const struct toolkit_inputs *in, struct json *root)
{
	const void **scripts = sorted(a, in->scripts, in->n_scripts, sizeof(*in->scripts));
	const struct toolkit_settings usual = toolkit_settings_default();
	struct json *list = json_array(a);

	for (size_t i = 0; i < in->n_scripts; i++)
		json_add(
			list, write_fields(a, script_fields, ARRAY_LEN(script_fields), scripts[i]));
	if (in->n_scripts > 0)
		json_set(a, root, "scripts", list);
	if (in->settings.hook_ms != usual.hook_ms ||
		in->settings.hook_kilobytes != usual.hook_kilobytes)
		json_set(a, root, "hooks",
			write_fields(a, hook_fields, ARRAY_LEN(hook_fields), &in->settings));
}

/* What is as usual with younger settings is not said: a build of an earlier release reads it, too.
 */
static struct json *write_settings(struct arena *a, const struct toolkit_settings *s)
{
	struct json *o = write_fields(a, settings_fields, ARRAY_LEN(settings_fields), s);

	if (s->token_port == toolkit_settings_default().token_port)
		json_remove(o, "tokenPort");
	return o;
}

char *toolkit_conf_text(struct arena *a, const struct toolkit_inputs *in)
{
	const void **securities =
		sorted(a, in->securities, in->n_securities, sizeof(*in->securities));
	const void **endpoints = sorted(a, in->endpoints, in->n_endpoints, sizeof(*in->endpoints));
	struct json *security_list = json_array(a);
	struct json *endpoint_list = json_array(a);
	struct json *root = json_object(a);

	for (size_t i = 0; i < in->n_securities; i++)
		json_add(security_list, write_security(a, securities[i]));
	for (size_t i = 0; i < in->n_endpoints; i++)
		json_add(endpoint_list,
			write_fields(a, endpoint_fields, ARRAY_LEN(endpoint_fields), endpoints[i]));
	json_set(a, root, "settings", write_settings(a, &in->settings));
	json_set(a, root, "securities", security_list);
	json_set(a, root, "endpoints", endpoint_list);
	if (in->n_certificates > 0)
		json_set(a, root, "certificates", certificates_json(a, in));
	write_hooks(a, in, root);
	assertion_write(a, in->backend_jwt, root);
	if (in->policies)
		json_set(a, root, "policies", policies_json(a, in->policies));
	return json_pretty(a, root);
}
