#include "gateway/core/token.h"

#include "gateway/core/signature.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

struct token token_empty(void)
{
	return (struct token){ .id = "",
		.issuer = "",
		.backend_jwt = "",
		.subject = "",
		.application = "",
		.application_id = "",
		.application_tier = "",
		.api_tier = "",
		.scope = "" };
}

/* ---- reading ---- */

static struct json *json_part(struct arena *a, struct span part)
{
	struct err ignored;
	size_t n = 0;
	char *text = part.n > 0 ? base64url_decode(a, part.at, part.n, &n) : NULL;
	struct json *v = text && utf8_ok(text, n) ? json_parse(a, text, n, &ignored) : NULL;

	return json_is_object(v) ? v : NULL;
}

static bool cut_in_three(struct span sent, struct span part[3])
{
	for (size_t i = 0; i < 3; i++) {
		const char *dot = sent.n > 0 ? memchr(sent.at, '.', sent.n) : NULL;
		size_t n = dot ? (size_t)(dot - sent.at) : sent.n;

		if (n == 0 || !dot != (i == 2))
			return false;
		part[i] = (struct span){ sent.at, n };
		sent.at += n + (i < 2);
		sent.n -= n + (i < 2);
	}
	return true;
}

static const char *read_header(const struct json *header, struct token_parts *p)
{
	p->alg = signature_alg_parse(json_get_str(header, "alg"));
	if (!p->alg)
		return "algorithm";
	p->kid = json_get_str(header, "kid");
	/* "crit" names extensions that a verifier must understand; we know none. */
	return json_get(header, "crit") ? "critical header" : NULL;
}

static bool read_time(const struct json *claims, const char *name, bool *ret_has, int64_t *ret)
{
	const struct json *v = json_get(claims, name);

	*ret_has = v != NULL;
	return !v || json_int(v, ret);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void add_text(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text) + 1);
}

struct texts token_audience(struct arena *a, const struct json *aud)
{
	struct str s;

	str_init(&s, a, TOKEN_MAX_BYTES);
	if (json_is_str(aud))
		add_text(&s, json_str(aud));
	else if (json_is_array(aud))
		json_foreach (v, aud)
			if (json_is_str(v))
				add_text(&s, json_str(v));
	return (struct texts){ s.ptr, s.len };
}

/* Words between blanks (RFC 8693); some issuers send a list of them. */
static const char *read_scope(struct arena *a, const struct json *scope)
{
	struct str s;

	if (!json_is_array(scope))
		return or_empty(json_str(scope));
	str_init(&s, a, TOKEN_MAX_BYTES);
	json_foreach (v, scope)
		if (!str_empty(json_str(v)) && !strchr(json_str(v), ' '))
			str_addf(&s, "%s%s", s.len > 0 ? " " : "", json_str(v));
	return s.ptr;
}

struct texts token_subscribed(struct arena *a, const struct json *apis)
{
	struct str s;

	str_init(&s, a, TOKEN_MAX_BYTES);
	if (json_is_array(apis)) {
		json_foreach (v, apis) {
			const char *name = json_get_str(v, "name");
			const char *version = json_get_str(v, "version");

			if (name && version) {
				add_text(&s, name);
				add_text(&s, version);
				add_text(&s, or_empty(json_get_str(v, "subscriptionTier")));
			}
		}
	}
	return (struct texts){ s.ptr, s.len };
}

/* API Manager writes the application's id as a number, newer releases as a text. */
static const char *read_id(struct arena *a, const struct json *application)
{
	int64_t id;

	if (json_int(json_get(application, "id"), &id))
		return arena_printf(a, "%lld", (long long)id);
	return or_empty(json_get_str(application, "id"));
}

static void read_application(struct arena *a, const struct json *application, struct token *t)
{
	const char *name = json_get_str(application, "name");

	t->application_id = read_id(a, application);
	t->application = str_empty(name) ? t->application_id : name;
	t->application_tier = or_empty(json_get_str(application, "tier"));
}

