/* Filters over every response of every listener. nginx answers its own errors (a request it cannot
 * parse, limits, a backend that failed) with HTML: here they get the status and body that the
 * gateway's clients know. */
#include "gateway/core/fault.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/endpoint.h"
#include "lib/base/arena.h"

static ngx_http_output_header_filter_pt next_header;
static ngx_http_output_body_filter_pt next_body;

struct page {
	ngx_uint_t status;
	const char *type;
	const char *body;
	const char *reason;
	int fault;
};

static const char json[] = "application/json";
static const char text[] = "text/plain";

#define FAULT(code, message, description)                                                          \
	"{\"fault\":{\"code\":" code ", \"message\":\"" message                                    \
	"\", \"description\":\"" description "\"}}"

/* By the status that nginx meant to answer with. */
static const struct {
	ngx_uint_t when;
	struct page page;
} pages[] = {
	{ 400, { 400, json, FAULT("400", "Bad Request", "The request is malformed"),
		       "malformed request", 400 } },
	{ 404, { 404, text, "Not Found", "not found", 0 } },
	{ 405, { 405, text, "Method not allowed", "method not allowed", 0 } },
	{ 408, { 408, json, FAULT("408", "Request Timeout", "The request took too long to arrive"),
		       "request timed out", 408 } },
	{ 413, { 413, text, "Request Entity Too Large", "body too large", 0 } },
	{ 414, { 414, text, "URI Too Long", "target too long", 0 } },
	{ 501, { 501, json,
		       FAULT("501", "Not Implemented",
			       "The request asks for what is not supported"),
		       "not implemented", 501 } },
	{ 505, { 505, json,
		       FAULT("505", "HTTP Version Not Supported",
			       "The gateway speaks HTTP/1.1 and HTTP/2"),
		       "HTTP version", 505 } },
	{ 503, { 503, json,
		       FAULT("503", "Service Unavailable",
			       "The gateway cannot take this request now"),
		       "unavailable", 503 } },
};

static const struct page headers_too_large = { 413, text, "Request Entity Too Large",
	"headers too large", 0 };
static const struct page bad_certificate = { 401, json,
	FAULT("900901", "Invalid Credentials",
		"Invalid Credentials. Make sure you have given the correct access token"),
	"client certificate", 900901 };
static const struct page hook_failed = { 500, json,
	FAULT("103500", "Internal Server Error", "A hook of the API failed"), "hook failed",
	FAULT_HOOK };
static const struct page not_here = { 500, json,
	FAULT("500", "Internal Server Error", "The gateway could not process the request"),
	"internal error", 500 };

ngx_int_t page_add_header(ngx_http_request_t *r, const char *name, struct span value)
{
	ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);

	if (!h)
		return NGX_ERROR;
	*h = (ngx_table_elt_t){
		.hash = 1,
		.key = { strlen(name), (u_char *)(uintptr_t)name },
		.value = { value.n, (u_char *)(uintptr_t)value.at },
	};
	return NGX_OK;
}

/* Two statuses mean more than they say: 494 has become 400 by now (only then is lingering_close
 * left on), and 4xx without a page of their own are 400s. */
static const struct page *page_for(const ngx_http_request_t *r)
{
	ngx_uint_t status = r->err_status;
	const struct ctx *ctx = ctx_get(r);

	if (ctx && ctx->hook_failure)
		return &hook_failed;
	if (status == NGX_HTTP_BAD_REQUEST && r->lingering_close)
		return &headers_too_large;
	if (status == NGX_HTTP_BAD_REQUEST && client_has_bad_certificate(r))
		return &bad_certificate;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (pages[i].when == status)
			return &pages[i].page;
	return status < 500 ? &pages[0].page : &not_here;
}

/* 502 and 504 come from proxy_pass only. */
static bool backend_page(ngx_http_request_t *r, struct ctx *ctx, struct page *ret)
{
	bool timed_out = r->err_status == NGX_HTTP_GATEWAY_TIME_OUT;
	const struct fault *f;
	int code;

	if (!ctx->arena || !r->upstream || (r->err_status != 502 && r->err_status != 504))
		return false;
	code = timed_out && !endpoint_hides_timeouts(ctx->endpoint) ? 101504 : 101503;
	f = fault_find(code);
	metrics_upstream_error(apim_of(r), timed_out ? UPSTREAM_TIMEOUT : UPSTREAM_CONNECT);
	*ret = (struct page){ .status = (ngx_uint_t)f->status,
		.type = json,
		.body = core_fault(ctx->arena, f->code, f->message, f->description).at,
		.reason = timed_out ? "backend timed out" : "backend failed",
		.fault = code };
	return true;
}

