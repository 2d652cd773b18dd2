#include "gateway/core/throttle.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "gateway/core/condition.h"
#include "gateway/core/fault.h"
#include "gateway/core/share.h"
#include "gateway/core/token.h"
#include "gateway/core/window.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	OWN_COUNTERS = 4096, /* where there are no shared ones: tests, tools */
};

struct throttle {
	const struct contract *contract;
	struct core_counters counters;
	void *own; /* memory of counters that nobody shares */
	EVP_MAC *siphash;
	EVP_MAC_CTX *mac;
};

/* Part of every counter's key, so that levels never share one. Do not renumber: counters live on
 * when a gateway of a newer version reloads. */
enum level {
	LEVEL_API = 'a',
	LEVEL_OPERATION = 'o',
	LEVEL_SUBSCRIPTION = 's',
	LEVEL_APPLICATION = 'p',
	LEVEL_ADDRESS = 'i',
};

struct levels {
	struct arena *a;
	struct condition_facts facts;
	struct span token; /* whose claims are read when a limit asks for them */
	struct window_use uses[WINDOW_USES];
	int codes[WINDOW_USES];
	const char *reasons[WINDOW_USES];
	size_t n;
};

struct throttle *throttle_new(const struct contract *c, const struct core_counters *counters)
{
	struct throttle *t = calloc(1, sizeof(*t));
	unsigned char secret[WINDOW_SECRET_BYTES];

	if (!t)
		abort();
	t->contract = c;
	if (counters) {
		t->counters = *counters;
	} else {
		t->own = calloc(1, window_table_bytes(OWN_COUNTERS));
		if (!t->own || RAND_bytes(secret, sizeof(secret)) != 1)
			abort();
		t->counters.table = window_table_init(t->own, OWN_COUNTERS, secret);
	}
	t->siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	t->mac = EVP_MAC_CTX_new(t->siphash);
	if (!t->mac)
		abort();
	return t;
}

void throttle_free(struct throttle *t)
{
	if (!t)
		return;
	EVP_MAC_CTX_free(t->mac);
	EVP_MAC_free(t->siphash);
	free(t->own);
	free(t);
}

/* ---- keys ---- */

static void key_begin(struct throttle *t, enum level level)
{
	const unsigned char tag = (unsigned char)level;

	if (EVP_MAC_init(t->mac, window_table_secret(t->counters.table), WINDOW_SECRET_BYTES,
		    NULL) != 1 ||
		EVP_MAC_update(t->mac, &tag, 1) != 1)
		abort();
}

/* With its length, so that no two lists of texts look the same. */
static void key_add(struct throttle *t, struct span text)
{
	const uint32_t n = (uint32_t)text.n;

	if (EVP_MAC_update(t->mac, (const unsigned char *)&n, sizeof(n)) != 1 ||
		EVP_MAC_update(t->mac, (const unsigned char *)text.at, text.n) != 1)
		abort();
}

static void key_add_text(struct throttle *t, const char *text)
{
	key_add(t, (struct span){ text, strlen(text) });
}

static struct window_key key_end(struct throttle *t)
{
	struct window_key key;
	size_t n = 0;

	if (EVP_MAC_final(t->mac, (unsigned char *)&key, &n, sizeof(key)) != 1 || n != sizeof(key))
		abort();
	return key;
}

static struct window_key key_of(
	struct throttle *t, enum level level, const struct contract_api *api, struct span of)
{
	key_begin(t, level);
	key_add_text(t, api->base_path);
	key_add_text(t, api->version);
	key_add(t, of);
	return key_end(t);
}

static struct window_key operation_key(struct throttle *t, const struct verdict *v)
{
	key_begin(t, LEVEL_OPERATION);
	key_add_text(t, v->api->base_path);
	key_add_text(t, v->api->version);
	key_add_text(t, v->path->template);
	key_add_text(t, method_name(v->operation->method));
	return key_end(t);
}

static struct window_key application_key(struct throttle *t, const struct caller *who)
{
	key_begin(t, LEVEL_APPLICATION);
	key_add_text(t, who->application);
	key_add_text(t, who->user);
	return key_end(t);
}

/* ---- levels ---- */

static bool is_unlimited(const char *tier)
{
	return str_empty(tier) || str_eq(tier, "Unlimited");
}

static bool applies(struct levels *l, const struct limit *limit)
{
	if (limit->claim && !l->facts.claims)
		l->facts.claims = token_payload(l->a, l->token);
	return condition_holds(limit, &l->facts);
}

static void add(struct levels *l, int code, const char *reason, const struct limit *limit,
	struct window_key key)
{
	l->uses[l->n] = (struct window_use){ .key = key, .limit = limit };
	l->codes[l->n] = code;
	l->reasons[l->n++] = reason;
}

static void add_api(
	struct throttle *t, const struct limit *limit, const struct verdict *v, struct levels *l)
{
	if (applies(l, limit))
		add(l, 900800, "limit of the API", limit,
			key_of(t, LEVEL_API, v->api, (struct span){ "", 0 }));
}

/* The same, counted and never reached. */
static const struct limit *without_end(struct arena *a, const struct limit *limit)
{
	struct limit *copy = arena_alloc(a, sizeof(*copy));

	*copy = *limit;
	copy->over_quota = true;
	return copy;
}

static bool add_documented(struct throttle *t, const struct verdict *v, struct levels *l)
{
	const struct tier *api = &v->api->tier;
	const struct tier *operation = &v->operation->tier;

	if ((api->name && !api->limit) || (operation->name && !operation->limit))
		return false;
	if (api->limit)
		add_api(t, api->limit, v, l);
	if (operation->limit && applies(l, operation->limit))
		add(l, 900802, "limit of the operation", operation->limit, operation_key(t, v));
	return true;
}

