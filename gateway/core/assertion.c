#include "gateway/core/assertion.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway/core/field.h"
#include "gateway/core/token.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

/* ---- contract ---- */

static bool load_words(
	struct loader *l, const struct json *o, const char *key, struct contract_words *ret)
{
	return field_texts(l, o, key, ASSERTION_MAX_WORDS, &ret->at, &ret->n);
}

bool assertion_load(struct loader *l, const struct json *root)
{
	static const char *const names[] = { "issuer", "audience", "dialect", "restricted",
		"seconds" };
	const struct json *o = json_get(root, "backendJwt");
	struct contract_assertion *s;
	int64_t seconds;

	if (!o)
		return true;
	s = arena_alloc(l->a, sizeof(*s));
	if (!field_object(l, o, names, ARRAY_LEN(names)) ||
		!field_text(l, o, "issuer", &s->issuer) ||
		!load_words(l, o, "audience", &s->audience) ||
		!field_text(l, o, "dialect", &s->dialect) ||
		!load_words(l, o, "restricted", &s->restricted) ||
		!field_number(l, o, "seconds", ASSERTION_MIN_S, ASSERTION_MAX_S, &seconds))
		return err_wrap(l->err, "backendJwt");
	s->lifetime_s = (uint32_t)seconds;
	l->c->assertion = s;
	return true;
}

static struct json *words_json(struct arena *a, const struct contract_words *w)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < w->n; i++)
		json_add_str(a, list, w->at[i]);
	return list;
}

void assertion_write(struct arena *a, const struct contract_assertion *s, struct json *root)
{
	struct json *o = json_object(a);

	if (!s)
		return;
	json_set_str(a, o, "issuer", s->issuer);
	json_set(a, o, "audience", words_json(a, &s->audience));
	json_set_str(a, o, "dialect", s->dialect);
	json_set(a, o, "restricted", words_json(a, &s->restricted));
	json_set_int(a, o, "seconds", s->lifetime_s);
	json_set(a, root, "backendJwt", o);
}

/* ---- key ---- */

struct made {
	unsigned char whom[SHA256_BYTES];
	int64_t until_s; /* 0: nothing here */
	char *text;
	size_t n;
};

struct assertions {
	const struct contract *contract;
	EVP_PKEY *key; /* NULL: none yet */
	char id[2 * SHA256_BYTES + 1];
	struct made *made;
	size_t n_made; /* a power of two; 0: nothing is kept */
};

static void forget_all(struct assertions *s)
{
	for (size_t i = 0; i < s->n_made; i++) {
		free(s->made[i].text);
		s->made[i] = (struct made){ .until_s = 0 };
	}
}

struct assertions *assertions_new(const struct contract *c)
{
	struct assertions *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->contract = c;
	if (c->token_cache_entries > 0)
		s->n_made = 1;
	while (s->n_made > 0 && 2 * s->n_made <= c->token_cache_entries &&
		s->n_made < ASSERTION_MAX_ENTRIES)
		s->n_made *= 2;
	s->made = calloc(s->n_made + 1, sizeof(*s->made));
	if (!s->made)
		abort();
	return s;
}

void assertions_free(struct assertions *s)
{
	if (!s)
		return;
	forget_all(s);
	free(s->made);
	EVP_PKEY_free(s->key);
	free(s);
}

static int no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

static EVP_PKEY *read_key(const char *pem, size_t n)
{
	BIO *in = BIO_new_mem_buf(pem, (int)n);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;

	BIO_free(in);
	ERR_clear_error();
	return key;
}

/* SHA-256 of the public key's DER, as contract_key.id. */
static bool name_key(EVP_PKEY *key, char *ret)
{
	AUTO(arena_auto) struct arena *tmp = arena_new();
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	if (n <= 0)
		return false;
	memcpy(ret, sha256_hex(tmp, der, (size_t)n), (size_t)2 * SHA256_BYTES);
	OPENSSL_free(der);
	return true;
}

