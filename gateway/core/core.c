#include "gateway/core/core.h"

#include <openssl/evp.h>
#include <strings.h>

#include "gateway/core/apikey.h"
#include "gateway/core/cache.h"
#include "gateway/core/cors.h"
#include "gateway/core/credentials.h"
#include "gateway/core/fault.h"
#include "gateway/core/introspection.h"
#include "gateway/core/jwks.h"
#include "gateway/core/revoked.h"
#include "gateway/core/route.h"
#include "gateway/core/throttle.h"
#include "gateway/core/token.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

struct core {
	const struct contract *contract;
	struct arena *arena;
	struct route_table *routes;
	struct cache *cache;
	struct jwks *jwks;
	struct throttle *throttle;
	struct cache *active; /* opaque tokens that a key manager vouched for */
	struct cache
		*inactive; /* and those it did not; apart, so that bad ones push no good one out */
	const struct credentials *credentials; /* NULL: none yet */
	const struct revoked *revoked;
	EVP_MD *sha256; /* fetched once: the implicit fetch costs more than the digest */
	EVP_MD_CTX *digest;
	uint64_t hits;
	uint64_t misses;
};

/* One request on its way through the steps. */
struct decision {
	struct core *core;
	struct arena *a;
	const struct core_request *request;
	struct target target;
	struct route route;
	struct span credentials;
	struct token_parts parts;
	struct token user;		      /* what is known of a user without a token */
	const struct token *token;	      /* in parts, in the cache, or user */
	const struct contract_issuer *issuer; /* NULL: not by a token */
	bool is_opaque;			      /* a key manager knows the token */
	bool is_key;			      /* it came with an API key: no scopes */
	struct verdict *verdict;
};

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
				       cache_entries(core->inactive),
	};
}

/* ---- steps: each returns false when the verdict is final ---- */

static bool refuse(struct decision *d, int code, const char *reason)
{
	fault_answer(d->a, code, reason, d->verdict);
	return false;
}

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
	return refuse(d, 900901, "no client certificate");
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

static bool starts_with_word(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.at, word, n) == 0 && (s.n == n || s.at[n] == ' ');
}

/* What follows the scheme's word. */
static struct span behind_word(struct span s, const char *word)
{
	s.at += strlen(word);
	s.n -= strlen(word);
	while (s.n > 0 && *s.at == ' ') {
		s.at++;
		s.n--;
	}
	while (s.n > 0 && s.at[s.n - 1] == ' ')
		s.n--;
	return s;
}

/* The operation's first scheme of that type. */
static bool accepts(const struct decision *d, enum scheme_type type, size_t *ret)
{
	const struct contract_operation *op = d->verdict->operation;

	for (size_t i = 0; i < op->n_schemes; i++)
		if (d->core->contract->schemes[op->schemes[i]].type == type) {
			*ret = op->schemes[i];
			return true;
		}
	return false;
}

/* Whether one of the issuer's keys that are valid today signed the token. */
static bool is_signed(struct decision *d, const struct contract_issuer *s, struct token_parts *p)
{
	size_t number;

	for (size_t i = 0; i < s->n_keys; i++) {
		const struct contract_key *k = &s->keys[i];

		if (key_is_current(k, d->request->now_s) && token_signed_by(p, k)) {
			p->token.signer = k;
			return true;
		}
	}
	if (!s->jwks_url)
		return false;
	number = (size_t)(s - d->core->contract->issuers);
	p->token.signer = jwks_signer(d->core->jwks, number, p);
	if (!p->token.signer && jwks_may_be_old(d->core->jwks, number, p))
		d->verdict->fetch_keys_of = s;
	return p->token.signer != NULL;
}

/* The signature is known to be good; it must be by a key of this issuer that is valid today. */
static bool signer_is_trusted(const struct decision *d, const struct contract_issuer *s,
	const struct contract_key *signer)
{
	int64_t now_s = d->request->now_s;

	for (size_t i = 0; i < s->n_keys; i++)
		if ((&s->keys[i] == signer || str_eq(s->keys[i].pem, signer->pem)) &&
			key_is_current(&s->keys[i], now_s))
			return true;
	return s->jwks_url &&
	       jwks_knows(d->core->jwks, (size_t)(s - d->core->contract->issuers), signer);
}

/* The first issuer of the operation that accepts the token; *ret_why keeps the most telling
 * refusal. */
