#include "gateway/core/apikey.h"
#include "gateway/core/assertion.h"
#include "gateway/core/body.h"
#include "gateway/core/fault.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/backend.h"
#include "gateway/nginx/endpoint.h"
#include "gateway/nginx/hook.h"
#include "gateway/nginx/replicas.h"
#include "lib/base/arena.h"

enum {
	SPARE_ARENAS = 64,
	MAX_ID = 64,
};

/* Arenas of finished requests, emptied, for the next ones. A worker has one thread. */
static struct arena *spare[SPARE_ARENAS];
static size_t n_spare;

static struct arena *arena_take(void)
{
	return n_spare > 0 ? spare[--n_spare] : arena_new();
}

static void arena_give(struct arena *a)
{
	if (a && n_spare < SPARE_ARENAS) {
		arena_reset(a);
		spare[n_spare++] = a;
		return;
	}
	arena_free(a);
}

void request_worker_exit(void)
{
	while (n_spare > 0)
		arena_free(spare[--n_spare]);
}

static void release(void *data)
{
	struct ctx *ctx = data;

	backend_forget(ctx);
	endpoint_settle(ctx);
	body_release(ctx);
	arena_give(ctx->arena);
	ctx->arena = NULL;
}

struct ctx *ctx_get(const ngx_http_request_t *r)
{
	struct ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_apim_module);

	/* On the way to a location of nginx' own the place is emptied, the clean-up stays. */
	if (!ctx && r->internal)
		for (ngx_pool_cleanup_t *c = r->pool->cleanup; c; c = c->next)
			if (c->handler == release)
				return c->data;
	return ctx;
}

struct ctx *ctx_ensure(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_get(r);
	ngx_pool_cleanup_t *cleanup;

	if (ctx)
		return ctx;
	ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
	cleanup = ngx_pool_cleanup_add(r->pool, 0);
	if (!ctx || !cleanup)
		return NULL;
	ctx->request = r;
	cleanup->handler = release;
	cleanup->data = ctx;
	ngx_http_set_ctx(r, ctx, ngx_http_apim_module);
	return ctx;
}

struct span request_target(const ngx_http_request_t *r)
{
	const struct ctx *ctx = ctx_get(r);
	const ngx_str_t *s = ctx && ctx->sent_target.data ? &ctx->sent_target : &r->unparsed_uri;

	return (struct span){ (const char *)s->data, s->len };
}

/* ---- answers ---- */

/* Whoever waits for "100 Continue" gets the final answer instead; whether the body follows is not
 * known then, so the connection is not used again. */
static void expect_no_body(ngx_http_request_t *r)
{
	if (r->headers_in.expect && !r->expect_tested) {
		r->expect_tested = 1;
		r->keepalive = 0;
	}
}

static ngx_int_t send_body(ngx_http_request_t *r, struct span body)
{
	ngx_chain_t out = { 0 };
	ngx_buf_t *b = ngx_calloc_buf(r->pool);

	if (!b)
		return NGX_ERROR;
	b->pos = (u_char *)(uintptr_t)body.at;
	b->last = b->pos + body.n;
	b->memory = 1;
	b->last_buf = 1;
	b->last_in_chain = 1;
	out.buf = b;
	return ngx_http_output_filter(r, &out);
}

ngx_int_t request_answer(
	ngx_http_request_t *r, ngx_uint_t status, struct span type, struct span body)
{
	ngx_int_t rc;

	expect_no_body(r);
	rc = ngx_http_discard_request_body(r);
	if (rc != NGX_OK)
		return rc;
	r->headers_out.status = status;
	r->headers_out.content_type = (ngx_str_t){ type.n, (u_char *)(uintptr_t)type.at };
	r->headers_out.content_type_len = type.n;
	r->headers_out.content_length_n = (off_t)body.n;
	if (body.n == 0)
		r->header_only = 1;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	return send_body(r, body);
}

static ngx_int_t answer_verdict(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_get(r);
	const struct verdict *v = &ctx->verdict;

	if (v->allow.n > 0 && page_add_header(r, "Allow", v->allow) != NGX_OK)
		return NGX_ERROR;
	for (size_t i = 0; i < v->n_headers; i++)
		if (page_add_header(r, v->headers[i].name, text_span(v->headers[i].value)) !=
			NGX_OK)
			return NGX_ERROR;
	if (v->fault_code != 0 && page_add_header(r, "X-Request-ID", ctx->id) != NGX_OK)
		return NGX_ERROR;
	return request_answer(r, (ngx_uint_t)v->status, text_span(v->content_type), v->body);
}

static ngx_int_t answer_no_backend(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_get(r);
	struct verdict fault = { 0 };

	fault_answer(ctx->arena, ctx->fault, ctx->reason, &fault);
	if (page_add_header(r, "X-Request-ID", ctx->id) != NGX_OK)
		return NGX_ERROR;
	return request_answer(
		r, (ngx_uint_t)fault.status, text_span(fault.content_type), fault.body);
}

/* ---- API keys ---- */

static struct span body_of(ngx_http_request_t *r)
{
	const ngx_http_request_body_t *body = r->request_body;
	u_char *text = ngx_palloc(r->pool, API_KEY_MAX_REQUEST);
	size_t n = 0;