bool assertions_take_key(struct assertions *s, const char *pem, size_t n, struct err *err)
{
	EVP_PKEY *key = n <= ASSERTION_MAX_KEY_BYTES ? read_key(pem, n) : NULL;

	if (!key)
		return err_set(
			err, ERR_INVALID, "expected a private key in PEM, without a password");
	if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < CONTRACT_MIN_RSA_BITS ||
		!name_key(key, s->id)) {
		EVP_PKEY_free(key);
		return err_set(err, ERR_INVALID, "expected an RSA key of %d bits or more",
			CONTRACT_MIN_RSA_BITS);
	}
	EVP_PKEY_free(s->key);
	s->key = key;
	forget_all(s);
	return true;
}

/* ---- claims ---- */

struct claims {
	struct arena *a;
	const struct contract_assertion *settings;
	struct json *to;
};

static const char *text_of(struct arena *a, struct span s)
{
	return s.n > 0 ? arena_dupn(a, s.at, s.n) : NULL;
}

/* Under the dialect: "http://wso2.org/claims/enduser". */
static void say(struct claims *c, const char *name, const char *text)
{
	if (!str_empty(text))
		json_set_str(
			c->a, c->to, arena_printf(c->a, "%s/%s", c->settings->dialect, name), text);
}

/* API Manager writes ids as numbers. */
static const char *text_or_number(struct arena *a, const struct json *v)
{
	int64_t n;

	return json_int(v, &n) ? arena_printf(a, "%lld", (long long)n) : json_str(v);
}

static void say_application(struct claims *c, const struct json *application, const char *otherwise)
{
	const char *name = json_get_str(application, "name");

	say(c, "applicationid", text_or_number(c->a, json_get(application, "id")));
	say(c, "applicationUUId", json_get_str(application, "uuid"));
	say(c, "subscriber", json_get_str(application, "owner"));
	say(c, "applicationname", str_empty(name) ? otherwise : name);
	say(c, "applicationtier", json_get_str(application, "tier"));
}

static void say_subscription(
	struct claims *c, const struct json *subscribed, const struct contract_api *api)
{
	json_foreach (entry, subscribed) {
		if (!str_eq(json_get_str(entry, "name"), api->title) ||
			!str_eq(json_get_str(entry, "version"), api->version))
			continue;
		say(c, "tier", json_get_str(entry, "subscriptionTier"));
		say(c, "enduserTenantDomain", json_get_str(entry, "subscriberTenantDomain"));
		return;
	}
}

static bool is_restricted(const struct contract_assertion *s, const char *name)
{
	static const char *const always[] = { "iss", "sub", "aud", "exp", "nbf", "iat", "jti",
		"application", "tierInfo", "subscribedAPIs", "keytype", "backendJwt" };

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (str_eq(always[i], name))
			return true;
	for (size_t i = 0; i < s->restricted.n; i++)
		if (str_eq(s->restricted.at[i], name))
			return true;
	return false;
}

/* The caller's own claims never take the place of ours. */
static void repeat(struct claims *c, const struct json *payload)
{
	json_foreach (v, payload)
		if (!is_restricted(c->settings, json_key(v)) && !json_get(c->to, json_key(v)))
			json_append(c->a, c->to, json_key(v), json_dup(c->a, v));
}

static void say_standard(struct claims *c, const struct verdict *v, int64_t now_s, const char *id)
{
	const struct contract_words *audience = &c->settings->audience;

	json_set_str(c->a, c->to, "iss", c->settings->issuer);
	json_set_str(c->a, c->to, "sub", text_of(c->a, v->subject));
	if (audience->n == 1)
		json_set_str(c->a, c->to, "aud", audience->at[0]);
	else if (audience->n > 1)
		json_set(c->a, c->to, "aud", words_json(c->a, audience));
	json_set_int(c->a, c->to, "iat", now_s);
	json_set_int(c->a, c->to, "exp", now_s + c->settings->lifetime_s);
	json_set_str(c->a, c->to, "jti", id);
}

