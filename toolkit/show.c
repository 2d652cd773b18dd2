#include "toolkit/show.h"

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

enum {
	MAX_TEXT = 64 * 1024 * 1024
};

static void show_security(
	struct str *s, const struct contract *c, const struct contract_operation *op)
{
	if (!op->secured) {
		str_add(s, "open");
		return;
	}
	for (size_t i = 0; i < op->n_issuers; i++) {
		const char *name = c->issuers[op->issuers[i]].security;

		if (i == 0 || !str_eq(name, c->issuers[op->issuers[i - 1]].security))
			str_addf(s, "%s%s", i ? "|" : "", name);
	}
	for (size_t i = 0; i < op->n_schemes; i++)
		str_addf(s, "%s%s", i + op->n_issuers ? "|" : "",
			c->schemes[op->schemes[i]].security);
	for (size_t i = 0; i < op->n_scopes; i++)
		str_addf(s, "%s%s", i ? "|" : " scope ", op->scopes[i]);
}

static void show_tier(struct str *s, const struct tier *t)
{
	if (t->limit)
		str_addf(s, " tier %s: %lld in %lld s", t->name, (long long)t->limit->count,
			(long long)limit_window_s(t->limit));
	else if (t->name)
		str_addf(s, " tier %s: no such policy", t->name);
}

static void show_endpoint(struct str *s, const char *lead, const struct contract_endpoint *e)
{
	str_add(s, lead);
	for (size_t i = 0; i < e->n_urls; i++)
		str_addf(s, "%s%s", i == 0 ? "" : e->failover ? ", else " : " or ", e->urls[i]);
	if (!str_empty(e->name))
		str_addf(s, " (%s)", e->name);
}

static void show_operation(struct str *s, const struct contract *c, const char *template,
	const struct contract_operation *op)
{
	str_addf(s, "    %-7s %-40s ", method_name(op->method), template);
	show_security(s, c, op);
	if (op->endpoint != SIZE_MAX)
		show_endpoint(s, " -> ", &c->endpoints[op->endpoint]);
	if (op->sandbox != SIZE_MAX)
		show_endpoint(s, " sandbox ", &c->endpoints[op->sandbox]);
	if (op->n_examples > 0)
		str_add(s, " -> examples");
	show_tier(s, &op->tier);
	if (op->request)
		str_add(s, ", requests validated");
	if (op->n_answers > 0)
		str_add(s, ", answers validated");
	str_addc(s, '\n');
}

static void show_issuer(struct arena *a, struct str *s, const struct contract_issuer *issuer)
{
	str_addf(s, "  %s: %s", issuer->security, issuer->issuer);
	if (issuer->audience)
		str_addf(s, " audience %s", issuer->audience);
	if (issuer->validate_subscription)
		str_add(s, ", subscriptions checked");
	str_addc(s, '\n');
	if (issuer->jwks_url)
		str_addf(s, "    keys at %s\n", issuer->jwks_url);
	for (size_t i = 0; i < issuer->n_keys; i++) {
		const struct contract_key *k = &issuer->keys[i];

		str_addf(s, "    key %.16s", k->id);
		if (k->not_after)
			str_addf(s, " from %s until %s", clock_rfc3339(a, k->not_before * 1000),
				clock_rfc3339(a, k->not_after * 1000));
		str_addc(s, '\n');
	}
}

static void show_transport(struct str *s, const struct contract_transport *t)
{
	if (t->not_http || t->not_https)
		str_addf(s, "    %s only\n", t->not_http ? "https" : "http");
	if (t->client_cert != CLIENT_CERT_NONE)
		str_addf(s, "    client certificates %s\n",
			t->client_cert == CLIENT_CERT_MANDATORY ? "mandatory" : "optional");
}

static void show_scheme(struct str *s, const struct contract_scheme *scheme)
{
	str_addf(s, "  %s: %s", scheme->security, scheme_type_name(scheme->type));
	if (scheme->type == SCHEME_OAUTH)
		str_addf(
			s, " at %s%s", scheme->key_manager.url, scheme->is_soap ? ", by SOAP" : "");
	str_addc(s, '\n');
}

/* Whose endpoints clients find here, too. */
static void show_key_manager(struct str *s, const struct contract *c)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].key_manager)
			show_endpoint(s, "  /token, /authorize, /revoke, /userinfo -> ",
				&c->endpoints[i]);
	if (c->token_port != 0)
		str_addf(s, ", on port %u as well\n", c->token_port);
}

static void show_cors(struct str *s, const struct contract_cors *c)
{
	if (!c)
		return;
	str_add(s, "    cors");
	for (size_t i = 0; i < c->origins.n; i++)
		str_addf(s, " %s", c->origins.at[i]);
	str_addf(s, "%s\n", c->credentials ? ", with credentials" : "");
}

char *toolkit_show(struct arena *a, const struct contract *c)
{
	struct str s;

	str_init(&s, a, MAX_TEXT);
	for (size_t i = 0; i < c->n_apis; i++) {
		const struct contract_api *api = &c->apis[i];

		str_addf(&s, "%s %s at %s/ (credentials in %s)", api->title, api->version,
			api->base_path, api->auth_header);
		show_tier(&s, &api->tier);
		str_addc(&s, '\n');
		show_transport(&s, &api->transport);
		show_cors(&s, api->cors);
		if (api->cache_s > 0)
			str_addf(&s, "    answers kept, at most %u s\n", api->cache_s);
		for (size_t p = 0; p < api->n_paths; p++)
			for (size_t o = 0; o < api->paths[p].n_operations; o++)
				show_operation(&s, c, api->paths[p].template,
					&api->paths[p].operations[o]);
	}
	str_add(&s, c->n_issuers ? "issuers\n" : "no issuers\n");
	for (size_t i = 0; i < c->n_issuers; i++)
		show_issuer(a, &s, &c->issuers[i]);
	if (c->n_schemes)
		str_add(&s, "schemes\n");
	for (size_t i = 0; i < c->n_schemes; i++)
		show_scheme(&s, &c->schemes[i]);
	show_key_manager(&s, c);
	str_addf(&s,
		"settings\n  ports http %u, https %u, metrics %u; http/2 %s\n"
		"  token cache %u entries; clock skew %lld s; backend host names %sverified\n",
		c->http_port, c->https_port, c->metrics_port, c->http2 ? "on" : "off",
		c->token_cache_entries, (long long)c->clock_skew_s,
		c->verify_hostname ? "" : "not ");
	return s.ptr;
}
