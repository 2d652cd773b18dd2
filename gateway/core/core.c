#include "gateway/core/core.h"

#include <openssl/evp.h>

#include "gateway/core/apikey.h"
#include "gateway/core/body.h"
#include "gateway/core/cache.h"
#include "gateway/core/cors.h"
#include "gateway/core/decision.h"
#include "gateway/core/fault.h"
#include "gateway/core/jwks.h"
#include "gateway/core/mock.h"
#include "gateway/core/throttle.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

struct core *core_new(const struct contract *c, const struct core_options *options)
{
	struct core *core = calloc(1, sizeof(*core));
	size_t entries = options ? options->token_cache_entries : 0;

	if (!core)
		abort();
	core->contract = c;
	core->arena = arena_new();
	core->routes = route_table_new(core->arena, c);
	if (entries == 0)
		entries = c->token_cache_entries;
	core->cache = cache_new(entries);
	core->active = cache_new(entries);
	core->inactive = cache_new(entries);
	core->keys = cache_new(entries);
	core->jwks = jwks_new(c);
	core->throttle = throttle_new(c, options ? options->counters : NULL);
	core->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	core->digest = EVP_MD_CTX_new();
	if (!core->sha256 || !core->digest)
		abort();
	return core;
}

void core_free(struct core *core)
{
	if (!core)
		return;
	EVP_MD_CTX_free(core->digest);
	EVP_MD_free(core->sha256);
	throttle_free(core->throttle);
	cache_free(core->cache);
	jwks_free(core->jwks);
	cache_free(core->active);
	cache_free(core->inactive);
	cache_free(core->keys);
	arena_free(core->arena);
	free(core);
}

void core_set_revoked(struct core *core, const struct revoked *revoked)
{
	core->revoked = revoked;
}

void core_set_credentials(struct core *core, const struct credentials *credentials)
{
	core->credentials = credentials;
	cache_clear(core->keys);
}

bool core_take_keys(struct core *core, size_t issuer, const char *text, size_t n, struct err *err)
{
	if (!jwks_take(core->jwks, issuer, text, n, err))
		return false;
	/* Entries point to the keys that signed. */
	cache_clear(core->cache);
	return true;
}

void core_stats(const struct core *core, struct core_stats *ret)
{
	*ret = (struct core_stats){
		.token_cache_hits = core->hits,
		.token_cache_misses = core->misses,
		.token_cache_entries = cache_entries(core->cache) + cache_entries(core->active) +
				       cache_entries(core->inactive) + cache_entries(core->keys),
	};
}

/* ---- steps ---- */

static bool target_is_clear(struct decision *d)
{
	const char *why;

	if (d->request->target.n > d->core->contract->max_uri_bytes) {
		fault_text(414, "URI Too Long", "target too long", d->verdict);
		return false;
	}
	if (target_read(d->a, d->request->target, &d->target, &why))
		return true;
	fault_bad_path(d->a, why, d->verdict);
	return false;
}

static bool is_not_health(struct decision *d)
{
	static const char body[] = "{\"status\":\"healthy\"}";

	if (!target_is_health(&d->target))
		return true;
	d->verdict->kind = VERDICT_HEALTH;
	d->verdict->status = 200;
	d->verdict->content_type = "application/json";
	d->verdict->body = (struct span){ body, sizeof(body) - 1 };
	return false;
}

static bool path_exists(struct decision *d)
{
	struct span sent = d->target.sent;
	struct span method = d->request->method_name;

	route_find(d->core->routes, &d->target, &d->route);
	if (d->route.api && !transport_serves(&d->route.api->transport, d->request))
		d->route = (struct route){ 0 };
	d->verdict->api = d->route.api;
	d->verdict->path = d->route.path;
	if (d->route.api && d->route.api->cors)
		cors_simple(d->route.api->cors, d->request, &d->verdict->cors);
	if (d->route.path)
		return true;
	if (!is_not_for_the_key_manager(d))
		return false;
	fault_text(404,
		d->route.api ? arena_printf(d->a,
				       "no matching resource found for path : %.*s , method : %.*s",
				       (int)sent.n, sent.at, (int)method.n, method.at)
			     : arena_printf(d->a, "no matching service found for path : %.*s",
				       (int)sent.n, sent.at),
		d->route.api ? "no such path" : "no such base path", d->verdict);
	return false;
}

static struct span allowed(struct arena *a, unsigned int methods)
{
	struct str s;

	str_init(&s, a, 128);
	for (unsigned int m = METHOD_GET; m < METHOD_OTHER; m <<= 1)
		if ((methods | METHOD_OPTIONS) & m)
			str_addf(&s, "%s%s", s.len ? ", " : "", method_name((enum method)m));
	return (struct span){ s.ptr, s.len };
}