static const char *claims_text(struct arena *a, const struct contract_assertion *settings,
	const struct verdict *v, int64_t now_s, const char *id)
{
	struct claims c = { a, settings, json_object(a) };
	const struct json *payload = token_payload(a, v->token);

	say_standard(&c, v, now_s, id);
	say(&c, "enduser", text_of(a, v->subject));
	say_application(&c, json_get(payload, "application"), text_of(a, v->application));
	say(&c, "apiname", v->api->title);
	say(&c, "apicontext", *v->api->base_path ? v->api->base_path : "/");
	say(&c, "version", v->api->version);
	say_subscription(&c, json_get(payload, "subscribedAPIs"), v->api);
	say(&c, "keytype", v->sandbox ? "SANDBOX" : "PRODUCTION");
	say(&c, "usertype", "Application_User");
	repeat(&c, payload);
	return json_text(a, c.to);
}

/* ---- signing ---- */

static const char *signature(struct arena *a, EVP_PKEY *key, const char *text)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char *bytes = NULL;
	size_t n = 0;
	bool ok = digest && EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(digest, NULL, &n, (const unsigned char *)text, strlen(text)) == 1;

	if (ok) {
		bytes = arena_alloc(a, n);
		ok = EVP_DigestSign(digest, bytes, &n, (const unsigned char *)text, strlen(text)) ==
		     1;
	}
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return ok ? base64url_encode(a, bytes, n) : NULL;
}

static const char *make(struct assertions *s, struct arena *a, const struct verdict *v,
	int64_t now_s, const char *id)
{
	const char *header =
		arena_printf(a, "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", s->id);
	const char *claims = claims_text(a, s->contract->assertion, v, now_s, id);
	const char *text = arena_printf(a, "%s.%s", base64url_encode(a, header, strlen(header)),
		base64url_encode(a, claims, strlen(claims)));
	const char *sum = signature(a, s->key, text);

	return sum ? arena_printf(a, "%s.%s", text, sum) : NULL;
}

/* Who calls what: a token, or a user of an application. */
static void find_whom(struct arena *a, const struct verdict *v, unsigned char ret[SHA256_BYTES])
{
	struct str s;

	str_init(&s, a, (size_t)1 << 20);
	str_addf(&s, "%s %zu ", v->api->base_path, v->token.n);
	str_addn(&s, v->token.at, v->token.n);
	str_addf(&s, " %zu ", v->subject.n);
	str_addn(&s, v->subject.at, v->subject.n);
	str_addn(&s, v->application.at, v->application.n);
	sha256(s.ptr, s.len, ret);
}

static void keep(struct assertions *s, struct made *slot, const unsigned char *whom,
	int64_t until_s, struct span text)
{
	if (s->n_made == 0)
		return;
	free(slot->text);
	slot->text = malloc(text.n);
	if (!slot->text)
		abort();
	memcpy(slot->text, text.at, text.n);
	memcpy(slot->whom, whom, sizeof(slot->whom));
	slot->n = text.n;
	slot->until_s = until_s;
}

static struct made *slot_of(struct assertions *s, const unsigned char *whom)
{
	uint32_t n;

	memcpy(&n, whom, sizeof(n));
	return &s->made[s->n_made > 0 ? n & (s->n_made - 1) : 0];
}

bool assertion_for(struct assertions *s, struct arena *a, const struct verdict *v, int64_t now_s,
	struct span *ret)
{
	unsigned char whom[SHA256_BYTES];
	struct made *slot;
	const char *text;

	find_whom(a, v, whom);
	slot = slot_of(s, whom);
	if (now_s < slot->until_s && memcmp(slot->whom, whom, sizeof(whom)) == 0) {
		*ret = (struct span){ arena_dupn(a, slot->text, slot->n), slot->n };
		return true;
	}
	if (!s->key)
		return false;
	text = make(s, a, v, now_s,
		arena_printf(a, "%.32s-%lld", hex(a, whom, sizeof(whom)), (long long)now_s));
	if (!text)
		return false;
	*ret = (struct span){ text, strlen(text) };
	keep(s, slot, whom, now_s + s->contract->assertion->lifetime_s / 2, *ret);
	return true;
}