static bool add_caller(
	struct throttle *t, const struct caller *who, const struct verdict *v, struct levels *l)
{
	const struct limits *limits = &t->contract->limits;
	const struct limit *limit;

	if (!v->api->tier.name && !is_unlimited(who->api_tier)) {
		limit = limits_find(limits, LIMIT_RESOURCE, who->api_tier);
		if (!limit)
			return false;
		add_api(t, limit, v, l);
	}
	if (!is_unlimited(who->subscription_tier)) {
		struct span id = { who->application, strlen(who->application) };

		limit = limits_find(limits, LIMIT_SUBSCRIPTION, who->subscription_tier);
		if (!limit)
			return false;
		if (applies(l, limit))
			add(l, 900804, "limit of the subscription",
				who->over_quota ? without_end(l->a, limit) : limit,
				key_of(t, LEVEL_SUBSCRIPTION, v->api, id));
	}
	if (!is_unlimited(who->application_tier)) {
		limit = limits_find(limits, LIMIT_APPLICATION, who->application_tier);
		if (!limit)
			return false;
		if (applies(l, limit))
			add(l, 900803, "limit of the application", limit, application_key(t, who));
	}
	return true;
}

static bool add_address(struct throttle *t, const struct verdict *v, struct levels *l)
{
	const struct limit *limit =
		limits_find(&t->contract->limits, LIMIT_SUBSCRIPTION, "Unauthenticated");

	if (!limit)
		return false;
	if (applies(l, limit))
		add(l, 900804, "limit of the address", limit,
			key_of(t, LEVEL_ADDRESS, v->api, l->facts.address));
	return true;
}

struct span throttle_address(const struct core_request *r)
{
	unsigned char ignored[ADDRESS_BYTES];
	struct span sent = { 0 };
	size_t n = 0;
	size_t len = 0;

	if (r->header && r->header(r->arg, "x-forwarded-for", &sent, &n)) {
		while (sent.n > 0 && *sent.at == ' ') {
			sent.at++;
			sent.n--;
		}
		while (len < sent.n && sent.at[len] != ',' && sent.at[len] != ' ')
			len++;
		if (address_parse((struct span){ sent.at, len }, ignored))
			return (struct span){ sent.at, len };
	}
	return r->client;
}

/* ---- the answer ---- */

static void lock(const struct core_counters *c)
{
	if (c->lock)
		c->lock(c->arg);
}

static void unlock(const struct core_counters *c)
{
	if (c->unlock)
		c->unlock(c->arg);
}

static size_t take(struct throttle *t, struct levels *l, const struct core_request *r)
{
	const struct core_counters *c = &t->counters;
	size_t at;

	if (l->n == 0)
		return 0;
	lock(c);
	if (c->share)
		c->share->may_wait = r->may_wait;
	at = window_take(c->table, c->share, l->uses, l->n, r->now_s);
	unlock(c);
	return at;
}

static void tell(const struct window_use *u, int64_t now_s, struct verdict *ret)
{
	ret->limit = (struct verdict_limit){
		.count = u->limit->count,
		.remaining = u->left > 0 ? u->left : 0,
		.reset_s = u->end_s - now_s,
	};
}

/* The limit that a client will meet first. */
static void tell_nearest(const struct levels *l, int64_t now_s, struct verdict *ret)
{
	const struct window_use *nearest = &l->uses[0];

	for (size_t i = 1; i < l->n; i++)
		if (l->uses[i].left < nearest->left)
			nearest = &l->uses[i];
	if (l->n > 0)
		tell(nearest, now_s, ret);
}

/* What the end of the request has to be told to. */
static void keep_charged(struct arena *a, const struct levels *l, struct verdict *ret)
{
	struct window_use *kept = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (l->uses[i].limit->bytes == 0)
			continue;
		if (!kept)
			kept = arena_alloc(a, sizeof(l->uses));
		kept[ret->n_charged++] = l->uses[i];
	}
	ret->charged = kept;
}

bool throttle_admit(struct throttle *t, struct arena *a, const struct core_request *r,
	const struct caller *who, struct verdict *ret)
{
	struct levels l = {
		.a = a, .facts = { r, throttle_address(r), NULL }, .token = ret->token
	};
	size_t refused;

	if (!t->contract->limits.given)
		return true;
	if (!add_documented(t, ret, &l) ||
		!(who->is_known ? add_caller(t, who, ret, &l) : add_address(t, ret, &l))) {
		fault_answer(a, 900809, "no such policy", ret);
		return false;
	}
	refused = take(t, &l, r);
	if (refused == l.n) {
		tell_nearest(&l, r->now_s, ret);
		keep_charged(a, &l, ret);
		return true;
	}
	if (l.uses[refused].is_lacking) {
		ret->kind = VERDICT_WAIT;
		return false;
	}
	tell(&l.uses[refused], r->now_s, ret);
	fault_answer(a, l.codes[refused], l.reasons[refused], ret);
	return false;
}

void throttle_charge(struct throttle *t, const struct verdict *v, int64_t bytes, int64_t now_s)
{
	const struct core_counters *c = &t->counters;

	if (v->n_charged == 0 || bytes <= 0)
		return;
	lock(c);
	window_charge(c->table, c->share, v->charged, v->n_charged, bytes, now_s);
	unlock(c);
}
