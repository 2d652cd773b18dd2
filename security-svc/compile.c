#include "security-svc/compile.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/x509/cert.h"

enum {
	MAX_PROBLEMS = 2048, /* characters */
};

struct compiler {
	struct arena *arena;
	const struct world *world;
	struct compiled *out;
	struct str problems;
};

static void problem(struct compiler *c, const char *reason, const char *secret, const char *what)
{
	if (!c->out->reason)
		c->out->reason = reason;
	str_addf(&c->problems, "%sSecret \"%s\" in namespace \"%s\" %s",
		c->problems.len > 0 ? "; " : "", secret, c->world->root_ref.ns, what);
}

static const struct json *secret_json(struct compiler *c, const char *name)
{
	const struct json *secret = world_get(c->world, KIND_SECRET, c->world->root_ref.ns, name);

	if (!secret)
		problem(c, REASON_SECRET_NOT_FOUND, name, "not found");
	return secret;
}

/* ---- keys ---- */

static bool read_cert(struct compiler *c, const char *name, struct cert *ret)
{
	const struct json *secret = secret_json(c, name);
	struct err err = { .code = ERR_NONE };
	const char *key;
	const char *bytes;
	size_t count;
	size_t n;

	if (!secret)
		return false;
	if (!data_only_entry(c->arena, secret, &key, &bytes, &n, &count)) {
		problem(c, REASON_INVALID_SECRET, name,
			count == 1
				? "has an entry that is not base64"
				: arena_printf(c->arena,
					  "has %zu entries, expected exactly one, the certificate",
					  count));
		return false;
	}
	if (cert_read(c->arena, bytes, n, ret, &err))
		return true;
	problem(c, REASON_INVALID_SECRET, name,
		arena_printf(c->arena, "entry \"%s\": %s", key, err.msg));
	return false;
}

static bool has_key(const struct vec *keys, const char *id)
{
	vec_foreach (const struct security_key *, k, keys)
		if (str_eq(k->id, id))
			return true;
	return false;
}

static void add_key(struct compiler *c, const char *secret, struct security_policy_entry *e)
{
	struct compiled_cert *dates = arena_alloc(c->arena, sizeof(*dates));
	struct security_key *k = arena_alloc(c->arena, sizeof(*k));
	struct cert cert;

	if (!read_cert(c, secret, &cert))
		return;
	c->out->has_certificates = true;
	*k = (struct security_key){ cert.key_id, cert.public_key_pem, cert.not_before,
		cert.not_after };
	if (!has_key(&e->keys, k->id))
		vec_add(c->arena, &e->keys, k);
	*dates = (struct compiled_cert){ secret, cert.not_before, cert.not_after };
	if (cert.not_before != 0 || cert.not_after != 0)
		vec_add(c->arena, &c->out->certs, dates);
}

/* ---- credentials ---- */

/* NULL when the entry is no text that a request could carry. */
static const char *read_text(
	struct compiler *c, const struct json *secret, const char *name, const char *key)
{
	size_t n;
	const char *text = data_entry(c->arena, secret, key, &n);

	if (!text || n == 0) {
		problem(c, REASON_INVALID_SECRET, name,
			arena_printf(c->arena, "has no entry \"%s\"", key));
		return NULL;
	}
	/* `echo` instead of `printf` when the Secret was made: nobody means the line's end. */
	while (n > 0 && strchr("\r\n", text[n - 1]))
		n--;
	text = arena_dupn(c->arena, text, n);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~') {
			problem(c, REASON_INVALID_SECRET, name,
				arena_printf(c->arena,
					"entry \"%s\" holds bytes that are no printable ASCII",
					key));
			return NULL;
		}
	return text;
}

static void add_credentials(struct compiler *c, const char *name, struct security_policy_entry *e)
{
	const struct json *secret = secret_json(c, name);
	bool is_user = c->out->policy.type != SECURITY_OAUTH;

	if (!secret)
		return;
	e->username = read_text(c, secret, name, "username");
	e->password = read_text(c, secret, name, "password");
	if (is_user && e->password)
		e->password = security_password(c->arena, e->password);
	if (is_user && json_get(json_get(secret, "data"), "scopes"))
		e->scopes = read_text(c, secret, name, "scopes");
	if (e->username && strchr(e->username, ':'))
		problem(c, REASON_INVALID_SECRET, name,
			"entry \"username\" has a \":\", which basic authentication cannot carry");
}