static const struct contract_issuer *accepting(struct decision *d, const struct token *t,
	struct token_parts *unverified, const char **ret_why)
{
	const struct contract *c = d->core->contract;
	const struct contract_operation *op = d->verdict->operation;
	int64_t now_s = d->request->now_s;

	*ret_why = "issuer";
	for (size_t i = 0; i < op->n_issuers; i++) {
		const struct contract_issuer *s = &c->issuers[op->issuers[i]];
		const char *why = token_claims(t, s, c->clock_skew_s, now_s);

		if (!why) {
			if (unverified ? is_signed(d, s, unverified)
				       : signer_is_trusted(d, s, t->signer))
				return s;
			why = "signature";
		}
		if (!str_eq(why, "issuer"))
			*ret_why = why;
	}
	return NULL;
}

static void digest(struct core *core, struct span token, unsigned char ret[SHA256_BYTES])
{
	if (EVP_DigestInit_ex2(core->digest, core->sha256, NULL) != 1 ||
		EVP_DigestUpdate(core->digest, token.at, token.n) != 1 ||
		EVP_DigestFinal_ex(core->digest, ret, NULL) != 1)
		abort();
}

/* ---- opaque tokens ---- */

static void opaque_digest(
	struct core *core, size_t scheme, struct span token, unsigned char ret[SHA256_BYTES])
{
	const char *security = core->contract->schemes[scheme].security;

	/* The name's end is part of it: no other name and token give the same bytes. */
	if (EVP_DigestInit_ex2(core->digest, core->sha256, NULL) != 1 ||
		EVP_DigestUpdate(core->digest, security, strlen(security) + 1) != 1 ||
		EVP_DigestUpdate(core->digest, token.at, token.n) != 1 ||
		EVP_DigestFinal_ex(core->digest, ret, NULL) != 1)
		abort();
}

void core_learn(struct core *core, size_t scheme, struct span token,
	const struct introspection *introspection)
{
	unsigned char key[SHA256_BYTES];

	if (introspection->failure)
		return;
	opaque_digest(core, scheme, token, key);
	cache_put(introspection->is_active ? core->active : core->inactive, key,
		&introspection->token);
}

static const struct token *fresh(struct cache *c, const unsigned char *key, int64_t now_s)
{
	const struct token *t = cache_get(c, key);

	return t && t->exp > now_s ? t : NULL;
}

/* What is known of the token without asking; NULL: nothing. */
static const struct token *opaque_known(struct decision *d, size_t scheme, bool *ret_is_active)
{
	const struct introspection *told = d->request->introspection;
	unsigned char key[SHA256_BYTES];
	const struct token *t;

	if (told) {
		*ret_is_active = told->is_active;
		return &told->token;
	}
	opaque_digest(d->core, scheme, d->credentials, key);
	t = fresh(d->core->active, key, d->request->now_s);
	*ret_is_active = t != NULL;
	if (!t)
		t = fresh(d->core->inactive, key, d->request->now_s);
	d->verdict->token_cached = t != NULL;
	*(t ? &d->core->hits : &d->core->misses) += 1;
	return t;
}

static bool opaque_is_good(struct decision *d, size_t scheme)
{
	const struct introspection *told = d->request->introspection;
	bool is_active;

	if (d->credentials.n == 0 || d->credentials.n > TOKEN_MAX_BYTES)
		return refuse(d, 900901, "no token");
	if (told && told->failure)
		return refuse(d, 900900, arena_dup(d->a, told->failure));
	d->token = opaque_known(d, scheme, &is_active);
	d->is_opaque = true;
	if (d->token)
		return is_active || refuse(d, 900901, "inactive token");
	d->verdict->kind = VERDICT_ASK;
	d->verdict->ask_scheme = scheme;
	d->verdict->ask_token = d->credentials;
	return false;
}

/* ---- tokens that say themselves what they are ---- */

/* Looked at on every request, whatever is remembered about the token. */
static bool is_not_revoked(struct decision *d)
{
	return !revoked_has(d->core->revoked, d->token->id) || refuse(d, 900901, "revoked");
}

static bool token_is_good(struct decision *d)
{
	unsigned char key[SHA256_BYTES];
	const char *why;

	digest(d->core, d->credentials, key);
	d->token = cache_get(d->core->cache, key);
	if (d->token) {
		d->issuer = accepting(d, d->token, NULL, &why);
		d->verdict->token_cached = true;
		d->core->hits++;
		if (d->issuer || !str_eq(why, "signature"))
			return d->issuer ? is_not_revoked(d) : refuse(d, 900901, why);
		/* Another operation trusts another key: verify for this one. */
	}
	d->verdict->token_cached = false;
	d->core->misses++;
	why = token_read(d->a, d->credentials, &d->parts);
	if (why)
		return refuse(d, 900901, why);
	d->issuer = accepting(d, &d->parts.token, &d->parts, &why);
	if (!d->issuer)
		return refuse(d, 900901, why);
	d->token = &d->parts.token;
	cache_put(d->core->cache, key, d->token);
	return is_not_revoked(d);
}

