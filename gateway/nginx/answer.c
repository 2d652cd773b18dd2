/* Answers of backends on their way to the client: hooks first, then the document. What they look at
 * as a whole is held until it is complete; all others pass as they come. Nothing of an answer that
 * is held has been sent, so that whatever goes wrong is a fault in its place. */
#include "gateway/core/body.h"
#include "gateway/core/fault.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/hook.h"
#include "gateway/schema/schema.h"
#include "lib/base/arena.h"

static ngx_http_output_header_filter_pt next_header;
static ngx_http_output_body_filter_pt next_body;

/* ---- which answers ---- */

static bool is_coded(ngx_http_request_t *r)
{
	const ngx_table_elt_t *h = r->headers_out.content_encoding;

	return h && h->hash != 0 && h->value.len > 0;
}

static bool is_stream(const ngx_http_request_t *r, const struct ctx *ctx)
{
	static const ngx_str_t events = ngx_string("text/event-stream");
	const ngx_str_t *type = &r->headers_out.content_type;

	return ctx->is_grpc || (type->len >= events.len &&
				       ngx_strncasecmp(type->data, events.data, events.len) == 0);
}

static enum hook_sight sight_of(const ngx_http_request_t *r, const struct ctx *ctx)
{
	if (is_stream(r, ctx))
		return HOOK_SEES_STREAM;
	return r->header_only || r->method == NGX_HTTP_HEAD ||
			       r->headers_out.status == NGX_HTTP_NO_CONTENT ||
			       r->headers_out.status == NGX_HTTP_NOT_MODIFIED
		       ? HOOK_SEES_NONE
		       : HOOK_SEES_ALL;
}

/* A backend's, and not one that is no HTTP: page.c sees to that. */
static bool is_answer(const ngx_http_request_t *r, const struct ctx *ctx)
{
	return ctx->verdict.kind == VERDICT_FORWARD && ctx->backend && r->upstream &&
	       r->err_status == 0 && r->headers_out.status >= NGX_HTTP_OK &&
	       r->http_version == ctx->http_version;
}

static const struct contract_schema *schema_for(ngx_http_request_t *r, const struct ctx *ctx)
{
	const ngx_str_t *type = &r->headers_out.content_type;

	if (ctx->verdict.operation->n_answers == 0 || type->len == 0 ||
		sight_of(r, ctx) == HOOK_SEES_NONE)
		return NULL;
	return body_answer_schema(apim_of(r)->contract, ctx->verdict.operation,
		(unsigned int)r->headers_out.status,
		(struct span){ (const char *)type->data, type->len });
}

/* ---- sending ---- */

static ngx_int_t send_whole(ngx_http_request_t *r, const u_char *at, size_t n)
{
	ngx_chain_t out = { 0 };
	ngx_buf_t *b = ngx_calloc_buf(r->pool);
	ngx_int_t rc = b ? next_header(r) : NGX_ERROR;

	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	b->pos = (u_char *)(uintptr_t)at;
	b->last = b->pos + n;
	b->memory = n > 0;
	b->last_buf = 1;
	b->last_in_chain = 1;
	out.buf = b;
	return next_body(r, &out);
}

/* Nothing of the backend's answer is left. */
static ngx_int_t send_fault(ngx_http_request_t *r, struct ctx *ctx, const struct verdict *fault)
{
	ctx->holding = ANSWER_REFUSED;
	ctx->fault = fault->fault_code;
	ctx->reason = fault->reason;
	ngx_http_clean_header(r);
	r->headers_out.status = (ngx_uint_t)fault->status;
	r->headers_out.status_line.len = 0;
	r->headers_out.content_type = (ngx_str_t){ strlen(fault->content_type),
		(u_char *)(uintptr_t)fault->content_type };
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	r->headers_out.content_type_lowcase = NULL;
	r->headers_out.charset.len = 0;
	r->headers_out.content_length_n = (off_t)fault->body.n;
	if (page_add_header(r, "X-Request-ID", ctx->id) != NGX_OK)
		return NGX_ERROR;
	return send_whole(r, (const u_char *)fault->body.at, fault->body.n);
}

static ngx_int_t refuse(ngx_http_request_t *r, struct ctx *ctx, const char *wrong)
{
	struct verdict fault = { 0 };

	fault_body(ctx->arena, NGX_HTTP_INTERNAL_SERVER_ERROR, wrong, &fault);
	fault.reason = "body of the backend not valid";
	return send_fault(r, ctx, &fault);
}

static ngx_int_t hook_failed(ngx_http_request_t *r, struct ctx *ctx, const char *reason)
{
	struct verdict fault = { 0 };

	fault_answer(ctx->arena, FAULT_HOOK, reason, &fault);
	return send_fault(r, ctx, &fault);
}

/* ---- holding ---- */

/* nginx closes the connection whatever happens here, so the answer goes out now. */
static void send_last_words(ngx_http_request_t *r, struct ctx *ctx)
{
	struct verdict fault = { 0 };

	r->keepalive = 0;
	fault_answer(ctx->arena, 101503, "backend failed", &fault);
	metrics_upstream_error(apim_of(r), UPSTREAM_CONNECT);
	(void)send_fault(r, ctx, &fault);
}

/* nginx takes the header for sent, and would cut the connection. It is not: the client gets what it
 * would have got from a backend that says nothing at all. */
