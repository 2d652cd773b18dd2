#include "gateway/nginx/backend.h"

#include "gateway/nginx/peer.h"

enum {
	LOOKUP_TIMEOUT_MS = 3000, /* per name */
	RETRY_MS = 1000,
	SHORTEST_TTL_S = 1,
	LONGEST_TTL_S = 300,
};

static void on_answer(ngx_resolver_ctx_t *answer);

/* ngx_current_msec wraps around. */
static bool is_past(ngx_msec_t t)
{
	return (ngx_msec_int_t)(ngx_current_msec - t) >= 0;
}

static bool ask(struct backend *b)
{
	ngx_resolver_ctx_t *lookup;
	const char *name = b->names[b->asked];

	if (!name || !b->apim->resolver)
		return false;
	lookup = ngx_resolve_start(b->apim->resolver, NULL);
	if (!lookup || lookup == NGX_NO_RESOLVER)
		return false;
	lookup->name = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	lookup->handler = on_answer;
	lookup->data = b;
	lookup->timeout = LOOKUP_TIMEOUT_MS;
	b->lookup = lookup;
	/* Calls on_answer itself when the answer is at hand; frees the lookup when it fails. */
	if (ngx_resolve_name(lookup) == NGX_OK)
		return true;
	b->lookup = NULL;
	return false;
}

static void resume_waiting(struct backend *b)
{
	ngx_queue_t resumed;

	if (ngx_queue_empty(&b->waiting))
		return;
	ngx_queue_init(&resumed);
	ngx_queue_add(&resumed, &b->waiting);
	ngx_queue_init(&b->waiting);
	while (!ngx_queue_empty(&resumed))
		request_resume(ngx_queue_data(ngx_queue_head(&resumed), struct ctx, waiting));
}

static void on_failure(struct backend *b, ngx_int_t state)
{
	if (state != NGX_RESOLVE_TIMEDOUT && b->names[b->asked + 1]) {
		b->asked++;
		if (ask(b))
			return;
	}
	ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "backend \"%s\": no address: %s", b->host,
		ngx_resolver_strerror(state));
	b->asked = 0;
	b->has_failed = true;
	b->retry_at = ngx_current_msec + RETRY_MS;
	resume_waiting(b);
}

static void add_address(struct backend *b, const struct sockaddr *sockaddr, socklen_t len)
{
	struct address *to = &b->addresses[b->n_addresses++];
	struct sockaddr *copy = (struct sockaddr *)&to->sockaddr;

	ngx_memcpy(copy, sockaddr, len);
	ngx_inet_set_port(copy, b->target->port);
	to->len = len;
	to->text_len = ngx_sock_ntop(copy, len, to->text, sizeof(to->text), 1);
}

static void take_addresses(struct backend *b, const ngx_resolver_ctx_t *answer)
{
	time_t ttl = answer->valid - ngx_time();

	b->n_addresses = 0;
	for (ngx_uint_t i = 0; i < answer->naddrs && b->n_addresses < BACKEND_MAX_ADDRESSES; i++)
		add_address(b, answer->addrs[i].sockaddr, answer->addrs[i].socklen);
	ttl = ngx_min(ngx_max(ttl, SHORTEST_TTL_S), LONGEST_TTL_S);
	b->has_failed = false;
	b->fresh_until = ngx_current_msec + (ngx_msec_t)ttl * 1000;
	b->retry_at = ngx_current_msec;
}

static void on_answer(ngx_resolver_ctx_t *answer)
{
	struct backend *b = answer->data;
	ngx_int_t state = answer->state;

	b->lookup = NULL;
	if (state == NGX_OK)
		take_addresses(b, answer);
	ngx_resolve_name_done(answer);
	if (state != NGX_OK) {
		on_failure(b, state);
		return;
	}
	/* The name that answered is asked first from now on, until it has no answer. */
	peer_drop_unknown(b);
	resume_waiting(b);
}

void backend_refresh(struct backend *b)
{
	if (b->is_static || b->lookup)
		return;
	if ((b->n_addresses > 0 && !is_past(b->fresh_until)) || !is_past(b->retry_at))
		return;
	if (!ask(b))
		b->retry_at = ngx_current_msec + RETRY_MS;
}

void backend_wait(struct backend *b, struct ctx *ctx)
{
	ngx_queue_insert_tail(&b->waiting, &ctx->waiting);
	ctx->is_waiting = true;
}

void backend_forget(struct ctx *ctx)
{
	if (!ctx->is_waiting)
		return;
	ngx_queue_remove(&ctx->waiting); /* a macro of several statements */
	ctx->is_waiting = false;
}

void backend_doubt(struct backend *b)
{
	b->fresh_until = ngx_current_msec;
}

const struct address *backend_address(struct backend *b)
{
	return b->n_addresses > 0 ? &b->addresses[b->turn++ % b->n_addresses] : NULL;
}

bool backend_has_address(const struct backend *b, const struct address *wanted)
{
	for (size_t i = 0; i < b->n_addresses; i++) {
		const struct address *a = &b->addresses[i];

		if (a->len == wanted->len && memcmp(&a->sockaddr, &wanted->sockaddr, a->len) == 0)
			return true;
	}
	return false;
}

static void take_known(struct backend *b, const char *text)
{
	ngx_addr_t parsed;

	if (b->n_addresses == BACKEND_MAX_ADDRESSES ||
		ngx_parse_addr(ngx_cycle->pool, &parsed, (u_char *)(uintptr_t)text, strlen(text)) !=
			NGX_OK)
		return;
	add_address(b, parsed.sockaddr, parsed.socklen);
}

static void start(struct backend *b, struct apim *m, size_t i)
{
	b->apim = m;
	b->target = &m->contract->targets[i];
	b->host = m->hosts[i];
	b->names = m->names[i];
	ngx_queue_init(&b->waiting);
	ngx_queue_init(&b->idle);
	b->retry_at = ngx_current_msec;
	for (const char **known = m->known[i]; *known; known++)
		take_known(b, *known);
	b->is_static = b->n_addresses > 0;
}

struct backend *backend_start_all(struct apim *m, ngx_cycle_t *cycle)
{
	size_t n = m->contract->n_targets;
	struct backend *all = ngx_pcalloc(cycle->pool, (n + 1) * sizeof(*all));

	for (size_t i = 0; all && i < n; i++)
		start(&all[i], m, i);
	return all;
}

void backend_stop_all(struct apim *m)
{
	for (size_t i = 0; m->backends && i < m->contract->n_targets; i++) {
		struct backend *b = &m->backends[i];

		if (b->lookup)
			ngx_resolve_name_done(b->lookup);
		b->lookup = NULL;
		peer_drop_all(b);
	}
}
