/* Calls of gRPC: judged like any request, passed on by nginx' own grpc_pass in a location of its
 * own, and answered in gRPC's words when the answer is ours. */
#include <strings.h>

#include "gateway/core/fault.h"
#include "gateway/nginx/apim.h"

bool grpc_is_call(ngx_http_request_t *r)
{
	static const char type[] = "application/grpc";
	const size_t n = sizeof(type) - 1;
	const ngx_table_elt_t *h = r->headers_in.content_type;

	return r->stream && r->method == NGX_HTTP_POST && h && h->value.len >= n &&
	       strncasecmp((const char *)h->value.data, type, n) == 0 &&
	       (h->value.len == n || h->value.data[n] == '+' || h->value.data[n] == ';');
}

ngx_int_t grpc_forward(ngx_http_request_t *r)
{
	static ngx_str_t location = ngx_string("@grpc");

	return ngx_http_named_location(r, &location);
}

/* https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
static const char *grpc_status(ngx_uint_t status)
{
	switch (status) {
	case NGX_HTTP_OK:
		return "0";
	case NGX_HTTP_UNAUTHORIZED:
		return "16"; /* UNAUTHENTICATED */
	case NGX_HTTP_FORBIDDEN:
		return "7"; /* PERMISSION_DENIED */
	case NGX_HTTP_NOT_FOUND:
		return "12"; /* UNIMPLEMENTED */
	case NGX_HTTP_TOO_MANY_REQUESTS:
		return "8"; /* RESOURCE_EXHAUSTED */
	default:
		return "2"; /* UNKNOWN */
	}
}

static const char *message_of(const struct ctx *ctx)
{
	const struct fault *f = fault_find(ctx->fault);

	if (f)
		return f->message;
	return ctx->reason ? ctx->reason : "";
}

/* "Trailers-Only": one block of headers, with grpc-status in it, and no body. */
bool grpc_answer(ngx_http_request_t *r, const struct ctx *ctx)
{
	static ngx_str_t type = ngx_string("application/grpc");
	const char *status = grpc_status(r->headers_out.status);

	r->headers_out.status = NGX_HTTP_OK;
	r->headers_out.status_line.len = 0;
	r->err_status = 0;
	r->headers_out.content_type = type;
	r->headers_out.content_type_len = type.len;
	r->headers_out.content_type_lowcase = NULL;
	ngx_http_clear_content_length(r);
	r->header_only = 1;
	return page_add_header(r, "grpc-status", text_span(status)) == NGX_OK &&
	       page_add_header(r, "grpc-message", text_span(message_of(ctx))) == NGX_OK;
}