static bool method_exists(struct decision *d)
{
	const struct contract_path *p = d->route.path;
	enum method method = d->request->method;

	for (size_t i = 0; i < p->n_operations; i++)
		if (p->operations[i].method == method)
			d->verdict->operation = &p->operations[i];
	if (d->verdict->operation)
		return true;
	if (method != METHOD_OPTIONS)
		fault_text(405, "Method not allowed", "no such method", d->verdict);
	else
		fault_text(200, "", NULL, d->verdict);
	if (method == METHOD_OPTIONS && d->route.api->cors)
		cors_preflight(d->a, d->route.api->cors, p->methods, d->request, &d->verdict->cors);
	d->verdict->allow = allowed(d->a, p->methods);
	return false;
}

static bool client_is_known(struct decision *d)
{
	if (transport_trusts(&d->route.api->transport, d->request))
		return true;
	return decision_refuse(d, 900901, "no client certificate");
}

/* Credentials that are sent all the same have to be good. */
static bool certificate_suffices(const struct decision *d)
{
	const struct core_request *r = d->request;
	struct span value;
	size_t n;

	return d->verdict->operation->optional && r->client_is_verified &&
	       !(r->header && r->header(r->arg, d->route.api->auth_header, &value, &n));
}

static struct span copied(struct arena *a, const char *text)
{
	size_t n = strlen(text);

	return (struct span){ n > 0 ? arena_dupn(a, text, n) : "", n };
}

static bool may_use_operation(struct decision *d)
{
	const struct contract_operation *op = d->verdict->operation;
	const struct contract_api *api = d->route.api;

	d->verdict->subject = copied(d->a, d->token->subject);
	d->verdict->application = copied(d->a, d->token->application);
	d->verdict->sandbox = d->token->sandbox;
	d->verdict->backend_jwt = copied(d->a, d->token->backend_jwt);
	if (d->issuer && !d->is_opaque && !d->is_key)
		d->verdict->token = d->credentials;
	if (op->n_scopes > 0 && !d->is_key && !d->token->is_judged &&
		!token_has_scope(d->token, op->scopes, op->n_scopes)) {
		if (!d->is_opaque)
			return decision_refuse(d, 900910, "scope");
		fault_opaque_scope(d->a, d->verdict);
		return false;
	}
	if (d->issuer && d->issuer->validate_subscription &&
		!token_is_subscribed(d->token, api->title, api->version))
		return decision_refuse(d, 900908, "subscription");
	return true;
}

/* A token that names no application shares its counters with all others of that kind. */
static bool is_within_limits(struct decision *d)
{
	const struct token *t = d->token;
	struct caller who = { .is_known = d->token != NULL };

	if (who.is_known) {
		const char *id = t->application_id;
		const char *tier =
			token_subscription_tier(t, d->route.api->title, d->route.api->version);

		who.user = t->subject;
		who.application = *id ? id : "__unknown__";
		who.application_tier = t->application_tier;
		who.api_tier = t->api_tier;
		who.over_quota = t->over_quota;
		who.subscription_tier = *tier ? tier : "Default";
	}
	return throttle_admit(d->core->throttle, d->a, d->request, &who, d->verdict);
}

static struct span query_for_backend(const struct decision *d)
{
	const struct contract_operation *op = d->verdict->operation;
	const struct contract *c = d->core->contract;
	struct span query = d->target.query;

	for (size_t i = 0; op->secured && i < op->n_schemes; i++) {
		const struct contract_scheme *s = &c->schemes[op->schemes[i]];

		if (s->type == SCHEME_API_KEY && s->in_query && c->remove_auth_header)
			query = query_without(d->a, query, s->name);
	}
	return query;
}

static void forward(struct decision *d)
{
	const struct contract *c = d->core->contract;
	struct verdict *v = d->verdict;
	size_t i = v->sandbox ? v->operation->sandbox : v->operation->endpoint;

	if (v->operation->n_examples > 0) {
		mock_answer(v->operation, d->request, d->a, v);
		return;
	}
	if (i == SIZE_MAX) {
		fault_no_endpoint(v);
		return;
	}
	v->kind = VERDICT_FORWARD;
	v->endpoint = &c->endpoints[i];
	v->forward = route_forward(d->a, d->route.rest, query_for_backend(d));
	v->strip_auth = c->remove_auth_header && v->operation->secured;
}

void core_decide(
	struct core *core, struct arena *a, const struct core_request *r, struct verdict *ret)
{
	struct decision d = { .core = core, .a = a, .request = r, .verdict = ret };

	*ret = (struct verdict){ 0 };
	if (!target_is_clear(&d) || !is_not_health(&d) || !is_not_at_its_listener(&d) ||
		!is_not_for_a_key(&d) || !path_exists(&d) || !method_exists(&d) ||
		!client_is_known(&d))
		return;
	if (ret->operation->secured && !certificate_suffices(&d) &&
		(!caller_is_authenticated(&d) || !may_use_operation(&d)))
		return;
	if (body_is_admitted(d.a, core->contract, r, ret) && is_within_limits(&d))
		forward(&d);
}

void core_charge(struct core *core, const struct verdict *v, int64_t bytes, int64_t now_s)
{
	throttle_charge(core->throttle, v, bytes, now_s);
}
