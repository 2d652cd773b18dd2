/* Backends: addresses looked up while the gateway runs, and a balancer over them.
 *
 * nginx resolves names in its configuration once, at start, and refuses to start over an unknown one. Here a name is asked for when a
 * request needs it, remembered as long as DNS says, and an unknown one is that request's 500 and nobody else's problem. Each endpoint of the
 * contract is an `upstream` block of its own, so that nginx' keepalive pools work.
 */
#include "gateway/module/apim.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"

enum {
	FAILED_QUIET_S = 1,
	MIN_FRESH_S = 1,
	MAX_TRIES = 3, /* addresses tried for one request */
};

/* ---- configuration ---- */

static void set_literal(struct apim_backend *b, struct sockaddr *sa, socklen_t len)
{
	ngx_memcpy(&b->addresses[0], sa, len);
	ngx_inet_set_port((struct sockaddr *)&b->addresses[0], b->endpoint->port);
	b->lengths[0] = len;
	b->n = 1;
	b->literal = 1;
}

ngx_int_t apim_backends_init(ngx_conf_t *cf, struct apim_main_conf *m)
{
	const struct contract *c = m->contract;

	m->backends = ngx_pcalloc(cf->pool, (c->n_endpoints + 1) * sizeof(*m->backends));
	if (!m->backends)
		return NGX_ERROR;
	for (size_t i = 0; i < c->n_endpoints; i++) {
		struct apim_backend *b = &m->backends[i];
		const char *host = c->endpoints[i].host;
		ngx_addr_t addr;

		b->endpoint = &c->endpoints[i];
		if (str_eq_nocase(host, "localhost"))
			host = "127.0.0.1";
		b->host.data = (u_char *)(uintptr_t)host;
		b->host.len = strlen(host);
		if (b->host.len > 2 && host[0] == '[') {
			b->host.data++;
			b->host.len -= 2;
		}
		if (ngx_parse_addr(cf->pool, &addr, b->host.data, b->host.len) == NGX_OK)
			set_literal(b, addr.sockaddr, addr.socklen);
	}
	return NGX_OK;
}

/* ---- resolving ---- */

/* The i-th name to ask for, as the container's resolver would: a name with few dots first below the search domains. */
static bool candidate(const struct apim_main_conf *m, struct arena *a, const struct apim_backend *b, ngx_uint_t i,
	ngx_str_t *ret)
{
	ngx_uint_t n_search = m->search ? m->search->nelts : 0;
	ngx_str_t *search = m->search ? m->search->elts : NULL;
	ngx_uint_t dots = 0;
	ngx_uint_t plain_at;
	const char *name;

	for (size_t k = 0; k < b->host.len; k++)
		dots += b->host.data[k] == '.';
	if (b->host.data[b->host.len - 1] == '.') {
		*ret = (ngx_str_t){ b->host.len - 1, b->host.data };
		return i == 0;
	}
	plain_at = dots >= m->ndots ? 0 : n_search;
	if (i > n_search)
		return false;
	if (i == plain_at) {
		*ret = b->host;
		return true;
	}
	if (i > plain_at)
		i--;
	name = arena_printf(a, "%.*s.%.*s", (int)b->host.len, b->host.data, (int)search[i].len, search[i].data);
	*ret = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	return true;
}

static void remember(struct apim_backend *b, const ngx_resolver_ctx_t *answer)
{
	ngx_uint_t n = 0;

	for (ngx_uint_t i = 0; i < answer->naddrs && n < APIM_MAX_ADDRESSES; i++) {
		ngx_memcpy(&b->addresses[n], answer->addrs[i].sockaddr, answer->addrs[i].socklen);
		ngx_inet_set_port((struct sockaddr *)&b->addresses[n], b->endpoint->port);
		b->lengths[n++] = answer->addrs[i].socklen;
	}
	b->n = n;
	b->fresh_until = ngx_max(answer->valid, ngx_time() + MIN_FRESH_S);
}

static struct apim_backend *backend_of(ngx_http_request_t *r, const struct apim_ctx *ctx)
{
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);

	return &m->backends[ctx->verdict.endpoint - m->contract->endpoints];
}

static ngx_int_t ask(ngx_http_request_t *r, struct apim_ctx *ctx);

static void go_on(ngx_http_request_t *r)
{
	ngx_connection_t *c = r->connection;

	r->write_event_handler = ngx_http_core_run_phases;
	ngx_http_core_run_phases(r);
	ngx_http_run_posted_requests(c);
}

static void on_answer(ngx_resolver_ctx_t *answer)
{
	ngx_http_request_t *r = answer->data;
	struct apim_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_apim_module);
	ngx_int_t failed = answer->state;

	if (!failed)
		remember(backend_of(r, ctx), answer);
	ctx->resolving = NULL;
	ngx_resolve_name_done(answer);
	if (!failed)
		ctx->resolved = 1;
	else
		ctx->candidate++;
	/* Answered before ask() returned: it looks at what we left. */
	if (ctx->starting)
		return;
	if (failed && ask(r, ctx) == NGX_DONE)
		return;
	go_on(r);
}