static ngx_int_t put_page(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_ensure(r);
	struct page page;

	if (!ctx)
		return NGX_ERROR;
	if (!backend_page(r, ctx, &page))
		page = *page_for(r);
	ctx->is_page = true;
	ctx->page = text_span(page.body);
	ctx->fault = page.fault;
	ctx->reason = ctx->hook_failure ? ctx->hook_failure : page.reason;
	r->err_status = page.status;
	r->headers_out.status = page.status;
	r->headers_out.content_type =
		(ngx_str_t){ strlen(page.type), (u_char *)(uintptr_t)page.type };
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	r->headers_out.content_type_lowcase = NULL;
	r->headers_out.content_length_n = (off_t)ctx->page.n;
	if (page.fault != 0 && ctx->id.n > 0)
		return page_add_header(r, "X-Request-ID", ctx->id);
	return NGX_OK;
}

/* No "Server: nginx"; a backend's own Server header passes. */
static ngx_int_t hide_server(ngx_http_request_t *r)
{
	static ngx_table_elt_t none; /* hash 0: not sent */

	if (!r->headers_out.server)
		r->headers_out.server = &none;
	return NGX_OK;
}

/* While the gateway drains or a worker finishes, connections end with the answer in hand, so that
 * clients come back elsewhere. */
static void end_connection(ngx_http_request_t *r)
{
	r->keepalive = 0;
	/* HTTP/2: the next request on the connection makes nginx say GOAWAY. Before a reload nobody
	 * is sent away, only to come back to the old workers: sparing.c does that when they end. */
	if (r->stream && (ngx_exiting || apim_is_ending(apim_of(r))))
		r->stream->connection->connection->requests = NGX_MAX_INT32_VALUE;
}

/* nginx takes bytes that are no HTTP for an answer of HTTP/0.9, and would pass them on so. */
static bool backend_spoke_nonsense(ngx_http_request_t *r)
{
	const struct ctx *ctx = ctx_get(r);

	if (!ctx || !ctx->backend || r->http_version == ctx->http_version)
		return false;
	r->http_version = ctx->http_version;
	return true;
}

static ngx_int_t header_filter(ngx_http_request_t *r)
{
	const struct ctx *ctx;

	if (r != r->main)
		return next_header(r);
	if (backend_spoke_nonsense(r))
		return NGX_HTTP_BAD_GATEWAY; /* comes back as an error */
	if (r->err_status >= NGX_HTTP_BAD_REQUEST && put_page(r) != NGX_OK)
		return NGX_ERROR;
	if (ngx_exiting || apim_is_draining(apim_of(r)))
		end_connection(r);
	hide_server(r);
	ctx = ctx_get(r);
	if (ctx && !cors_add_headers(r, &ctx->verdict.cors))
		return NGX_ERROR;
	if (ctx && ctx->is_grpc && (ctx->is_page || !r->upstream) && !grpc_answer(r, ctx))
		return NGX_ERROR;
	return next_header(r);
}

static ngx_int_t send_page(ngx_http_request_t *r, struct ctx *ctx)
{
	ngx_chain_t out = { 0 };
	ngx_buf_t *b = ngx_calloc_buf(r->pool);

	if (!b)
		return NGX_ERROR;
	b->pos = (u_char *)(uintptr_t)ctx->page.at;
	b->last = b->pos + ctx->page.n;
	b->memory = 1;
	b->last_buf = 1;
	b->last_in_chain = 1;
	out.buf = b;
	ctx->page_sent = true;
	return next_body(r, &out);
}

static ngx_int_t body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
	struct ctx *ctx = ctx_get(r);

	if (!in || !ctx || !ctx->is_page)
		return next_body(r, in);
	for (ngx_chain_t *c = in; c; c = c->next) {
		c->buf->pos = c->buf->last;
		c->buf->file_pos = c->buf->file_last;
	}
	return ctx->page_sent ? next_body(r, NULL) : send_page(r, ctx);
}

ngx_int_t page_init(void)
{
	next_header = ngx_http_top_header_filter;
	ngx_http_top_header_filter = header_filter;
	next_body = ngx_http_top_body_filter;
	ngx_http_top_body_filter = body_filter;
	return NGX_OK;
}
