#include "gateway/core/endpoint.h"

#include "gateway/core/field.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/x509/chain.h"

enum {
	MAX_ENDPOINTS = 2 * CONTRACT_MAX_OPERATIONS,
	MAX_MS = 24 * 3600 * 1000,
};

/* ---- targets ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char **all_urls(struct arena *a, const struct contract *c, size_t *ret_n)
{
	const char **urls;
	size_t most = 0;
	size_t unique = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->n_endpoints; i++)
		most += c->endpoints[i].n_urls;
	urls = arena_alloc(a, (most + 1) * sizeof(*urls));
	for (size_t i = 0; i < c->n_endpoints; i++)
		for (size_t k = 0; !c->endpoints[i].key_manager && k < c->endpoints[i].n_urls; k++)
			urls[n++] = c->endpoints[i].urls[k];
	if (n > 1)
		qsort(urls, n, sizeof(*urls), by_text);
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || !str_eq(urls[unique - 1], urls[i]))
			urls[unique++] = urls[i];
	*ret_n = unique;
	return urls;
}

/* A target of its own, though a backend had the same URL: its connections are checked otherwise. */
static bool add_key_manager(
	struct arena *a, struct contract *c, struct contract_endpoint *e, struct err *err)
{
	struct contract_target *t = &c->targets[c->n_targets];

	if (!contract_target_parse(a, e->urls[0], t, err))
		return false;
	t->key_manager = e->key_manager;
	e->targets[0] = c->n_targets++;
	return true;
}

/* From the endpoints' URLs, which were checked. */
static bool link_targets(struct arena *a, struct contract *c, struct err *err)
{
	size_t n;
	const char **urls = all_urls(a, c, &n);

	c->targets = arena_alloc(a, (n + 2) * sizeof(*c->targets));
	for (c->n_targets = 0; c->n_targets < n; c->n_targets++)
		if (!contract_target_parse(a, urls[c->n_targets], &c->targets[c->n_targets], err))
			return false;
	for (size_t i = 0; i < c->n_endpoints; i++) {
		struct contract_endpoint *e = &c->endpoints[i];

		e->targets = arena_alloc(a, e->n_urls * sizeof(*e->targets));
		if (e->key_manager && !add_key_manager(a, c, e, err))
			return false;
		for (size_t k = 0; !e->key_manager && k < e->n_urls; k++) {
			const char **at = bsearch(&e->urls[k], urls, n, sizeof(*urls), by_text);

			e->targets[k] = (size_t)(at - urls);
		}
	}
	return true;
}

bool contract_codes_have(const struct contract_codes *codes, unsigned int status)
{
	for (size_t i = 0; i < codes->n; i++)
		if (codes->at[i] == status)
			return true;
	return false;
}

/* ---- loading ---- */