/* Asks for one candidate after the other until one is answered at once or later. */
static ngx_int_t ask(ngx_http_request_t *r, struct apim_ctx *ctx)
{
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);
	ngx_http_core_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
	struct apim_backend *b = backend_of(r, ctx);
	ngx_str_t name;

	while (!ctx->resolved && candidate(m, ctx->arena, b, ctx->candidate, &name)) {
		ngx_resolver_ctx_t *question = ngx_resolve_start(location->resolver, NULL);

		if (!question || question == NGX_NO_RESOLVER)
			break;
		question->name = name;
		question->handler = on_answer;
		question->data = r;
		question->timeout = location->resolver_timeout;
		ctx->resolving = question;
		ctx->starting = 1;
		if (ngx_resolve_name(question) != NGX_OK) {
			ctx->resolving = NULL;
			ctx->starting = 0;
			break;
		}
		ctx->starting = 0;
		if (ctx->resolving)
			return NGX_DONE;
	}
	/* Nobody knows it: the addresses of before, if there are any, are the best guess. */
	if (!ctx->resolved) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "backend \"%V\" cannot be resolved", &b->host);
		b->quiet_until = ngx_time() + FAILED_QUIET_S;
	}
	ctx->resolved = 1;
	return NGX_OK;
}

ngx_int_t apim_backend_resolve(ngx_http_request_t *r, struct apim_ctx *ctx, struct apim_backend *b)
{
	if (b->literal || ngx_time() < b->fresh_until || ngx_time() < b->quiet_until) {
		ctx->resolved = 1;
		return NGX_OK;
	}
	if (ask(r, ctx) == NGX_OK)
		return NGX_OK;
	r->read_event_handler = ngx_http_test_reading;
	r->write_event_handler = ngx_http_request_empty_handler;
	if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return NGX_DONE;
}

void apim_backend_forget(struct apim_ctx *ctx)
{
	if (ctx->resolving)
		ngx_resolve_name_done(ctx->resolving);
	ctx->resolving = NULL;
}

/* ---- the balancer ---- */

struct peer {
	struct apim_backend *backend;
	ngx_uint_t at;
	ngx_str_t name;
};

static ngx_int_t get_peer(ngx_peer_connection_t *pc, void *data)
{
	struct peer *p = data;
	struct apim_backend *b = p->backend;
	ngx_uint_t i;

	if (b->n == 0)
		return NGX_BUSY;
	i = p->at % b->n;
	pc->cached = 0;
	pc->connection = NULL;
	pc->sockaddr = (struct sockaddr *)&b->addresses[i];
	pc->socklen = b->lengths[i];
	pc->name = &p->name;
	return NGX_OK;
}

static void free_peer(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
	struct peer *p = data;

	if (state & NGX_PEER_FAILED) {
		p->at++;
		/* It may have moved: ask again soon. */
		p->backend->fresh_until = ngx_min(p->backend->fresh_until, ngx_time() + MIN_FRESH_S);
	}
	if (pc->tries)
		pc->tries--;
}

static ngx_int_t set_session(ngx_peer_connection_t *pc, void *data)
{
	(void)pc;
	(void)data;
	return NGX_OK;
}

static void save_session(ngx_peer_connection_t *pc, void *data)
{
	(void)pc;
	(void)data;
}

static ngx_int_t init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
	struct apim_backend *b = us->peer.data;
	struct peer *p = ngx_pcalloc(r->pool, sizeof(*p));

	if (!p)
		return NGX_ERROR;
	p->backend = b;
	p->at = b->next++;
	p->name = b->host;
	r->upstream->peer.data = p;
	r->upstream->peer.get = get_peer;
	r->upstream->peer.free = free_peer;
	r->upstream->peer.set_session = set_session;
	r->upstream->peer.save_session = save_session;
	r->upstream->peer.tries = ngx_min(ngx_max(b->n, 1), MAX_TRIES);
	return NGX_OK;
}

static ngx_int_t init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
	(void)cf;
	us->peer.init = init_peer;
	return NGX_OK;
}

char *apim_backend_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	struct apim_main_conf *m = conf;
	ngx_http_upstream_srv_conf_t *us = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);
	ngx_str_t *value = cf->args->elts;
	ngx_int_t i = ngx_atoi(value[1].data, value[1].len);
	ngx_http_upstream_server_t *placeholder;

	(void)cmd;
	if (!m->contract)
		return "stands before apim_contract";
	if (i < 0 || (size_t)i >= m->contract->n_endpoints)
		return "is no endpoint of the contract";
	/* nginx wants to see a server in every upstream block. */
	placeholder = ngx_array_push(us->servers);
	if (!placeholder)
		return NGX_CONF_ERROR;
	ngx_memzero(placeholder, sizeof(*placeholder));
	us->flags = NGX_HTTP_UPSTREAM_CREATE;
	us->peer.init_upstream = init_upstream;
	us->peer.data = &m->backends[i];
	return NGX_CONF_OK;
}