const char *token_backend_jwt(const char *text)
{
	for (const char *p = or_empty(text); *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return "";
	return or_empty(text);
}

static const char *read_claims(struct arena *a, const struct json *claims, struct token *t)
{
	t->issuer = json_get_str(claims, "iss");
	if (!t->issuer)
		return "no issuer";
	if (!read_time(claims, "exp", &t->has_exp, &t->exp) ||
		!read_time(claims, "nbf", &t->has_nbf, &t->nbf))
		return "time is not an integer";
	t->audience = token_audience(a, json_get(claims, "aud"));
	t->backend_jwt = token_backend_jwt(json_get_str(claims, "backendJwt"));
	t->id = or_empty(json_get_str(claims, "jti"));
	t->subject = or_empty(json_get_str(claims, "sub"));
	read_application(a, json_get(claims, "application"), t);
	t->scope = read_scope(a, json_get(claims, "scope"));
	t->subscribed = token_subscribed(a, json_get(claims, "subscribedAPIs"));
	t->sandbox = str_eq(json_get_str(claims, "keytype"), "SANDBOX");
	return NULL;
}

const char *token_read(struct arena *a, struct span sent, struct token_parts *ret)
{
	struct token_parts p = { 0 };
	const struct json *header;
	const struct json *claims;
	struct span part[3];
	const char *why;

	if (sent.n > TOKEN_MAX_BYTES)
		return "token too long";
	if (!cut_in_three(sent, part))
		return "not three parts";
	p.signed_bytes = (struct span){ sent.at, (size_t)(part[2].at - sent.at) - 1 };
	p.signature.at = base64url_decode(a, part[2].at, part[2].n, &p.signature.n);
	header = json_part(a, part[0]);
	claims = json_part(a, part[1]);
	if (!p.signature.at || !header || !claims)
		return "malformed";
	why = read_header(header, &p);
	if (!why)
		why = read_claims(a, claims, &p.token);
	if (!why)
		*ret = p;
	return why;
}

const struct json *token_payload(struct arena *a, struct span verified)
{
	struct span part[3];

	return cut_in_three(verified, part) ? json_part(a, part[1]) : NULL;
}

/* ---- verifying ---- */

bool token_signed_by(const struct token_parts *p, const struct contract_key *k)
{
	return signature_ok(k->verifies, p->alg, p->signed_bytes, p->signature);
}

bool texts_have(struct texts list, const char *text)
{
	for (const char *p = list.at; p < list.at + list.bytes; p += strlen(p) + 1)
		if (strcmp(p, text) == 0)
			return true;
	return false;
}

const char *token_claims(
	const struct token *t, const struct contract_issuer *s, int64_t skew_s, int64_t now_s)
{
	if (strcmp(t->issuer, s->issuer) != 0)
		return "issuer";
	if (s->audience && !texts_have(t->audience, s->audience))
		return "audience";
	if (t->has_exp && t->exp + skew_s <= now_s)
		return "token expired";
	if (t->has_nbf && t->nbf - skew_s > now_s)
		return "token not yet valid";
	return NULL;
}

bool key_is_current(const struct contract_key *k, int64_t now_s)
{
	if (k->not_before == 0 && k->not_after == 0)
		return true;
	return k->not_before <= now_s && now_s <= k->not_after;
}

bool token_has_scope(const struct token *t, const char *const *scopes, size_t n)
{
	for (const char *p = t->scope; *p; p += *p == ' ') {
		size_t len = strcspn(p, " ");

		for (size_t i = 0; len > 0 && i < n; i++)
			if (strlen(scopes[i]) == len && memcmp(scopes[i], p, len) == 0)
				return true;
		p += len;
	}
	return false;
}

/* The tier of the first subscription to that API; NULL when there is none. */
static const char *subscription(const struct token *t, const char *name, const char *version)
{
	const char *end = t->subscribed.at + t->subscribed.bytes;

	for (const char *p = t->subscribed.at; p < end;) {
		const char *entry_version = p + strlen(p) + 1;
		const char *tier = entry_version + strlen(entry_version) + 1;

		if (strcmp(p, name) == 0 && strcmp(entry_version, version) == 0)
			return tier;
		p = tier + strlen(tier) + 1;
	}
	return NULL;
}

bool token_is_subscribed(const struct token *t, const char *name, const char *version)
{
	return subscription(t, name, version) != NULL;
}

const char *token_subscription_tier(const struct token *t, const char *name, const char *version)
{
	return or_empty(subscription(t, name, version));
}
