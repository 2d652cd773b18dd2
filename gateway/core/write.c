#include "gateway/core/assertion.h"
#include "gateway/core/body.h"
#include "gateway/core/contract.h"
#include "gateway/core/cors.h"
#include "gateway/core/endpoint.h"
#include "gateway/core/mock.h"
#include "lib/base/arena.h"
#include "lib/json/json.h"

static struct json *key_json(struct arena *a, const struct contract_key *k)
{
	struct json *o = json_object(a);

	json_set_str(a, o, "id", k->id);
	json_set_str(a, o, "pem", k->pem);
	json_set_int(a, o, "notBefore", k->not_before);
	json_set_int(a, o, "notAfter", k->not_after);
	return o;
}

static struct json *issuer_json(struct arena *a, const struct contract_issuer *s)
{
	struct json *keys = json_array(a);
	struct json *o = json_object(a);

	for (size_t i = 0; i < s->n_keys; i++)
		json_add(keys, key_json(a, &s->keys[i]));
	json_set(a, o, "keys", keys);
	json_set_str(a, o, "security", s->security);
	json_set_str(a, o, "issuer", s->issuer);
	json_set_str(a, o, "audience", s->audience);
	json_set_bool(a, o, "validateSubscription", s->validate_subscription);
	json_set_str(a, o, "jwksUrl", s->jwks_url);
	return o;
}

static struct json *scheme_json(struct arena *a, const struct contract_scheme *s)
{
	struct json *o = json_object(a);

	json_set_str(a, o, "type", scheme_type_name(s->type));
	json_set_str(a, o, "security", s->security);
	if (s->type == SCHEME_OAUTH)
		json_set_str(a, o, "url", s->key_manager.url);
	if (s->is_soap)
		json_set_bool(a, o, "soap", true);
	if (s->type == SCHEME_API_KEY) {
		json_set_str(a, o, "in", s->in_query ? "query" : "header");
		json_set_str(a, o, "name", s->name);
	}
	return o;
}

static struct json *indices_json(struct arena *a, const size_t *at, size_t n)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < n; i++)
		json_add(list, json_number(a, (double)at[i]));
	return list;
}

static struct json *operation_json(struct arena *a, const struct contract_operation *op)
{
	struct json *scopes = json_array(a);
	struct json *o = json_object(a);

	for (size_t i = 0; i < op->n_scopes; i++)
		json_add_str(a, scopes, op->scopes[i]);
	json_set_str(a, o, "method", method_name(op->method));
	json_set_str(a, o, "id", op->id);
	json_set_bool(a, o, "secured", op->secured);
	if (op->optional)
		json_set_bool(a, o, "optional", true);
	json_set(a, o, "issuers", indices_json(a, op->issuers, op->n_issuers));
	if (op->n_schemes > 0)
		json_set(a, o, "schemes", indices_json(a, op->schemes, op->n_schemes));
	if (op->key_too)
		json_set_bool(a, o, "keyToo", true);
	json_set(a, o, "scopes", scopes);
	if (op->endpoint != SIZE_MAX)
		json_set_int(a, o, "endpoint", (int64_t)op->endpoint);
	if (op->sandbox != SIZE_MAX)
		json_set_int(a, o, "sandbox", (int64_t)op->sandbox);
	json_set_str(a, o, "tier", op->tier.name);
	scripts_write_places(a, &op->hooks, o);
	bodies_write(a, op, o);
	mock_write(a, op, o);
	return o;
}

static struct json *path_json(struct arena *a, const struct contract_path *p)
{
	struct json *operations = json_array(a);
	struct json *o = json_object(a);

	for (size_t i = 0; i < p->n_operations; i++)
		json_add(operations, operation_json(a, &p->operations[i]));
	json_set_str(a, o, "template", p->template);
	json_set(a, o, "operations", operations);
	return o;
}

static struct json *api_json(struct arena *a, const struct contract_api *api)
{
	struct json *paths = json_array(a);
	struct json *o = json_object(a);

	for (size_t i = 0; i < api->n_paths; i++)
		json_add(paths, path_json(a, &api->paths[i]));
	json_set_str(a, o, "title", api->title);
	json_set_str(a, o, "version", api->version);
	json_set_str(a, o, "basePath", api->base_path);
	json_set_str(a, o, "authHeader", api->auth_header);
	if (api->cors)
		json_set(a, o, "cors", cors_json(a, api->cors));
	json_set_str(a, o, "tier", api->tier.name);
	transport_write(a, &api->transport, o);
	scripts_write_places(a, &api->hooks, o);
	if (api->cache_s > 0)
		json_set_int(a, o, "cacheSeconds", api->cache_s);
	json_set(a, o, "paths", paths);
	return o;
}

static struct json *settings_json(struct arena *a, const struct contract *c)
{
	struct json *o = json_object(a);

	json_set_int(a, o, "clockSkewSeconds", c->clock_skew_s);
	json_set_bool(a, o, "removeAuthHeader", c->remove_auth_header);
	json_set_bool(a, o, "verifyHostname", c->verify_hostname);
	json_set_str(a, o, "jwtHeader", c->jwt_header);
	json_set_int(a, o, "maxUriBytes", c->max_uri_bytes);
	json_set_int(a, o, "maxHeaderBytes", c->max_header_bytes);
	json_set_int(a, o, "maxBodyBytes", c->max_body_bytes);
	json_set_int(a, o, "tokenCacheEntries", c->token_cache_entries);
	json_set_int(a, o, "httpPort", c->http_port);
	json_set_int(a, o, "httpsPort", c->https_port);
	json_set_int(a, o, "metricsPort", c->metrics_port);
	if (c->token_port != 0)
		json_set_int(a, o, "tokenPort", c->token_port);
	json_set_bool(a, o, "http2", c->http2);
	if (c->limit_headers)
		json_set_bool(a, o, "limitHeaders", true);
	if (c->token_cache_s != TOKEN_CACHE_S)
		json_set_int(a, o, "tokenCacheSeconds", c->token_cache_s);
	return o;
}

struct json *contract_json(struct arena *a, const struct contract *c)
{
	struct json *endpoints = json_array(a);
	struct json *trust = json_array(a);
	struct json *issuers = json_array(a);
	struct json *schemes = json_array(a);
	struct json *apis = json_array(a);
	struct json *root = json_object(a);

	for (size_t i = 0; i < c->n_apis; i++)
		json_add(apis, api_json(a, &c->apis[i]));
	for (size_t i = 0; i < c->n_issuers; i++)
		json_add(issuers, issuer_json(a, &c->issuers[i]));
	for (size_t i = 0; i < c->n_schemes; i++)
		json_add(schemes, scheme_json(a, &c->schemes[i]));
	for (size_t i = 0; i < c->n_endpoints; i++)
		json_add(endpoints, endpoint_json_in(a, c, &c->endpoints[i]));
	json_set_int(a, root, "version", c->version);
	json_set(a, root, "apis", apis);
	json_set(a, root, "issuers", issuers);
	if (c->n_schemes > 0)
		json_set(a, root, "schemes", schemes);
	json_set(a, root, "endpoints", endpoints);
	for (size_t i = 0; i < c->trust.n; i++)
		json_add_str(a, trust, c->trust.at[i]);
	if (c->trust.n > 0)
		json_set(a, root, "trust", trust);
	scripts_write(a, &c->scripts, root);
	if (c->n_schemas > 0)
		json_set(a, root, "schemas", schemas_json(a, c));
	assertion_write(a, c->assertion, root);
	json_set(a, root, "limits", limits_json(a, &c->limits));
	json_set(a, root, "settings", settings_json(a, c));
	return root;
}
