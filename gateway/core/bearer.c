/* Tokens in the header: those that say themselves what they are, and those that a key manager
 * knows. */
#include "gateway/core/cache.h"
#include "gateway/core/decision.h"
#include "gateway/core/fault.h"
#include "gateway/core/introspection.h"
#include "gateway/core/jwks.h"
#include "gateway/core/revoked.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

/* ---- opaque tokens ---- */

void core_learn(struct core *core, const struct core_question *asked,
	const struct introspection *introspection)
{
	unsigned char key[SHA256_BYTES];

	if (introspection->failure)
		return;
	digest_asked(core, asked, key);
	cache_put(introspection->is_active ? core->active : core->inactive, key,
		&introspection->token);
}

static const struct token *fresh(struct cache *c, const unsigned char *key, int64_t now_s)
{
	const struct token *t = cache_get(c, key);

	return t && t->exp > now_s ? t : NULL;
}

static struct core_question question(const struct decision *d, size_t scheme)
{
	const struct verdict *v = d->verdict;
	struct core_question q = { .scheme = scheme, .token = d->credentials };

	if (d->core->contract->schemes[scheme].is_soap) {
		q.api = v->api;
		q.path = v->path;
		q.operation = v->operation;
	}
	return q;
}

/* What is known of the token without asking; NULL: nothing. */
static const struct token *opaque_known(
	struct decision *d, const struct core_question *q, bool *ret_is_active)
{
	const struct introspection *told = d->request->introspection;
	unsigned char key[SHA256_BYTES];
	const struct token *t;

	if (told) {
		*ret_is_active = told->is_active;
		return &told->token;
	}
	digest_asked(d->core, q, key);
	t = fresh(d->core->active, key, d->request->now_s);
	*ret_is_active = t != NULL;
	if (!t)
		t = fresh(d->core->inactive, key, d->request->now_s);
	d->verdict->token_cached = t != NULL;
	*(t ? &d->core->hits : &d->core->misses) += 1;
	return t;
}

/* As all tokens of those key managers are; XML has no way to write some other bytes. */
static bool is_printable(struct span token)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.at[i] <= ' ' || token.at[i] >= 0x7f)
			return false;
	return true;
}

static bool refuse_inactive(struct decision *d)
{
	int code = d->token->refused ? d->token->refused : 900901;

	if (code != 900910)
		return decision_refuse(d, code, "inactive token");
	fault_opaque_scope(d->a, d->verdict);
	return false;
}

static bool opaque_is_good(struct decision *d, size_t scheme)
{
	const struct introspection *told = d->request->introspection;
	struct core_question q = question(d, scheme);
	bool is_active;

	if (d->credentials.n == 0 || d->credentials.n > TOKEN_MAX_BYTES ||
		(q.operation && !is_printable(q.token)))
		return decision_refuse(d, 900901, "no token");
	if (told && told->failure)
		return decision_refuse(d, 900900, arena_dup(d->a, told->failure));
	d->token = opaque_known(d, &q, &is_active);
	d->is_opaque = true;
	if (d->token)
		return is_active || refuse_inactive(d);
	d->verdict->kind = VERDICT_ASK;
	d->verdict->ask = q;
	return false;
}

/* ---- tokens that say themselves what they are ---- */

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

/* Looked at on every request, whatever is remembered about the token. */
static bool is_not_revoked(struct decision *d)
{
	return !revoked_has(d->core->revoked, d->token->id) ||
	       decision_refuse(d, 900901, "revoked");
}

static bool token_is_good(struct decision *d)
{
	unsigned char key[SHA256_BYTES];
	const char *why;

	digest_token(d->core, d->credentials, key);
	d->token = cache_get(d->core->cache, key);
	if (d->token) {
		d->issuer = accepting(d, d->token, NULL, &why);
		d->verdict->token_cached = true;
		d->core->hits++;
		if (d->issuer || !str_eq(why, "signature"))
			return d->issuer ? is_not_revoked(d) : decision_refuse(d, 900901, why);
		/* Another operation trusts another key: verify for this one. */
	}
	d->verdict->token_cached = false;
	d->core->misses++;
	why = token_read(d->a, d->credentials, &d->parts);
	if (why)
		return decision_refuse(d, 900901, why);
	d->issuer = accepting(d, &d->parts.token, &d->parts, &why);
	if (!d->issuer)
		return decision_refuse(d, 900901, why);
	d->token = &d->parts.token;
	cache_put(d->core->cache, key, d->token);
	return is_not_revoked(d);
}

/* A token that no issuer answers for may still be one that the key manager knows. */
bool bearer_is_good(struct decision *d)
{
	bool by_issuer = d->verdict->operation->n_issuers > 0;
	size_t scheme;

	if (by_issuer && token_is_good(d))
		return true;
	if (!decision_accepts(d, SCHEME_OAUTH, &scheme))
		return by_issuer ? false : decision_refuse(d, 900917, "a token");
	decision_forget_refusal(d);
	return opaque_is_good(d, scheme);
}