	if (!text)
		return (struct span){ NULL, 0 };
	for (const ngx_chain_t *c = body ? body->bufs : NULL; c; c = c->next) {
		size_t more = (size_t)(c->buf->last - c->buf->pos);

		/* Too much, or in a file: not what is asked for. */
		if (!ngx_buf_in_memory(c->buf) || n + more > API_KEY_MAX_REQUEST)
			return (struct span){ "?", 1 };
		ngx_memcpy(text + n, c->buf->pos, more);
		n += more;
	}
	return (struct span){ (const char *)text, n };
}

static void issue(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_get(r);
	struct apim *m = apim_of(r);

	core_issue(m->core, ctx->arena, body_of(r), ngx_time(), &ctx->verdict);
	ctx->fault = ctx->verdict.fault_code;
	ctx->reason = ctx->verdict.reason;
	ngx_http_finalize_request(r, answer_verdict(r));
}

static ngx_int_t read_and_issue(ngx_http_request_t *r)
{
	ngx_int_t rc;

	r->request_body_in_single_buf = 1;
	rc = ngx_http_read_client_request_body(r, issue);
	return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

/* ---- waiting ---- */

void request_resume(struct ctx *ctx)
{
	ngx_http_request_t *r = ctx->request;
	ngx_connection_t *c = r->connection;

	ngx_queue_remove(&ctx->waiting);
	ctx->is_waiting = false;
	ngx_http_set_log_request(c->log, r);
	ngx_http_core_run_phases(r);
	ngx_http_run_posted_requests(c);
}

/* ---- the request's id ---- */

/* splitmix64: ids have to differ, not to be secret. */
uint64_t request_random(void)
{
	static uint64_t state;
	uint64_t x;

	if (state == 0 && RAND_bytes((unsigned char *)&state, sizeof(state)) != 1)
		state = (uint64_t)ngx_pid << 32 ^ (uint64_t)ngx_time();
	state += UINT64_C(0x9e3779b97f4a7c15);
	x = state;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.at[i];
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= MAX_ID;
}

static struct span random_id(struct arena *a)
{
	static const char digits[] = "0123456789abcdef";
	char *id = arena_alloc(a, 32 + 1);

	for (size_t i = 0; i < 32;)
		for (uint64_t x = request_random(), k = 0; k < 16; k++, x >>= 4)
			id[i++] = digits[x & 15];
	return (struct span){ id, 32 };
}

/* The client's X-Request-ID when it is harmless, else 32 random digits. */
static struct span request_id(ngx_http_request_t *r, struct arena *a)
{
	struct span sent;
	size_t n;

	if (header_find(r, "x-request-id", &sent, &n) && n == 1 && is_plain(sent))
		return sent;
	return random_id(a);
}

/* ---- the decision ---- */

static const struct apim_location *location_of(ngx_http_request_t *r)
{
	return ngx_http_get_module_loc_conf(r, ngx_http_apim_module);
}

/* Leaves the request undecided while the body is read, or a key manager or other replicas are
 * asked. */
static void decide(ngx_http_request_t *r, struct apim *m, struct ctx *ctx)
{
	const char *method = (const char *)r->method_name.data;
	struct core_request request = {
		.method = method_parse(method, r->method_name.len),
		.method_name = { method, r->method_name.len },
		.target = { (const char *)r->unparsed_uri.data, r->unparsed_uri.len },
		.header = header_find,
		.arg = r,
		.is_tls = client_is_tls(r),
		.is_for_key_manager = location_of(r)->tokens,
		.client_is_verified = client_is_verified(r),
		.client = { (const char *)r->connection->addr_text.data,
			r->connection->addr_text.len },
		.now_s = ngx_time(),
		.body = ctx->is_read ? &ctx->body : NULL,
		.is_stream = ctx->is_grpc,
		.may_wait = replicas_may_be_waited_for(m, ctx),
		.introspection = ctx->introspection,
	};

	if (headers_fit(r, m))
		core_decide(m->core, ctx->arena, &request, &ctx->verdict);
	else
		fault_text(413, "Request Entity Too Large", "headers too large", &ctx->verdict);
	ctx->introspection = NULL;
	if (ctx->verdict.kind == VERDICT_READ)
		return;
	if (ctx->verdict.kind == VERDICT_WAIT) {
		replicas_wait(m, ctx);
		return;
	}
	if (ctx->verdict.kind == VERDICT_ASK) {
		if (introspect(m, ctx))
			return;
		fault_answer(ctx->arena, 900900, "key manager cannot be asked", &ctx->verdict);
	}
	ctx->is_decided = true;
	ctx->fault = ctx->verdict.fault_code;
	ctx->reason = ctx->verdict.reason;
	ctx->is_quiet = ctx->verdict.kind == VERDICT_HEALTH;
}

void request_fail(ngx_http_request_t *r, struct ctx *ctx, int fault, const char *reason)
{
	ctx->fault = fault;
	ctx->reason = reason;
	r->content_handler = answer_no_backend;
}

static ngx_int_t refuse(ngx_http_request_t *r, struct ctx *ctx, const char *reason)
{
	request_fail(r, ctx, 101503, reason);
	return NGX_OK;
}

/* Goes on to proxy_pass as soon as a target has an address. */
static ngx_int_t forward(ngx_http_request_t *r, struct apim *m, struct ctx *ctx)
{
	switch (endpoint_prepare(m, ctx)) {
	case ENDPOINT_READY:
		if (ctx->verdict.kind == VERDICT_RELAY)
			return NGX_OK;
		if (ctx->is_grpc && !r->internal)
			r->content_handler = grpc_forward;
		else if (cache_has(ctx) && !r->internal)
			r->content_handler = cache_forward;
		return NGX_OK;
	case ENDPOINT_WAIT:
		return NGX_AGAIN;
	case ENDPOINT_OPEN:
		return refuse(r, ctx, "circuit open");
	case ENDPOINT_UNKNOWN:
		break;
	}
	metrics_upstream_error(m, UPSTREAM_NAME);
	return refuse(r, ctx, "backend name not resolved");
}

/* A key manager speaks HTTP and nothing else, and is told of nobody. */
static ngx_int_t relay(ngx_http_request_t *r, struct apim *m, struct ctx *ctx)
{
	ctx->endpoint = endpoint_of(m, ctx->verdict.endpoint);
	r->headers_in.upgrade = NULL;
	return headers_strip(r, m, ctx) ? forward(r, m, ctx) : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

/* Says who calls, unless the caller's token does so itself. False: the backend could not be told.
 */
static bool vouch(struct apim *m, struct ctx *ctx)
{
	struct verdict *v = &ctx->verdict;

	if (!m->assertions || v->backend_jwt.n > 0 || v->token.n + v->subject.n == 0)
		return true;
	return assertion_for(m->assertions, ctx->arena, v, ngx_time(), &v->backend_jwt);
}

/* Where hooks saw the body, what the backend would get is judged in the place of what was sent. */
static bool is_as_documented(ngx_http_request_t *r, const struct apim *m, struct ctx *ctx)
{
	const struct core_request request = {
		.header = header_find, .arg = r, .is_stream = ctx->is_grpc, .body = &ctx->body
	};

	if (body_hooked(&request, &ctx->verdict) == 0 ||
		body_is_as_documented(ctx->arena, m->contract, &request, &ctx->verdict))
		return true;
	ctx->endpoint = NULL;
	ctx->fault = ctx->verdict.fault_code;
	ctx->reason = ctx->verdict.reason;
	r->content_handler = answer_verdict;
	return false;
}

static ngx_int_t judge(ngx_http_request_t *r, struct apim *m, struct ctx *ctx)
{
	if (!ctx->arena) {
		ctx->http_version = r->http_version;
		ctx->arena = arena_take();
		ctx->id = request_id(r, ctx->arena);
		ctx->is_grpc = grpc_is_call(r);
		ctx->trace = trace_begin(r, m, ctx->arena);
	}
	decide(r, m, ctx);
	if (ctx->verdict.kind == VERDICT_READ)
		return body_read(r);
	if (!ctx->is_decided)
		return NGX_AGAIN;
	counters_complain(r, m);
	if (counters_tell(r, m, ctx) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (ctx->verdict.fetch_keys_of)
		jwks_refresh(m, ctx->verdict.fetch_keys_of);
	if (ctx->verdict.kind == VERDICT_HEALTH && !apim_is_started(m)) {
		ctx->verdict.status = NGX_HTTP_SERVICE_UNAVAILABLE;
		ctx->verdict.body = text_span("{\"status\":\"starting\"}");
	}
	if (ctx->verdict.kind == VERDICT_ISSUE) {
		r->content_handler = read_and_issue;
		return NGX_OK;
	}
	if (ctx->verdict.kind == VERDICT_RELAY)
		return relay(r, m, ctx);
	if (ctx->verdict.kind != VERDICT_FORWARD) {
		r->content_handler = answer_verdict;
		return NGX_OK;
	}
	ctx->endpoint = endpoint_of(m, ctx->verdict.endpoint);
	ctx->is_websocket = header_asks_for_websocket(r);
	if (!ctx->is_websocket)
		r->headers_in.upgrade = NULL; /* a backend that switches anyway is not followed */
	if (!vouch(m, ctx)) {
		ctx->endpoint = NULL;
		request_fail(r, ctx, 900900, "no key for backend JWTs");
		return NGX_OK;
	}
	if (!headers_strip(r, m, ctx))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (m->hooks && (!hook_request(r, m, ctx) || !is_as_documented(r, m, ctx)))
		return NGX_OK;
	return forward(r, m, ctx);
}

ngx_int_t request_access(ngx_http_request_t *r)
{
	struct apim *m = apim_of(r);
	struct ctx *ctx;

	if (!location_of(r)->gateway)
		return NGX_DECLINED;
	ctx = ctx_ensure(r);
	if (!ctx)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (ctx->is_waiting)
		return NGX_AGAIN;
	if (!ctx->is_decided)
		return judge(r, m, ctx);
	return ctx->endpoint ? forward(r, m, ctx) : NGX_OK;
}
