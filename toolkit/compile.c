#include <ctype.h>

#include "gateway/core/assertion.h"
#include "gateway/core/body.h"
#include "gateway/core/endpoint.h"
#include "gateway/core/mock.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "toolkit/body.h"
#include "toolkit/issuer.h"
#include "toolkit/limit.h"
#include "toolkit/model.h"

struct compiler {
	struct arena *a;
	const struct toolkit_inputs *in;
	struct toolkit_diagnostics *diagnostics;
	struct reader whole; /* for what belongs to no document */
	struct vec models;   /* struct model * */
	struct issuers *issuers;
	struct limits limits;
	struct contract_scripts scripts;
	const struct contract_endpoint **endpoints; /* each once */
	size_t n_endpoints;
	const char **trust;
	size_t n_trust;
	struct bodies *bodies;
};

struct toolkit_settings toolkit_settings_default(void)
{
	return (struct toolkit_settings){
		.default_security = "default-security-jwt",
		.auth_header = "Authorization",
		.remove_auth_header = true,
		.jwt_header = "X-JWT-Assertion",
		.verify_hostname = true,
		.clock_skew_s = 60,
		.token_cache_entries = 10000,
		.token_cache_s = TOKEN_CACHE_S,
		.max_uri_bytes = 4096,
		.max_header_bytes = 8192,
		.max_body_bytes = -1,
		.http_port = 9090,
		.https_port = 9095,
		.metrics_port = 9797,
		.token_port = 9096,
		.http2 = true,
		.hook_ms = SCRIPT_DEFAULT_MS,
		.hook_kilobytes = SCRIPT_DEFAULT_KILOBYTES,
	};
}

/* ---- documents together ---- */

static int by_base_path(const void *x, const void *y)
{
	const struct model *const *a = x;
	const struct model *const *b = y;
	int order = strcmp((*a)->base_path, (*b)->base_path);

	return order ? order : strcmp((*a)->reader.document, (*b)->reader.document);
}

static struct place place_in(const struct model *m, const char *path)
{
	return (struct place){ .path = path, .around = m->reader.root };
}

static void check_pair(struct model *m, const struct model *other)
{
	if (m->base_path && str_eq(m->base_path, other->base_path))
		refuse(&m->reader, "DuplicateBasePath", place_in(m, "x-wso2-basePath"),
			"\"%.200s/\" is also the base path of %.200s", m->base_path,
			other->reader.document);
	if (*m->title && *m->version && str_eq(m->title, other->title) &&
		str_eq(m->version, other->version))
		refuse(&m->reader, "DuplicateApi", place_in(m, "info"),
			"title and version are those of %.200s", other->reader.document);
}

static void check_health(struct model *m)
{
	static const char health[] = "/health";
	const size_t n = sizeof(health) - 1;

	if (!m->base_path)
		return;
	if (strncmp(m->base_path, health, n) == 0 &&
		(m->base_path[n] == '/' || m->base_path[n] == '\0'))
		refuse(&m->reader, "InvalidBasePath", place_in(m, "x-wso2-basePath"),
			"\"/health\" belongs to the gateway; choose another base path");
	if (*m->base_path)
		return;
	vec_foreach (const struct model_path *, p, &m->paths)
		if (strncmp(p->template, health, n) == 0 &&
			(p->template[n] == '/' || p->template[n] == '\0'))
			warn(&m->reader, "Unreachable", p->place,
				"below the base path \"/\" the gateway answers /health itself");
}

/* Exactly that path is the gateway's own while it issues keys. */
static void check_key_path(struct compiler *k, const struct contract *c)
{
	bool issues = false;

	for (size_t i = 0; i < c->n_schemes; i++)
		issues = issues || c->schemes[i].type == SCHEME_API_KEY;
	vec_foreach (struct model *, m, &k->models)
		if (issues && m->base_path && str_eq(m->base_path, "/apikey"))
			refuse(&m->reader, "InvalidBasePath", place_in(m, "x-wso2-basePath"),
				"\"/apikey\" belongs to the gateway, which issues keys there; choose another base path");
}

static void check_documents(struct compiler *k)
{
	size_t operations = 0;

	vec_foreach (struct model *, m, &k->models) {
		for (size_t i = 0; i < m_i; i++)
			check_pair(m, k->models.at[i]);
		check_health(m);
		vec_foreach (const struct model_path *, p, &m->paths)
			operations += p->operations.n;
	}
	if (operations > CONTRACT_MAX_OPERATIONS)
		refuse(&k->whole, "LimitExceeded", (struct place){ .path = "" },
			"%zu operations in all documents, the limit is %d", operations,
			CONTRACT_MAX_OPERATIONS);
}