static bool user_is_good(struct decision *d)
{
	const struct user *u;
	const char *why;
	int code = basic_check(d->a, d->core->contract, d->verdict->operation, d->core->credentials,
		d->credentials, &u, &why);

	if (code != 0)
		return refuse(d, code, why);
	d->user = token_empty();
	d->user.subject = u->name;
	d->user.application = d->user.application_id = "anonymous";
	d->user.application_tier = "Unlimited";
	d->user.scope = u->scopes;
	d->token = &d->user;
	return true;
}

static void forget_refusal(struct verdict *v)
{
	*v = (struct verdict){
		.api = v->api, .path = v->path, .operation = v->operation, .cors = v->cors
	};
}

/* A token that no issuer answers for may still be one that the key manager knows. */
static bool bearer_is_good(struct decision *d)
{
	bool by_issuer = d->verdict->operation->n_issuers > 0;
	size_t scheme;

	if (by_issuer && token_is_good(d))
		return true;
	if (!accepts(d, SCHEME_OAUTH, &scheme))
		return by_issuer ? false : refuse(d, 900917, "a token");
	forget_refusal(d->verdict);
	return opaque_is_good(d, scheme);
}

static bool header_is_good(struct decision *d)
{
	const struct core_request *r = d->request;
	struct span value = { 0 };
	size_t n = 0;

	if (!r->header || !r->header(r->arg, d->route.api->auth_header, &value, &n) || value.n == 0)
		return refuse(d, 900902, "no credentials");
	if (n > 1)
		return refuse(d, 900901, "credentials given twice");
	if (starts_with_word(value, "basic")) {
		d->credentials = behind_word(value, "basic");
		return accepts(d, SCHEME_BASIC, &n) ? user_is_good(d)
						    : refuse(d, 900917, "basic credentials");
	}
	if (!starts_with_word(value, "bearer"))
		return refuse(d, 900901, "unknown scheme");
	d->credentials = behind_word(value, "bearer");
	return bearer_is_good(d);
}

/* ---- API keys ---- */

static bool has_key(
	const struct decision *d, const struct contract_scheme *s, struct span *ret, size_t *ret_n)
{
	const struct core_request *r = d->request;

	*ret_n = 1;
	if (s->in_query)
		return query_find(d->a, d->target.query, s->name, ret);
	return r->header && r->header(r->arg, s->name, ret, ret_n);
}

static const char *why_key_is_bad(struct decision *d, size_t scheme, struct span sent)
{
	const struct credentials *credentials = d->core->credentials;

	if (!credentials || !credentials->sets[scheme].is_loaded)
		return "credentials not loaded";
	return api_key_check(d->a, &credentials->sets[scheme], d->route.api, sent,
		d->core->contract->clock_skew_s, d->request->now_s, &d->user);
}

/* By any scheme that the operation accepts. An absent key says nothing: the verdict stays. */
static bool key_is_good(struct decision *d)
{
	const struct contract_operation *op = d->verdict->operation;

	for (size_t i = 0; i < op->n_schemes; i++) {
		const struct contract_scheme *s = &d->core->contract->schemes[op->schemes[i]];
		struct span sent;
		const char *why;
		size_t n;

		if (s->type != SCHEME_API_KEY || !has_key(d, s, &sent, &n))
			continue;
		why = n > 1 ? "key given twice" : why_key_is_bad(d, op->schemes[i], sent);
		if (!why && revoked_has(d->core->revoked, d->user.id))
			why = "revoked";
		if (!why)
			return true;
		refuse(d, str_eq(why, "credentials not loaded") ? 900900 : 900901, why);
	}
	return false;
}

