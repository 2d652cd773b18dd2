#include "gateway/core/apikey.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "gateway/core/credentials.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

enum {
	ID_BYTES = 16,
	LONGEST_S = 50 * 366 * 24 * 3600, /* fifty years */
};

static void mac(const struct credential_set *set, const char *text, size_t n,
	unsigned char ret[API_KEY_MAC_BYTES])
{
	hmac_sha256(set->mac_key, API_KEY_MAC_BYTES, text, n, ret);
}

/* ---- issuing ---- */

/* -1: no end. */
static bool read_request(struct arena *a, struct span request, int64_t *ret)
{
	const struct json *o;
	struct err ignored;

	*ret = -1;
	if (request.n == 0)
		return true;
	o = json_parse(a, request.at, request.n, &ignored);
	if (!json_is_object(o))
		return false;
	return !json_get(o, "validityTime") ||
	       (json_int(json_get(o, "validityTime"), ret) && *ret >= -1 && *ret != 0 &&
		       *ret <= LONGEST_S);
}

static char *random_id(struct arena *a)
{
	unsigned char bytes[ID_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		abort();
	return hex(a, bytes, sizeof(bytes));
}

static struct json *all_apis(struct arena *a, const struct contract *c)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < c->n_apis; i++)
		json_add(list, json_format(a, "{'name':%s,'version':%s}", c->apis[i].title,
				       c->apis[i].version));
	return list;
}

bool api_key_issue(struct arena *a, const struct credential_set *set, const struct contract *c,
	const char *user, struct span request, int64_t now_s, struct span *ret)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	const struct api_key_rule *rule = &set->rules[0];
	unsigned char sum[API_KEY_MAC_BYTES];
	struct json *claims;
	int64_t validity_s;
	const char *text;

	if (!read_request(a, request, &validity_s))
		return false;
	claims = json_prune(json_format(a,
		"{'iss':%s,'aud':%s,'sub':%s,'jti':%s,'iat':%l,'keytype':'PRODUCTION',"
		"'allowedAPIs':%j}",
		rule->issuer, rule->audience, user, random_id(a), now_s, all_apis(a, c)));
	if (validity_s > 0)
		json_set_int(a, claims, "exp", now_s + validity_s);
	text = json_text(a, claims);
	text = arena_printf(a, "%s.%s", base64url_encode(a, header, sizeof(header) - 1),
		base64url_encode(a, text, strlen(text)));
	mac(set, text, strlen(text), sum);
	text = arena_printf(a, "%s.%s", text, base64url_encode(a, sum, sizeof(sum)));
	*ret = (struct span){ text, strlen(text) };
	return true;
}

/* ---- checking ---- */

static bool is_ours(struct arena *a, const struct credential_set *set, struct span sent,
	struct span *ret_payload)
{
	unsigned char sum[API_KEY_MAC_BYTES];
	const char *last = memrchr(sent.at, '.', sent.n);
	const char *first = memchr(sent.at, '.', sent.n);
	const char *given;
	size_t n = 0;

	if (!last || first == last)
		return false;
	given = base64url_decode(a, last + 1, sent.n - (size_t)(last + 1 - sent.at), &n);
	mac(set, sent.at, (size_t)(last - sent.at), sum);
	*ret_payload = (struct span){ first + 1, (size_t)(last - first - 1) };
	return given && n == sizeof(sum) && CRYPTO_memcmp(given, sum, n) == 0;
}

const char *api_key_read(
	struct arena *a, const struct credential_set *set, struct span sent, struct token *ret)
{
	const struct json *claims;
	struct span payload;
	struct err ignored;
	const char *text;
	size_t n;