/* ---- endpoints ---- */

static const char *url_of(const struct compiler *k, const char *name)
{
	for (size_t i = 0; i < k->in->n_endpoints; i++)
		if (str_eq(k->in->endpoints[i].name, name))
			return k->in->endpoints[i].url;
	return NULL;
}

static void resolve_target(struct compiler *k, struct model *m, struct model_target *t)
{
	struct contract_target parsed;
	struct err err;

	if (t->url)
		return;
	t->url = url_of(k, t->name);
	if (!t->url)
		refuse(&m->reader, "TargetEndpointNotFound", t->place,
			"there is no TargetEndpoint \"%.200s\"; create it or write a URL", t->name);
	else if (!contract_target_parse(k->a, t->url, &parsed, &err))
		refuse(&m->reader, "InvalidEndpoint", t->place, "TargetEndpoint \"%.200s\": %s",
			t->name, err.msg);
}

static bool has_endpoint_errors(const struct model *m)
{
	vec_foreach (const struct toolkit_diagnostic *, d, &m->reader.diagnostics->list)
		if (d->document == m->reader.document && d->severity == TOOLKIT_ERROR &&
			strstr(d->code, "Endpoint"))
			return true;
	return false;
}

static void check_every_operation_has_one(struct model *m)
{
	static const char remedy[] = "add x-wso2-production-endpoints: {urls: [http://…]}";
	size_t missing = 0;
	size_t all = 0;

	vec_foreach (const struct model_path *, p, &m->paths) {
		vec_foreach (const struct model_operation *, op, &p->operations) {
			all++;
			missing += !op->production && !op->sandbox && !op->is_mocked;
		}
	}
	if (missing == 0 || has_endpoint_errors(m))
		return;
	if (missing == all) {
		refuse(&m->reader, "NoEndpoint", place_in(m, ""),
			"no operation has an endpoint; %s at the root", remedy);
		return;
	}
	vec_foreach (const struct model_path *, p, &m->paths)
		vec_foreach (const struct model_operation *, op, &p->operations)
			if (!op->production && !op->sandbox && !op->is_mocked)
				refuse(&m->reader, "NoEndpoint", op->place,
					"no endpoint; %s here or at the root", remedy);
}

static void mark_used(struct model *m)
{
	vec_foreach (const struct model_path *, p, &m->paths) {
		vec_foreach (const struct model_operation *, op, &p->operations) {
			if (op->production)
				op->production->is_used = true;
			if (op->sandbox)
				op->sandbox->is_used = true;
		}
	}
}

/* An endpoint as the contract has it, and its text: equal ones are one. */
struct numbered {
	const char *text;
	struct model_endpoint *endpoint;
};

static int by_name(const void *x, const void *y)
{
	const struct numbered *a = x;
	const struct numbered *b = y;
	int order = strcmp(a->endpoint->contract.name, b->endpoint->contract.name);

	return order ? order : strcmp(a->text, b->text);
}

static void put_urls(struct compiler *k, struct model_endpoint *e)
{
	struct contract_endpoint *c = &e->contract;

	c->urls = arena_alloc(k->a, (e->targets.n + 1) * sizeof(*c->urls));
	c->n_urls = 0;
	vec_foreach (const struct model_target *, t, &e->targets)
		c->urls[c->n_urls++] = t->url;
}

static void collect_endpoints(struct compiler *k, struct numbered *all, size_t *ret_n)
{
	vec_foreach (struct model *, m, &k->models) {
		mark_used(m);
		vec_foreach (struct model_endpoint *, e, &m->endpoints) {
			if (!e->is_used)
				continue;
			put_urls(k, e);
			all[(*ret_n)++] = (struct numbered){
				json_canonical(k->a, endpoint_json(k->a, &e->contract)), e
			};
		}
	}
}

static void number_endpoints(struct compiler *k)
{
	struct numbered *all;
	size_t most = 0;
	size_t n = 0;

	vec_foreach (const struct model *, m, &k->models)
		most += m->endpoints.n;
	all = arena_alloc(k->a, (most + 1) * sizeof(*all));
	k->endpoints = arena_alloc(k->a, (most + 1) * sizeof(*k->endpoints));
	collect_endpoints(k, all, &n);
	if (n > 1)
		qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !str_eq(all[i - 1].text, all[i].text))
			k->endpoints[k->n_endpoints++] = &all[i].endpoint->contract;
		all[i].endpoint->number = k->n_endpoints - 1;
	}
}