/* ---- API keys ---- */

/* NULL: told. */
static const char *derived_key(struct compiler *c)
{
	const struct world *w = c->world;
	const struct json *secret = world_get(w, KIND_SECRET, w->system_ns, SECURITY_KEYS_SECRET);
	const char *what = arena_printf(c->arena, "%s/%s", w->root_ref.ns, w->root_ref.name);
	unsigned char sum[SHA256_BYTES];
	size_t n = 0;
	const char *key = data_entry(c->arena, secret, "key", &n);

	if (!key || n < SHA256_BYTES) {
		if (!c->out->reason)
			c->out->reason = secret ? REASON_INVALID_SECRET : REASON_SECRET_NOT_FOUND;
		str_addf(&c->problems,
			"%sSecret \"" SECURITY_KEYS_SECRET "\" in namespace \"%s\" %s",
			c->problems.len > 0 ? "; " : "", w->system_ns,
			secret ? "has no entry \"key\" of 32 bytes or more"
			       : "not found; it is made with the default Security there");
		return NULL;
	}
	hmac_sha256(key, n, what, strlen(what), sum);
	return hex(c->arena, sum, sizeof(sum));
}

/* ---- entries ---- */

static bool same_issuer(const struct security_policy_entry *x, const struct security_entry *y)
{
	return str_eq(x->issuer, y->issuer) && str_eq(x->audience, y->audience) &&
	       x->validate_subscription == y->validate_subscription &&
	       (!x->jwks_url || !y->jwks_url || str_eq(x->jwks_url, y->jwks_url));
}

/* Several entries of one issuer are one issuer with several keys: that is how keys are rotated. */
static struct security_policy_entry *entry_for(
	struct compiler *c, const struct security *s, const struct security_entry *e)
{
	struct security_policy *policy = &c->out->policy;
	struct security_policy_entry *made = arena_alloc(c->arena, sizeof(*made));

	if (s->type == SECURITY_JWT)
		vec_foreach (struct security_policy_entry *, have, &policy->entries)
			if (same_issuer(have, e))
				return have;
	if (s->type == SECURITY_OAUTH && policy->entries.n > 0)
		return policy->entries.at[0];
	vec_add(c->arena, &policy->entries, made);
	return made;
}

/* What is asked there stands in the URL. */
static const char *endpoint_of(struct arena *a, const struct security_entry *e)
{
	size_t n = e->endpoint ? strlen(e->endpoint) : 0;

	if (n == 0 || e->external || str_ends(e->endpoint, SECURITY_SOAP_PATH))
		return e->endpoint;
	while (n > 0 && e->endpoint[n - 1] == '/')
		n--;
	return arena_printf(a, "%.*s" SECURITY_SOAP_PATH, (int)n, e->endpoint);
}

static void add_entry(struct compiler *c, const struct security *s, const struct security_entry *e)
{
	struct security_policy_entry *to = entry_for(c, s, e);

	if (s->type == SECURITY_JWT || s->type == SECURITY_APIKEY) {
		to->issuer = e->issuer;
		to->audience = e->audience;
	}
	if (s->type == SECURITY_JWT) {
		to->validate_subscription = e->validate_subscription;
		if (!e->certificate)
			to->jwks_url = e->jwks_url;
	}
	if (s->type == SECURITY_APIKEY) {
		to->key = derived_key(c);
		to->validate_allowed_apis = e->validate_allowed_apis;
	}
	if (s->type == SECURITY_OAUTH)
		to->endpoint = endpoint_of(c->arena, e);
	if (e->certificate && (s->type == SECURITY_JWT || s->type == SECURITY_OAUTH))
		add_key(c, e->certificate, to);
	if (e->credentials && s->type != SECURITY_JWT)
		add_credentials(c, e->credentials, to);
}

void compile(struct arena *a, const struct world *w, const struct security *s, struct compiled *ret)
{
	struct compiler c = { .arena = a, .world = w, .out = ret };

	*ret = (struct compiled){ .policy = { .type = s->type } };
	str_init(&c.problems, a, MAX_PROBLEMS);
	vec_foreach (const struct security_entry *, e, &s->entries)
		add_entry(&c, s, e);
	if (ret->reason)
		ret->problem = c.problems.ptr;
}
