#include "gateway/nginx/endpoint.h"

#include "gateway/core/endpoint.h"
#include "gateway/nginx/backend.h"
#include "lib/base/arena.h"

enum {
	TRIES_LEAST = 2, /* of one target: its addresses */
	TRIES_MOST = 3,
	CONNECT_MS = 5000,
};

/* "Basic " and base64 of "user:password". */
static bool make_login(ngx_pool_t *pool, const struct contract_endpoint *e, ngx_str_t *ret)
{
	static const char scheme[] = "Basic ";
	const size_t n = sizeof(scheme) - 1;
	const char *password = e->password ? e->password : "";
	ngx_str_t plain = { .len = strlen(e->username) + 1 + strlen(password) };
	ngx_str_t encoded = { 0 };

	plain.data = ngx_pnalloc(pool, plain.len + 1);
	ret->data = ngx_pnalloc(pool, n + ngx_base64_encoded_length(plain.len));
	if (!plain.data || !ret->data)
		return false;
	(void)snprintf((char *)plain.data, plain.len + 1, "%s:%s", e->username, password);
	ngx_memcpy(ret->data, scheme, n);
	encoded.data = ret->data + n;
	ngx_encode_base64(&encoded, &plain);
	ret->len = n + encoded.len;
	return true;
}

static bool start(struct endpoint *to, const struct contract_endpoint *e, ngx_pool_t *pool)
{
	to->contract = e;
	balance_init(&to->balance, e);
	if (e->username && !make_login(pool, e, &to->login))
		return false;
	if (!e->breaker)
		return true;
	to->breaker = ngx_pcalloc(pool, sizeof(*to->breaker));
	if (!to->breaker)
		return false;
	breaker_init(to->breaker, e->breaker);
	return true;
}

struct endpoint *endpoint_start_all(struct apim *m, ngx_cycle_t *cycle)
{
	size_t n = m->contract->n_endpoints;
	struct endpoint *all = ngx_pcalloc(cycle->pool, (n + 1) * sizeof(*all));

	for (size_t i = 0; all && i < n; i++)
		if (!start(&all[i], &m->contract->endpoints[i], cycle->pool))
			return NULL;
	return all;
}

struct span endpoint_login(const struct endpoint *e)
{
	return (struct span){ (const char *)e->login.data, e->login.len };
}

struct endpoint *endpoint_of(struct apim *m, const struct contract_endpoint *e)
{
	return &m->endpoints[e - m->contract->endpoints];
}

static int64_t now_ms(void)
{
	return (int64_t)ngx_current_msec;
}

/* ---- aiming ---- */

static struct backend *backend_at(struct apim *m, const struct endpoint *e, size_t target)
{
	return &m->backends[e->contract->targets[target]];
}

/* proxy_pass and grpc_pass without a path send r->unparsed_uri. */
static void aim(struct apim *m, struct ctx *ctx, size_t target)
{
	ngx_http_request_t *r = ctx->request;
	struct span path = ctx->verdict.forward;

	ctx->target = target;
	ctx->tried |= UINT32_C(1) << target;
	ctx->backend = backend_at(m, ctx->endpoint, target);
	if (*ctx->backend->target->path) {
		path.at = arena_printf(
			ctx->arena, "%s%.*s", ctx->backend->target->path, (int)path.n, path.at);
		path.n = strlen(path.at);
	}
	if (!ctx->sent_target.data)
		ctx->sent_target = r->unparsed_uri;
	r->unparsed_uri = (ngx_str_t){ path.n, (u_char *)(uintptr_t)path.at };
}

static bool aim_at_any(struct apim *m, struct ctx *ctx)
{
	uint32_t excluded = ctx->tried;
	size_t i;

	while ((i = balance_pick(&ctx->endpoint->balance, excluded, now_ms())) != SIZE_MAX) {
		if (backend_at(m, ctx->endpoint, i)->n_addresses > 0) {
			aim(m, ctx, i);
			return true;
		}
		excluded |= UINT32_C(1) << i;
	}
	return false;
}

/* One whose first lookup is under way is waited for, so that it can take over; one that failed
 * before only if nothing else is there. */
static struct backend *worth_waiting_for(struct apim *m, const struct endpoint *e)
{
	struct backend *last = NULL;
	bool is_any_known = false;

	for (size_t i = 0; i < e->contract->n_urls; i++) {
		struct backend *b = backend_at(m, e, i);

		is_any_known = is_any_known || b->n_addresses > 0;
		if (b->n_addresses > 0 || !b->lookup)
			continue;
		if (!b->has_failed)
			return b;
		last = b;
	}
	return is_any_known ? NULL : last;
}