static void check_hostnames(struct compiler *k)
{
	bool https = false;

	for (size_t i = 0; i < k->n_endpoints; i++)
		for (size_t u = 0; u < k->endpoints[i]->n_urls; u++)
			https = https || strncasecmp(k->endpoints[i]->urls[u], "https:", 6) == 0;
	if (https && !k->in->settings.verify_hostname)
		warn(&k->whole, "HostnameNotVerified", (struct place){ .path = "verifyHostname" },
			"host names of https backends are not verified; set verifyHostname to true");
}

static void resolve_endpoints(struct compiler *k)
{
	vec_foreach (struct model *, m, &k->models) {
		vec_foreach (struct model_target *, t, &m->targets)
			resolve_target(k, m, t);
		check_every_operation_has_one(m);
	}
	if (k->diagnostics->errors > 0)
		return; /* URLs may be missing */
	number_endpoints(k);
	check_hostnames(k);
}

/* ---- settings ---- */

static void check_backend_jwt(struct compiler *k)
{
	const struct contract_assertion *s = k->in->backend_jwt;

	if (s && (s->lifetime_s < ASSERTION_MIN_S || s->lifetime_s > ASSERTION_MAX_S))
		refuse(&k->whole, "LimitExceeded", (struct place){ .path = "backendJwt.seconds" },
			"is %u, expected %d to %d", s->lifetime_s, ASSERTION_MIN_S,
			ASSERTION_MAX_S);
}

static void put_settings(const struct toolkit_settings *s, struct contract *c)
{
	c->clock_skew_s = s->clock_skew_s;
	c->remove_auth_header = s->remove_auth_header;
	c->verify_hostname = s->verify_hostname;
	c->jwt_header = s->jwt_header;
	c->max_uri_bytes = s->max_uri_bytes;
	c->max_header_bytes = s->max_header_bytes;
	c->max_body_bytes = s->max_body_bytes;
	c->token_cache_entries = s->token_cache_entries;
	c->http_port = s->http_port;
	c->https_port = s->https_port;
	c->metrics_port = s->metrics_port;
	c->http2 = s->http2;
	c->limit_headers = s->limit_headers;
}

/* ---- emitting ---- */

static void put_operation(
	struct compiler *k, const struct model_operation *from, struct contract_operation *to)
{
	to->method = from->method;
	to->id = from->id;
	to->secured = from->secured;
	to->optional = from->optional;
	to->endpoint = from->production ? from->production->number : SIZE_MAX;
	to->sandbox = from->sandbox ? from->sandbox->number : SIZE_MAX;
	to->tier = limits_tier(&k->limits, &from->tier);
	to->hooks = scripts_placed(&from->hooks);
	bodies_put(k->bodies, from, to);
	to->examples = arena_alloc(k->a, (from->examples.n + 1) * sizeof(*to->examples));
	vec_foreach (const struct contract_example *, e, &from->examples)
		to->examples[to->n_examples++] = *e;
	if (!from->secured)
		return;
	issuers_accepted(k->issuers, from->security, to);
	to->n_scopes = from->scopes->n;
	to->scopes = arena_alloc(k->a, (to->n_scopes + 1) * sizeof(*to->scopes));
	for (size_t i = 0; i < to->n_scopes; i++)
		to->scopes[i] = from->scopes->at[i];
}

static void put_path(struct compiler *k, const struct model_path *from, struct contract_path *to)
{
	to->template = from->template;
	to->operations = arena_alloc(k->a, from->operations.n * sizeof(*to->operations));
	vec_foreach (const struct model_operation *, op, &from->operations) {
		put_operation(k, op, &to->operations[to->n_operations++]);
		to->methods |= op->method;
	}
}

