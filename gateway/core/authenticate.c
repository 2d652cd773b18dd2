/* Who calls: by the header, by an API key, or by both. */
#include "gateway/core/apikey.h"
#include "gateway/core/cache.h"
#include "gateway/core/credentials.h"
#include "gateway/core/decision.h"
#include "gateway/core/revoked.h"
#include "lib/base/str.h"

/* ---- the header ---- */

static bool user_is_good(struct decision *d)
{
	const struct user *u;
	const char *why;
	int code = basic_check(d->a, d->core->contract, d->verdict->operation, d->core->credentials,
		d->credentials, &u, &why);

	if (code != 0)
		return decision_refuse(d, code, why);
	d->user = token_empty();
	d->user.subject = u->name;
	d->user.application = d->user.application_id = "anonymous";
	d->user.application_tier = "Unlimited";
	d->user.scope = u->scopes;
	d->token = &d->user;
	return true;
}

static bool header_is_good(struct decision *d)
{
	const struct core_request *r = d->request;
	struct span value = { 0 };
	size_t n = 0;

	if (!r->header || !r->header(r->arg, d->route.api->auth_header, &value, &n) || value.n == 0)
		return decision_refuse(d, 900902, "no credentials");
	if (n > 1)
		return decision_refuse(d, 900901, "credentials given twice");
	if (credentials_by(value, "bearer", &d->credentials))
		return bearer_is_good(d);
	if (!credentials_by(value, "basic", &d->credentials))
		return decision_refuse(d, 900901, "unknown scheme");
	if (!decision_accepts(d, SCHEME_BASIC, &n))
		return decision_refuse(d, 900917, "basic credentials");
	return user_is_good(d);
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
	const struct token *key;
	unsigned char digest[SHA256_BYTES];
	const char *why;

	if (!credentials || !credentials->sets[scheme].is_loaded)
		return "credentials not loaded";
	digest_asked(d->core, &(struct core_question){ .scheme = scheme, .token = sent }, digest);
	key = cache_get(d->core->keys, digest);
	if (key) {
		d->user = *key;
	} else {
		why = api_key_read(d->a, &credentials->sets[scheme], sent, &d->user);
		if (why)
			return why;
		cache_put(d->core->keys, digest, &d->user);
	}
	return api_key_judge(&credentials->sets[scheme], &d->user, d->route.api,
		d->core->contract->clock_skew_s, d->request->now_s);
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
		decision_refuse(d, str_eq(why, "credentials not loaded") ? 900900 : 900901, why);
	}
	return false;
}

/* ---- both ---- */

/* The header goes first; a key is an alternative, or what is needed besides. */
bool caller_is_authenticated(struct decision *d)
{
	bool good = header_is_good(d);
	size_t scheme;

	if (d->verdict->kind == VERDICT_ASK || !decision_accepts(d, SCHEME_API_KEY, &scheme))
		return good;
	if (d->verdict->operation->key_too) {
		struct token kept;

		if (!good)
			return false;
		kept = d->user;
		if (!key_is_good(d)) {
			if (d->verdict->fault_code == 0)
				decision_refuse(d, 900902, "no API key");
			return false;
		}
		d->user = kept;
		return true;
	}
	if (good)
		return true;
	if (!key_is_good(d))
		return false;
	decision_forget_refusal(d);
	d->token = &d->user;
	d->is_key = true;
	return true;
}