static bool load_u32(struct loader *l, const struct json *o, const char *key, int64_t min,
	int64_t max, uint32_t *ret)
{
	int64_t n;

	if (!json_get(o, key))
		return true;
	if (!field_number(l, o, key, min, max, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool load_codes(
	struct loader *l, const struct json *o, const char *key, struct contract_codes *ret)
{
	size_t i = 0;

	if (!json_get(o, key))
		return true;
	if (!field_list(l, o, key, CONTRACT_MAX_CODES, &ret->n))
		return false;
	ret->at = arena_alloc(l->a, (ret->n + 1) * sizeof(*ret->at));
	json_foreach (v, json_get(o, key)) {
		int64_t n;

		if (!json_int(v, &n) || n < 100 || n > 599)
			return field_bad(l, key, "statuses of HTTP");
		ret->at[i++] = (uint16_t)n;
	}
	return true;
}

static bool load_breaker(struct loader *l, const struct json *v, struct contract_endpoint *e)
{
	static const char *const names[] = { "windowMs", "bucketMs", "volume", "percent", "resetMs",
		"codes" };
	struct contract_breaker *b = arena_alloc(l->a, sizeof(*b));

	if (!field_object(l, v, names, ARRAY_LEN(names)) ||
		!load_u32(l, v, "windowMs", 1, MAX_MS, &b->window_ms) ||
		!load_u32(l, v, "bucketMs", 1, MAX_MS, &b->bucket_ms) ||
		!load_u32(l, v, "volume", 1, 1000000, &b->volume) ||
		!load_u32(l, v, "percent", 0, 100, &b->percent) ||
		!load_u32(l, v, "resetMs", 1, MAX_MS, &b->reset_ms) ||
		!load_codes(l, v, "codes", &b->codes))
		return false;
	if (b->volume == 0 || b->reset_ms == 0 || b->bucket_ms == 0 ||
		b->window_ms < b->bucket_ms || b->window_ms / b->bucket_ms > CONTRACT_MAX_BUCKETS)
		return field_bad(l, "bucketMs", "1 to 100 buckets in a window, a volume, a reset");
	e->breaker = b;
	return true;
}

static bool login_ok(struct loader *l, const char *key, const char *text, const char *refused)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || strchr(refused, *c))
			return field_bad(l, key, "no control characters, no colon in a name");
	return true;
}

static bool load_login(struct loader *l, const struct json *v, struct contract_endpoint *e)
{
	if (json_get(v, "username") && (!field_text(l, v, "username", &e->username) ||
					       !login_ok(l, "username", e->username, ":")))
		return false;
	if (json_get(v, "password") && (!field_text(l, v, "password", &e->password) ||
					       !login_ok(l, "password", e->password, "")))
		return false;
	return e->username || !e->password || field_bad(l, "username", "a text");
}

static bool load_urls(struct loader *l, const struct json *v, struct contract_endpoint *e)
{
	const char **further = NULL;
	struct contract_target parsed;
	const char *first;
	size_t n = 0;

	if (!field_text(l, v, "url", &first) ||
		(json_get(v, "further") &&
			!field_texts(l, v, "further", CONTRACT_MAX_TARGETS - 1, &further, &n)))
		return false;
	e->n_urls = n + 1;
	e->urls = arena_alloc(l->a, e->n_urls * sizeof(*e->urls));
	e->urls[0] = first;
	for (size_t i = 0; i < n; i++)
		e->urls[i + 1] = further[i];
	for (size_t i = 0; i < e->n_urls; i++)
		if (!contract_target_parse(l->tmp, e->urls[i], &parsed, l->err))
			return false;
	return true;
}

static bool load_key_manager(struct loader *l, const struct json *v, struct contract_endpoint *e)
{
	const struct contract *c = l->c;
	int64_t n;

	if (!json_get(v, "scheme"))
		return true;
	if (!json_int(json_get(v, "scheme"), &n) || n < 0 || (size_t)n >= c->n_schemes ||
		c->schemes[n].type != SCHEME_OAUTH || e->n_urls != 1)
		return field_bad(l, "scheme", "the number of a scheme of type oauth, and one URL");
	for (const struct contract_endpoint *other = c->endpoints; other < e; other++)
		if (other->key_manager)
			return field_bad(l, "scheme", "one endpoint with it");
	e->key_manager = &c->schemes[n];
	return true;
}

static bool load_endpoint(struct loader *l, const struct json *v, struct contract_endpoint *e)
{
	static const char *const names[] = { "name", "url", "further", "failover", "timeoutMs",
		"retries", "retryCodes", "breaker", "username", "password", "scheme" };

	e->name = "";
	if (!field_object(l, v, names, ARRAY_LEN(names)) || !load_urls(l, v, e) ||
		(json_get(v, "name") && !field_text(l, v, "name", &e->name)) ||
		(json_get(v, "failover") && !field_flag(l, v, "failover", &e->failover)) ||
		!load_u32(l, v, "timeoutMs", 1, MAX_MS, &e->timeout_ms) ||
		!load_u32(l, v, "retries", 0, CONTRACT_MAX_RETRIES, &e->retries) ||
		!load_codes(l, v, "retryCodes", &e->retry_codes) || !load_login(l, v, e) ||
		!load_key_manager(l, v, e))
		return false;
	if (json_get(v, "breaker") && !load_breaker(l, json_get(v, "breaker"), e))
		return err_wrap(l->err, "breaker");
	return true;
}

static bool load_trust(struct loader *l, const struct json *root)
{
	struct contract_words *trust = &l->c->trust;
	size_t i = 0;

	if (!json_get(root, "trust"))
		return true;
	if (!field_list(l, root, "trust", CONTRACT_MAX_TRUST, &trust->n))
		return false;
	trust->at = arena_alloc(l->a, (trust->n + 1) * sizeof(*trust->at));
	json_foreach (v, json_get(root, "trust")) {
		const char *text = json_is_str(v) ? json_str(v) : "";

		trust->at[i] = chain_pem(l->a, text, strlen(text), l->err);
		if (!trust->at[i])
			return field_within(l->err, "trust", i);
		i++;
	}
	return true;
}

bool endpoints_load(struct loader *l, const struct json *root)
{
	struct contract *c = l->c;
	size_t i = 0;

	if (!field_list(l, root, "endpoints", MAX_ENDPOINTS, &c->n_endpoints))
		return false;
	c->endpoints = arena_alloc(l->a, (c->n_endpoints + 1) * sizeof(*c->endpoints));
	json_foreach (v, json_get(root, "endpoints")) {
		if (!load_endpoint(l, v, &c->endpoints[i]))
			return field_within(l->err, "endpoints", i);
		i++;
	}
	return link_targets(l->a, c, l->err) && load_trust(l, root);
}

/* ---- writing ---- */

static void set_codes(
	struct arena *a, struct json *o, const char *key, const struct contract_codes *codes)
{
	struct json *list = json_array(a);

	for (size_t i = 0; i < codes->n; i++)
		json_add(list, json_number(a, codes->at[i]));
	if (codes->n > 0)
		json_set(a, o, key, list);
}

static struct json *breaker_json(struct arena *a, const struct contract_breaker *b)
{
	struct json *o = json_object(a);

	json_set_int(a, o, "windowMs", b->window_ms);
	json_set_int(a, o, "bucketMs", b->bucket_ms);
	json_set_int(a, o, "volume", b->volume);
	json_set_int(a, o, "percent", b->percent);
	json_set_int(a, o, "resetMs", b->reset_ms);
	set_codes(a, o, "codes", &b->codes);
	return o;
}

struct json *endpoint_json(struct arena *a, const struct contract_endpoint *e)
{
	struct json *o = json_object(a);
	struct json *further = json_array(a);

	if (!str_empty(e->name))
		json_set_str(a, o, "name", e->name);
	json_set_str(a, o, "url", e->urls[0]);
	for (size_t i = 1; i < e->n_urls; i++)
		json_add_str(a, further, e->urls[i]);
	if (e->n_urls > 1)
		json_set(a, o, "further", further);
	if (e->failover)
		json_set_bool(a, o, "failover", true);
	if (e->timeout_ms > 0)
		json_set_int(a, o, "timeoutMs", e->timeout_ms);
	if (e->retries > 0)
		json_set_int(a, o, "retries", e->retries);
	set_codes(a, o, "retryCodes", &e->retry_codes);
	if (e->breaker)
		json_set(a, o, "breaker", breaker_json(a, e->breaker));
	json_set_str(a, o, "username", e->username);
	json_set_str(a, o, "password", e->password);
	return o;
}

struct json *endpoint_json_in(
	struct arena *a, const struct contract *c, const struct contract_endpoint *e)
{
	struct json *o = endpoint_json(a, e);

	if (e->key_manager)
		json_set_int(a, o, "scheme", e->key_manager - c->schemes);
	return o;
}

/* ---- the environment ---- */

/* "my-shop_prod_endpoint_0", or the same without what shells refuse: "my_shop_prod_endpoint_0". */
static const char *looked_up(struct arena *a, const char *(*lookup)(const char *name),
	const char *name, const char *what, const char **ret_variable)
{
	char *variable = arena_printf(a, "%s_%s", name, what);
	const char *value = lookup(variable);

	*ret_variable = variable;
	if (value || !strpbrk(variable, "-."))
		return value;
	variable = arena_dup(a, variable);
	for (char *c = variable; *c; c++)
		if (*c == '-' || *c == '.')
			*c = '_';
	*ret_variable = variable;
	return lookup(variable);
}

static bool override_urls(struct arena *a, struct contract_endpoint *e,
	const char *(*lookup)(const char *name), struct err *err)
{
	for (size_t i = 0; i < e->n_urls; i++) {
		const char *what = arena_printf(a, "endpoint_%zu", i);
		const char *variable;
		const char *url = looked_up(a, lookup, e->name, what, &variable);
		struct contract_target parsed;

		if (!url)
			continue;
		if (!contract_target_parse(a, url, &parsed, err))
			return err_wrap(err, "%s", variable);
		e->urls[i] = arena_dup(a, url);
	}
	return true;
}

static bool override_login(struct arena *a, struct contract_endpoint *e,
	const char *(*lookup)(const char *name), struct err *err)
{
	const char *user_from;
	const char *password_from;
	const char *user = looked_up(a, lookup, e->name, "basic_username", &user_from);
	const char *password = looked_up(a, lookup, e->name, "basic_password", &password_from);
	struct loader l = { .a = a, .err = err };

	if (user && !login_ok(&l, user_from, user, ":"))
		return false;
	if (password && !login_ok(&l, password_from, password, ""))
		return false;
	if (user)
		e->username = arena_dup(a, user);
	if (password)
		e->password = arena_dup(a, password);
	return true;
}

bool contract_override(struct arena *a, struct contract *c, const char *(*lookup)(const char *name),
	struct err *err)
{
	for (size_t i = 0; i < c->n_endpoints; i++) {
		struct contract_endpoint *e = &c->endpoints[i];

		if (!str_empty(e->name) &&
			(!override_urls(a, e, lookup, err) || !override_login(a, e, lookup, err)))
			return false;
	}
	return link_targets(a, c, err);
}