enum endpoint_state endpoint_prepare(struct apim *m, struct ctx *ctx)
{
	struct endpoint *e = ctx->endpoint;
	struct backend *missing;

	if (ctx->backend)
		return ENDPOINT_READY;
	for (size_t i = 0; i < e->contract->n_urls; i++)
		backend_refresh(backend_at(m, e, i));
	missing = worth_waiting_for(m, e);
	if (missing) {
		backend_wait(missing, ctx);
		return ENDPOINT_WAIT;
	}
	if (e->breaker && !breaker_allows(e->breaker, now_ms(), &ctx->is_trial))
		return ENDPOINT_OPEN;
	ctx->is_counted = e->breaker != NULL;
	return aim_at_any(m, ctx) ? ENDPOINT_READY : ENDPOINT_UNKNOWN;
}

bool endpoint_next(struct apim *m, struct ctx *ctx)
{
	if (ctx->endpoint->contract->n_urls == 1)
		return true;
	if (aim_at_any(m, ctx))
		return true;
	/* All were tried: once more round. */
	ctx->tried = 0;
	return aim_at_any(m, ctx);
}

/* ---- retries ---- */

ngx_uint_t endpoint_tries(const struct ctx *ctx)
{
	const struct contract_endpoint *e = ctx->endpoint->contract;
	size_t n = e->n_urls;

	if (n == 1 && e->retries == 0)
		n = ngx_min(ngx_max(ctx->backend->n_addresses, TRIES_LEAST), TRIES_MOST);
	return n + e->retries;
}

static void change_conf(const struct contract_endpoint *c, ngx_http_upstream_conf_t *conf)
{
	if (c->timeout_ms > 0) {
		conf->connect_timeout = ngx_min(c->timeout_ms, CONNECT_MS);
		conf->send_timeout = c->timeout_ms;
		conf->read_timeout = c->timeout_ms;
	}
	if (c->retries > 0 || c->failover)
		conf->next_upstream |= NGX_HTTP_UPSTREAM_FT_INVALID_HEADER;
}

ngx_http_upstream_conf_t *endpoint_conf(struct endpoint *e, ngx_http_upstream_conf_t *from)
{
	const struct contract_endpoint *c = e->contract;
	size_t i = 0;

	if (c->timeout_ms == 0 && c->retries == 0 && !c->failover)
		return from;
	while (i < ARRAY_LEN(e->confs) && e->confs[i].from && e->confs[i].from != from)
		i++;
	if (i == ARRAY_LEN(e->confs))
		return from;
	if (e->confs[i].from)
		return e->confs[i].own;
	e->confs[i].own = ngx_palloc(ngx_cycle->pool, sizeof(*from));
	if (!e->confs[i].own)
		return from;
	*e->confs[i].own = *from;
	e->confs[i].from = from;
	change_conf(c, e->confs[i].own);
	return e->confs[i].own;
}

bool endpoint_retries_when_late(const struct endpoint *e)
{
	return e->contract->retries > 0 || e->contract->failover;
}

void endpoint_worked(struct ctx *ctx)
{
	balance_worked(&ctx->endpoint->balance, ctx->target);
}

void endpoint_failed(struct ctx *ctx)
{
	balance_failed(&ctx->endpoint->balance, ctx->target, now_ms());
}

bool endpoint_is_failure(const struct endpoint *e, ngx_uint_t status)
{
	if (e->contract->failover && status >= 501 && status <= 504)
		return true;
	return e->contract->retries > 0 &&
	       contract_codes_have(&e->contract->retry_codes, (unsigned int)status);
}

bool endpoint_hides_timeouts(const struct endpoint *e)
{
	return e->contract->timeout_ms > 0 || e->contract->failover;
}

/* ---- the circuit breaker ---- */

static enum breaker_outcome outcome_of(const struct ctx *ctx)
{
	const ngx_http_request_t *r = ctx->request;

	if (ctx->fault == 101503 || ctx->fault == 101504)
		return BREAKER_FAILURE;
	if (!r->upstream || r->cached || r->upstream->headers_in.status_n == 0)
		return BREAKER_NOTHING;
	return contract_codes_have(&ctx->endpoint->contract->breaker->codes,
		       (unsigned int)r->upstream->headers_in.status_n)
		       ? BREAKER_FAILURE
		       : BREAKER_SUCCESS;
}

void endpoint_settle(struct ctx *ctx)
{
	if (!ctx->is_counted)
		return;
	ctx->is_counted = false;
	breaker_tell(ctx->endpoint->breaker, outcome_of(ctx), ctx->is_trial, now_ms());
}
