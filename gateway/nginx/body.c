/* A request's body as a whole, in memory, before the request is decided: for operations whose
 * bodies are validated, or whose hooks ask for them. All others are streamed. */
#include "gateway/nginx/apim.h"

enum {
	MAX_HELD = 16 * 1024 * 1024, /* in a worker, of all bodies at one time */
	FIRST_BYTES = 4096,
};

static size_t held; /* a worker has one thread */

static bool hold(struct ctx *ctx, size_t n)
{
	if (n > MAX_HELD - held)
		return false;
	held += n;
	ctx->held += n;
	return true;
}

void body_release(struct ctx *ctx)
{
	held -= ctx->held;
	ctx->held = 0;
}

static bool add(struct ctx *ctx, struct body_buffer *b, const u_char *at, size_t n)
{
	size_t room = b->room > 0 ? b->room : FIRST_BYTES;
	u_char *wider;

	while (room - b->n < n)
		room *= 2;
	if (room > b->room) {
		if (!hold(ctx, room - b->room))
			return false;
		wider = ngx_palloc(ctx->request->pool, room);
		if (!wider)
			return false;
		ngx_memcpy(wider, b->at ? b->at : wider, b->n);
		if (b->at)
			ngx_pfree(ctx->request->pool, b->at);
		b->at = wider;
		b->room = room;
	}
	ngx_memcpy(b->at + b->n, at, n);
	b->n += n;
	return true;
}

bool body_replace(struct ctx *ctx, struct body_buffer *b, struct span by)
{
	if (!hold(ctx, by.n))
		return false;
	if (b->at && !b->is_foreign)
		ngx_pfree(ctx->request->pool, b->at);
	held -= b->room;
	ctx->held -= b->room;
	*b = (struct body_buffer){ (u_char *)(uintptr_t)by.at, by.n, by.n, true };
	return true;
}

bool body_take(struct ctx *ctx, struct body_buffer *b, ngx_chain_t *in, size_t most,
	ngx_uint_t *ret_status)
{
	for (ngx_chain_t *c = in; c; c = c->next) {
		size_t n = ngx_buf_in_memory(c->buf) ? (size_t)(c->buf->last - c->buf->pos) : 0;

		*ret_status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
		if (n > most - b->n)
			return false;
		*ret_status = NGX_HTTP_SERVICE_UNAVAILABLE;
		if (n > 0 && !add(ctx, b, c->buf->pos, n))
			return false;
		c->buf->pos = c->buf->last;
	}
	return true;
}

/* For proxy_pass, which takes what was read already, once more for each attempt. */
static bool give_back(ngx_http_request_t *r, const struct body_buffer *b)
{
	ngx_chain_t *link = ngx_alloc_chain_link(r->pool);
	ngx_buf_t *buf = ngx_calloc_buf(r->pool);

	if (!link || !buf)
		return false;
	buf->start = buf->pos = b->at;
	buf->last = buf->end = b->at + b->n;
	buf->memory = 1;
	*link = (ngx_chain_t){ .buf = buf };
	r->request_body->bufs = b->n > 0 ? link : NULL;
	return true;
}

/* It was said how long it is: the backend is told by that, chunks or not. */
bool body_change(ngx_http_request_t *r, struct ctx *ctx, struct span by)
{
	if (!body_replace(ctx, &ctx->request_body, by) || !give_back(r, &ctx->request_body))
		return false;
	ctx->body = by;
	r->headers_in.content_length_n = (off_t)by.n;
	return true;
}

static void finish(ngx_http_request_t *r, struct ctx *ctx)
{
	r->read_event_handler = ngx_http_block_reading;
	if (r->request_body && !give_back(r, &ctx->request_body)) {
		ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
		return;
	}
	ctx->body = (struct span){ (const char *)ctx->request_body.at, ctx->request_body.n };
	ctx->is_read = true;
	r->write_event_handler = ngx_http_core_run_phases;
	ngx_http_core_run_phases(r);
}

/* What has come so far, and what is there of the rest. */
static void read_more(ngx_http_request_t *r)
{
	struct ctx *ctx = ctx_get(r);
	ngx_int_t rc;

	if (r->connection->read->timedout) {
		r->connection->timedout = 1;
		ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
		return;
	}
	for (;;) {
		ngx_chain_t *in = r->request_body ? r->request_body->bufs : NULL;
		ngx_uint_t status = 0;

		if (in)
			r->request_body->bufs = NULL;
		if (!body_take(ctx, &ctx->request_body, in, ctx->verdict.most_body, &status)) {
			ngx_http_finalize_request(r, (ngx_int_t)status);
			return;
		}
		if (!r->reading_body) {
			finish(r, ctx);
			return;
		}
		rc = ngx_http_read_unbuffered_request_body(r);
		if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
			ngx_http_finalize_request(r, rc);
			return;
		}
		if (rc == NGX_AGAIN && !r->request_body->bufs)
			return;
	}
}

static void begin(ngx_http_request_t *r)
{
	r->read_event_handler = read_more;
	read_more(r);
}

ngx_int_t body_read(ngx_http_request_t *r)
{
	ngx_int_t rc;

	if (r->headers_in.content_length_n > (off_t)ctx_get(r)->verdict.most_body)
		return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
	r->request_body_no_buffering = 1;
	rc = ngx_http_read_client_request_body(r, begin);
	if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
		return rc;
	ngx_http_finalize_request(r, NGX_DONE);
	return NGX_DONE;
}