static void on_upstream_end(ngx_http_request_t *r, ngx_int_t rc)
{
	struct ctx *ctx = ctx_get(r);

	ctx->upstream_end(r, rc);
	if (ctx->holding != ANSWER_HELD)
		return;
	if (rc == NGX_ERROR && !r->connection->error) {
		send_last_words(r, ctx);
	} else if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
		ctx->holding = ANSWER_PASSES;
		ngx_http_clean_header(r);
		r->upstream->header_sent = 0;
	}
}

static ngx_int_t hold(ngx_http_request_t *r, struct ctx *ctx, size_t most)
{
	r->filter_need_in_memory = 1;
	ctx->holding = ANSWER_HELD;
	ctx->most_answer = most;
	ctx->upstream_end = r->upstream->finalize_request;
	r->upstream->finalize_request = on_upstream_end;
	return NGX_OK;
}

/* Comes back as an error that page.c has the text of; nothing that the backend said is sent. */
static ngx_int_t fail(ngx_http_request_t *r, struct ctx *ctx)
{
	ctx->hook_failure = ctx->reason;
	ngx_http_clean_header(r);
	return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

static ngx_int_t header_filter(ngx_http_request_t *r)
{
	struct ctx *ctx = r == r->main ? ctx_get(r) : NULL;
	enum hook_sight sight;

	if (!ctx || !ctx->arena || ctx->holding != ANSWER_PASSES || !is_answer(r, ctx))
		return next_header(r);
	sight = sight_of(r, ctx);
	ctx->most_answer = hook_asks_for_answer(&ctx->verdict);
	if (ctx->most_answer > 0 && sight == HOOK_SEES_ALL)
		return hold(r, ctx, ctx->most_answer);
	if (!hook_answer(r, apim_of(r), ctx, sight))
		return fail(r, ctx);
	if (ctx->most_answer > 0 && r->method == NGX_HTTP_HEAD)
		ngx_http_clear_content_length(r); /* what hooks would make of it is not known */
	ctx->schema = schema_for(r, ctx);
	return ctx->schema ? hold(r, ctx, SCHEMA_MAX_BODY) : next_header(r);
}

static ngx_int_t judge(ngx_http_request_t *r, struct ctx *ctx)
{
	struct span body = { (const char *)ctx->answer.at, ctx->answer.n };
	const char *wrong = is_coded(r) ? "the body has a Content-Encoding, "
					: body_wrong(ctx->arena, ctx->schema, body);

	if (wrong)
		return refuse(r, ctx, wrong);
	ctx->holding = ANSWER_JUDGED;
	return send_whole(r, ctx->answer.at, ctx->answer.n);
}

/* The answer is complete. */
static ngx_int_t finish(ngx_http_request_t *r, struct ctx *ctx)
{
	if (ctx->schema)
		return judge(r, ctx);
	if (is_coded(r))
		return hook_failed(r, ctx, "answer has a Content-Encoding");
	if (!hook_answer(r, apim_of(r), ctx, HOOK_SEES_ALL))
		return hook_failed(r, ctx, ctx->reason);
	ngx_http_clear_content_length(r);
	r->headers_out.content_length_n = (off_t)ctx->answer.n;
	ctx->schema = schema_for(r, ctx);
	if (ctx->schema)
		return judge(r, ctx);
	ctx->holding = ANSWER_JUDGED;
	return send_whole(r, ctx->answer.at, ctx->answer.n);
}

static void drop(ngx_chain_t *in)
{
	for (; in; in = in->next)
		in->buf->pos = in->buf->last;
}

static ngx_int_t body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
	struct ctx *ctx = r == r->main ? ctx_get(r) : NULL;
	bool is_last = false;
	ngx_uint_t status;

	if (!ctx || ctx->holding == ANSWER_PASSES || !in)
		return next_body(r, in);
	for (ngx_chain_t *c = in; c; c = c->next)
		is_last = is_last || c->buf->last_buf;
	if (ctx->holding != ANSWER_HELD) {
		drop(in);
		return NGX_OK; /* all is said */
	}
	if (!body_take(ctx, &ctx->answer, in, ctx->most_answer, &status)) {
		drop(in);
		return ctx->schema ? refuse(r, ctx, "the body is too large to be validated, ")
				   : hook_failed(r, ctx, "answer too large for a hook");
	}
	return is_last ? finish(r, ctx) : NGX_OK;
}

/* ---- whether there are any ---- */

static bool is_judged(const struct contract *c)
{
	for (size_t i = 0; i < c->n_apis; i++)
		for (size_t k = 0; k < c->apis[i].n_paths; k++)
			for (size_t j = 0; j < c->apis[i].paths[k].n_operations; j++)
				if (c->apis[i].paths[k].operations[j].n_answers > 0)
					return true;
	return false;
}

static bool is_held(const struct contract *c)
{
	for (size_t i = 0; i < c->scripts.n; i++)
		if (c->scripts.at[i].body > 0)
			return true;
	return is_judged(c);
}

void answer_init(const struct apim *m)
{
	bool is_anything_held = is_held(m->contract);

	if (m->contract->scripts.n > 0 || is_anything_held) {
		next_header = ngx_http_top_header_filter;
		ngx_http_top_header_filter = header_filter;
	}
	if (is_anything_held) {
		next_body = ngx_http_top_body_filter;
		ngx_http_top_body_filter = body_filter;
	}
}