/* The header goes first; a key is an alternative, or what is needed besides. */
static bool is_authenticated(struct decision *d)
{
	bool good = header_is_good(d);
	size_t scheme;

	if (d->verdict->kind == VERDICT_ASK || !accepts(d, SCHEME_API_KEY, &scheme))
		return good;
	if (d->verdict->operation->key_too) {
		struct token kept;

		if (!good)
			return false;
		kept = d->user;
		if (!key_is_good(d)) {
			if (d->verdict->fault_code == 0)
				refuse(d, 900902, "no API key");
			return false;
		}
		d->user = kept;
		return true;
	}
	if (good)
		return true;
	if (!key_is_good(d))
		return false;
	forget_refusal(d->verdict);
	d->token = &d->user;
	d->is_key = true;
	return true;
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
	if (op->n_scopes > 0 && !d->is_key &&
		!token_has_scope(d->token, op->scopes, op->n_scopes)) {
		if (!d->is_opaque)
			return refuse(d, 900910, "scope");
		fault_opaque_scope(d->a, d->verdict);
		return false;
	}
	if (d->issuer && d->issuer->validate_subscription &&
		!token_is_subscribed(d->token, api->title, api->version))
		return refuse(d, 900908, "subscription");
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

	if (i == SIZE_MAX) {
		fault_no_endpoint(v);
		return;
	}
	v->kind = VERDICT_FORWARD;
	v->endpoint = &c->endpoints[i];
	v->forward = route_forward(d->a, d->route.rest, query_for_backend(d));
	v->strip_auth = c->remove_auth_header && v->operation->secured;
}

/* ---- /apikey ---- */

static bool issues_keys(const struct contract *c)
{
	for (size_t i = 0; i < c->n_schemes; i++)
		if (c->schemes[i].type == SCHEME_API_KEY)
			return true;
	return false;
}

/* Over TLS only, since a password and a key are exchanged; by plain http there is no such path. */
static bool is_not_for_a_key(struct decision *d)
{
	static const char path[] = "/apikey";
	const struct core_request *r = d->request;
	struct span value = { 0 };
	const struct user *u;
	const char *why;
	size_t n = 0;
	int code;

	if (d->target.path.n != sizeof(path) - 1 || !r->is_tls ||
		memcmp(d->target.path.at, path, sizeof(path) - 1) != 0 ||
		!issues_keys(d->core->contract))
		return true;
	if (r->method != METHOD_GET && r->method != METHOD_POST) {
		fault_text(405, "Method not allowed", "no such method", d->verdict);
		d->verdict->allow = (struct span){ "GET, POST", 9 };
		return false;
	}
	if (!r->header || !r->header(r->arg, "authorization", &value, &n) || value.n == 0)
		return refuse(d, 900902, "no credentials");
	if (n > 1 || !starts_with_word(value, "basic"))
		return refuse(d, 900917, "expected basic credentials");
	code = api_key_user_check(d->a, d->core->contract, d->core->credentials,
		behind_word(value, "basic"), &u, &d->verdict->issue_scheme, &why);
	if (code != 0)
		return refuse(d, code, why);
	d->verdict->kind = VERDICT_ISSUE;
	d->verdict->issue_user = arena_dup(d->a, u->name);
	d->verdict->subject = copied(d->a, u->name);
	return false;
}

void core_issue(
	struct core *core, struct arena *a, struct span body, int64_t now_s, struct verdict *v)
{
	const struct credentials *credentials = core->credentials;

	if (!credentials || !credentials->sets[v->issue_scheme].is_loaded) {
		fault_answer(a, 900900, "credentials not loaded", v);
		return;
	}
	v->kind = VERDICT_ANSWER;
	v->status = 200;
	v->content_type = "text/plain";
	if (api_key_issue(a, &credentials->sets[v->issue_scheme], core->contract, v->issue_user,
		    body, now_s, &v->body))
		return;
	v->status = v->fault_code = 400;
	v->content_type = "application/json";
	v->reason = "request for a key";
	v->body = core_fault(
		a, 400, "Bad Request", "The body is neither empty nor {\"validityTime\": seconds}");
}

void core_decide(
	struct core *core, struct arena *a, const struct core_request *r, struct verdict *ret)
{
	struct decision d = { .core = core, .a = a, .request = r, .verdict = ret };

	*ret = (struct verdict){ 0 };
	if (!target_is_clear(&d) || !is_not_health(&d) || !is_not_for_a_key(&d) ||
		!path_exists(&d) || !method_exists(&d) || !client_is_known(&d))
		return;
	if (ret->operation->secured && !certificate_suffices(&d) &&
		(!is_authenticated(&d) || !may_use_operation(&d)))
		return;
	if (is_within_limits(&d))
		forward(&d);
}

void core_charge(struct core *core, const struct verdict *v, int64_t bytes, int64_t now_s)
{
	throttle_charge(core->throttle, v, bytes, now_s);
}