	*ret = token_empty();
	if (sent.n == 0 || sent.n > TOKEN_MAX_BYTES || !is_ours(a, set, sent, &payload))
		return "not one of ours";
	text = base64url_decode(a, payload.at, payload.n, &n);
	claims = text ? json_parse(a, text, n, &ignored) : NULL;
	if (!json_get_str(claims, "sub"))
		return "malformed";
	ret->has_exp = json_get(claims, "exp") != NULL;
	if (ret->has_exp && !json_int(json_get(claims, "exp"), &ret->exp))
		return "key expired";
	if (!json_get_str(claims, "iss"))
		return "issuer";
	ret->issuer = json_get_str(claims, "iss");
	ret->audience = token_audience(a, json_get(claims, "aud"));
	ret->subscribed = token_subscribed(a, json_get(claims, "allowedAPIs"));
	ret->id = json_get_str(claims, "jti") ? json_get_str(claims, "jti") : "";
	ret->subject = json_get_str(claims, "sub");
	ret->application_tier = "Unlimited";
	return NULL;
}

static bool allows(const struct token *key, const struct contract_api *api)
{
	return token_is_subscribed(key, api->title, api->version) ||
	       token_is_subscribed(key, api->title, "*");
}

static const char *why_not(
	const struct api_key_rule *rule, const struct token *key, const struct contract_api *api)
{
	if (!str_eq(key->issuer, rule->issuer))
		return "issuer";
	if (rule->audience && !texts_have(key->audience, rule->audience))
		return "audience";
	if (rule->validate_allowed_apis && !allows(key, api))
		return "API not allowed";
	return NULL;
}

const char *api_key_judge(const struct credential_set *set, const struct token *key,
	const struct contract_api *api, int64_t skew_s, int64_t now_s)
{
	const char *why = "issuer";

	if (key->has_exp && key->exp + skew_s <= now_s)
		return "key expired";
	for (size_t i = 0; why && i < set->n_rules; i++)
		why = why_not(&set->rules[i], key, api);
	return why;
}

/* ---- queries ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* As backends read it: "+" is a blank; a broken "%" stands for itself. */
static struct span decoded(struct arena *a, struct span s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high = s.at[i] == '%' && i + 2 < s.n ? digit(s.at[i + 1]) : -1;
		int low = high >= 0 ? digit(s.at[i + 2]) : -1;

		out[n] = s.at[i] == '+' ? ' ' : s.at[i];
		if (low >= 0) {
			out[n] = (char)(high * 16 + low);
			i += 2;
		}
		n++;
	}
	return (struct span){ out, n };
}

/* The next "name=value"; *rest is what follows it. */
static struct span next_parameter(struct span *rest)
{
	const char *end = memchr(rest->at, '&', rest->n);
	size_t n = end ? (size_t)(end - rest->at) : rest->n;
	struct span s = { rest->at, n };

	rest->at += n + (end != NULL);
	rest->n -= n + (end != NULL);
	return s;
}

static bool is_named(struct arena *a, struct span parameter, const char *name, struct span *ret)
{
	const char *equals = memchr(parameter.at, '=', parameter.n);
	size_t n = equals ? (size_t)(equals - parameter.at) : parameter.n;
	struct span found = decoded(a, (struct span){ parameter.at, n });

	if (found.n != strlen(name) || memcmp(found.at, name, found.n) != 0)
		return false;
	*ret = (struct span){ parameter.at + n, parameter.n - n };
	if (equals)
		*ret = decoded(a, (struct span){ equals + 1, ret->n - 1 });
	return true;
}

static struct span without_mark(struct span query)
{
	return query.n > 0 ? (struct span){ query.at + 1, query.n - 1 } : query;
}

bool query_find(struct arena *a, struct span query, const char *name, struct span *ret)
{
	struct span rest = without_mark(query);

	while (rest.n > 0)
		if (is_named(a, next_parameter(&rest), name, ret))
			return true;
	return false;
}

struct span query_without(struct arena *a, struct span query, const char *name)
{
	struct span rest = without_mark(query);
	struct span ignored;
	struct str s;

	if (!query_find(a, query, name, &ignored))
		return query;
	str_init(&s, a, query.n + 1);
	while (rest.n > 0) {
		struct span p = next_parameter(&rest);

		if (is_named(a, p, name, &ignored))
			continue;
		str_addc(&s, s.len > 0 ? '&' : '?');
		str_addn(&s, p.at, p.n);
	}
	return (struct span){ s.ptr, s.len };
}