static const char *lower(struct arena *a, const char *text)
{
	char *copy = arena_dup(a, text);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void put_api(struct compiler *k, const struct model *from, struct contract_api *to)
{
	to->title = from->title;
	to->version = from->version;
	to->base_path = from->base_path;
	to->auth_header =
		lower(k->a, from->auth_header ? from->auth_header : k->in->settings.auth_header);
	to->cors = from->cors;
	to->tier = limits_tier(&k->limits, &from->tier);
	to->hooks = scripts_placed(&from->hooks);
	to->transport = from->transport;
	to->cache_s = from->cache_s;
	to->paths = arena_alloc(k->a, from->paths.n * sizeof(*to->paths));
	vec_foreach (const struct model_path *, p, &from->paths)
		put_path(k, p, &to->paths[to->n_paths++]);
}

/* Others are not built anew when the setting changes. */
static bool asks_a_key_manager(const struct contract *c)
{
	for (size_t i = 0; i < c->n_schemes; i++)
		if (c->schemes[i].type == SCHEME_OAUTH)
			return true;
	return false;
}

/* Its endpoints are on the https port as well, so that one that is taken by others is no error. */
static void put_token_port(struct compiler *k, struct contract *c)
{
	uint32_t port = k->in->settings.token_port;

	if (port > 0 && port <= UINT16_MAX && port != c->http_port && port != c->https_port &&
		port != c->metrics_port)
		c->token_port = (uint16_t)port;
	else
		warn(&k->whole, "PortTaken", (struct place){ .path = "tokenPort" },
			"the port for /token, /authorize, /revoke and /userinfo of the key manager is taken; they are on port %u only",
			c->https_port);
}

static void put_endpoints(struct compiler *k, struct contract *c)
{
	c->endpoints = arena_alloc(k->a, (k->n_endpoints + 1) * sizeof(*c->endpoints));
	for (; c->n_endpoints < k->n_endpoints; c->n_endpoints++)
		c->endpoints[c->n_endpoints] = *k->endpoints[c->n_endpoints];
	if (!issuers_key_manager(k->issuers, &c->endpoints[c->n_endpoints]))
		return;
	c->n_endpoints++;
	put_token_port(k, c);
}

static struct contract *emit(struct compiler *k)
{
	struct contract *c = arena_alloc(k->a, sizeof(*c));

	c->version = CONTRACT_VERSION;
	put_settings(&k->in->settings, c);
	c->limits = k->limits;
	c->scripts = k->scripts;
	c->assertion = (struct contract_assertion *)(uintptr_t)k->in->backend_jwt;
	c->issuers = issuers_list(k->issuers, &c->n_issuers);
	c->schemes = issuers_schemes(k->issuers, &c->n_schemes);
	c->token_cache_s = TOKEN_CACHE_S;
	if (asks_a_key_manager(c))
		c->token_cache_s = k->in->settings.token_cache_s;
	c->schemas = bodies_schemas(k->bodies, &c->n_schemas);
	c->trust = (struct contract_words){ k->trust, k->n_trust };
	check_key_path(k, c);
	put_endpoints(k, c);
	if (k->models.n > 1)
		qsort(k->models.at, k->models.n, sizeof(void *), by_base_path);
	c->apis = arena_alloc(k->a, k->models.n * sizeof(*c->apis));
	vec_foreach (const struct model *, m, &k->models)
		put_api(k, m, &c->apis[c->n_apis++]);
	return c;
}

/* What a gateway would refuse at its start must not leave the compiler. */
static struct contract *checked(struct compiler *k, struct contract *c)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	struct err err = { .msg = "no contract" };
	const char *text;

	if (c) {
		text = toolkit_contract_text(tmp, c);
		if (contract_load(tmp, text, strlen(text), &err))
			return c;
	}
	refuse(&k->whole, "Internal", (struct place){ .path = "" },
		"the compiled contract is not one a gateway accepts: %s", err.msg);
	return NULL;
}

static void read_documents(struct compiler *k)
{
	if (k->in->n_documents == 0 || k->in->n_documents > TOOLKIT_MAX_DOCUMENTS) {
		refuse(&k->whole, "LimitExceeded", (struct place){ .path = "" },
			"%zu OpenAPI documents, expected 1 to %d", k->in->n_documents,
			TOOLKIT_MAX_DOCUMENTS);
		return;
	}
	for (size_t i = 0; i < k->in->n_documents; i++) {
		struct model *m = model_read(k->a, &k->in->documents[i], k->diagnostics);

		if (m)
			vec_add(k->a, &k->models, m);
	}
}

struct contract *toolkit_compile(
	struct arena *a, const struct toolkit_inputs *in, struct toolkit_diagnostics *ret)
{
	struct compiler k = { .a = a, .in = in, .diagnostics = ret };

	k.whole = (struct reader){ .a = a, .diagnostics = ret, .document = "" };
	read_documents(&k);
	check_documents(&k);
	check_backend_jwt(&k);
	resolve_endpoints(&k);
	k.trust = trust_read(&k.whole, in, &k.n_trust);
	k.scripts = scripts_compile(&k.whole, &k.models, in);
	k.bodies = bodies_read(a, &in->settings, &k.models);
	k.issuers = issuers_new(a, in, &k.whole, &k.models);
	k.limits = limits_compile(a, &k.models, in->policies, issuers_name_tiers(k.issuers));
	return ret->errors > 0 ? NULL : checked(&k, emit(&k));
}

char *toolkit_contract_text(struct arena *a, const struct contract *c)
{
	AUTO(arena_auto) struct arena *tmp = arena_new(); /* the tree is ten times the text */

	return arena_dup(a, json_canonical(tmp, contract_json(tmp, c)));
}

char *toolkit_contract_sha256(struct arena *a, const struct contract *c)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	const char *text = toolkit_contract_text(tmp, c);

	return sha256_hex(a, text, strlen(text));
}
