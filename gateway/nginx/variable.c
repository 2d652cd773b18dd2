/* What nginx.conf asks the module for: where proxy_pass goes, and what it says there. All are empty
 * before a decision. */
#include "gateway/nginx/apim.h"
#include "gateway/nginx/backend.h"

static ngx_int_t give(ngx_http_variable_value_t *v, struct span s)
{
	v->valid = 1;
	v->no_cacheable = 0;
	v->not_found = 0;
	v->len = (unsigned)s.n;
	v->data = (u_char *)(uintptr_t)s.at;
	return NGX_OK;
}

static struct span host(struct ctx *ctx)
{
	return text_span(ctx->backend->target->authority);
}

static struct span tls_name(struct ctx *ctx)
{
	return text_span(ctx->backend->host);
}

/* The only protocol that a connection can be turned into: others would carry requests that nobody
 * checked. */
static struct span upgrade(struct ctx *ctx)
{
	return text_span(ctx->is_websocket ? "websocket" : "");
}

static struct span connection(struct ctx *ctx)
{
	return text_span(ctx->is_websocket ? "upgrade" : "");
}

static struct span grpc_scheme(struct ctx *ctx)
{
	return text_span(ctx->backend->target->tls ? "grpcs" : "grpc");
}

static struct span id(struct ctx *ctx)
{
	return ctx->id;
}

static const struct {
	const char *name;
	struct span (*get)(struct ctx *ctx);
} variables[] = {
	{ "apim_host", host },
	{ "apim_tls_name", tls_name },
	{ "apim_upgrade", upgrade },
	{ "apim_connection", connection },
	{ "apim_grpc_scheme", grpc_scheme },
	{ "apim_id", id },
	{ "apim_cache_key", cache_key },
	{ "apim_cache_bypass", cache_bypass },
	{ "apim_cache_no_store", cache_no_store },
};

static ngx_int_t get(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t i)
{
	struct ctx *ctx = ctx_get(r);

	if (!ctx || !ctx->backend)
		return give(v, text_span(""));
	return give(v, variables[i].get(ctx));
}

ngx_int_t variable_init(ngx_conf_t *cf)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		ngx_str_t name = { strlen(variables[i].name),
			(u_char *)(uintptr_t)variables[i].name };
		/* A request that is tried at another target is written anew. */
		ngx_http_variable_t *v = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);

		if (!v)
			return NGX_ERROR;
		v->get_handler = get;
		v->data = i;
	}
	return NGX_OK;
}
