/* One request: asks the core, answers or hands over to proxy_pass. */
#include "gateway/module/apim.h"

#include "lib/base/arena.h"

/* Arenas of finished requests are used again: a request then costs no allocation of its own. */
enum { SPARE_ARENAS = 64 };

static struct arena *spare[SPARE_ARENAS];
static ngx_uint_t n_spare;

static struct arena *take_arena(void)
{
	return n_spare > 0 ? spare[--n_spare] : arena_new();
}

static void give_back(void *data)
{
	struct apim_ctx *ctx = data;

	apim_backend_forget(ctx);
	if (n_spare == SPARE_ARENAS) {
		arena_free(ctx->arena);
		return;
	}
	arena_reset(ctx->arena);
	spare[n_spare++] = ctx->arena;
}

static struct apim_ctx *ctx_new(ngx_http_request_t *r)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(struct apim_ctx));
	struct apim_ctx *ctx;

	if (!cleanup)
		return NULL;
	ctx = cleanup->data;
	ngx_memzero(ctx, sizeof(*ctx));
	ctx->arena = take_arena();
	cleanup->handler = give_back;
	ngx_http_set_ctx(r, ctx, ngx_http_apim_module);
	return ctx;
}

/* ---- what the core asks about the request ---- */

static bool header(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	ngx_http_request_t *r = arg;
	size_t n = strlen(name);

	*ret_n = 0;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (h[i].key.len != n || ngx_strncmp(h[i].lowcase_key, name, n) != 0)
				continue;
			if (++*ret_n == 1)
				*ret = (struct span){ (const char *)h[i].value.data, h[i].value.len };
		}
	}
	return *ret_n > 0;
}

static enum method method_of(const ngx_http_request_t *r)
{
	switch (r->method) {
	case NGX_HTTP_GET:
		return METHOD_GET;
	case NGX_HTTP_HEAD:
		return METHOD_HEAD;
	case NGX_HTTP_POST:
		return METHOD_POST;
	case NGX_HTTP_PUT:
		return METHOD_PUT;
	case NGX_HTTP_DELETE:
		return METHOD_DELETE;
	case NGX_HTTP_PATCH:
		return METHOD_PATCH;
	case NGX_HTTP_OPTIONS:
		return METHOD_OPTIONS;
	default:
		return METHOD_OTHER;
	}
}

static void decide(ngx_http_request_t *r, const struct apim_main_conf *m, struct apim_ctx *ctx)
{
	struct core_request request = {
		.method = method_of(r),
		.method_name = { (const char *)r->method_name.data, r->method_name.len },
		.target = { (const char *)r->unparsed_uri.data, r->unparsed_uri.len },
		.header = header,
		.arg = r,
		.now_s = ngx_time(),
	};

	core_decide(m->core, ctx->arena, &request, &ctx->verdict);
	ctx->decided = 1;
}

/* ---- answering ---- */

static ngx_int_t add_allow(ngx_http_request_t *r, const struct span *allow)
{
	ngx_table_elt_t *h;

	if (allow->n == 0)
		return NGX_OK;
	h = ngx_list_push(&r->headers_out.headers);
	if (!h)
		return NGX_ERROR;
	ngx_memzero(h, sizeof(*h));
	h->hash = 1;
	ngx_str_set(&h->key, "Allow");
	h->value.data = ngx_pnalloc(r->pool, allow->n);
	if (!h->value.data)
		return NGX_ERROR;
	h->value.len = allow->n;
	ngx_memcpy(h->value.data, allow->at, allow->n);
	return NGX_OK;
}

/* The body is copied: it is sent after our arena may be gone. */
static ngx_int_t answer(ngx_http_request_t *r, int status, const char *content_type, const struct span *body)
{
	ngx_http_complex_value_t value;
	ngx_str_t type = { strlen(content_type), (u_char *)(uintptr_t)content_type };

	ngx_memzero(&value, sizeof(value));
	value.value.len = body->n;
	if (body->n > 0) {
		value.value.data = ngx_pnalloc(r->pool, body->n);
		if (!value.value.data)
			return NGX_HTTP_INTERNAL_SERVER_ERROR;
		ngx_memcpy(value.value.data, body->at, body->n);
	}
	return ngx_http_send_response(r, (ngx_uint_t)status, &type, &value);
}

static ngx_int_t answer_verdict(ngx_http_request_t *r, const struct verdict *v)
{
	static const struct span healthy = { "{\"status\":\"healthy\"}", sizeof("{\"status\":\"healthy\"}") - 1 };

	if (v->kind == VERDICT_HEALTH)
		return answer(r, NGX_HTTP_OK, "application/json", &healthy);
	if (add_allow(r, &v->allow) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return answer(r, v->status, v->content_type ? v->content_type : "text/plain", &v->body);
}

/* ---- forwarding ---- */

/* Renamed to a header that the proxy location never sends: works for any name, wherever it stands. */
static void strip(ngx_http_request_t *r, const char *name)
{
	static const ngx_str_t gone = ngx_string("X-Apim-Removed");
	static u_char gone_lower[] = "x-apim-removed";
	size_t n = strlen(name);

	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (h[i].key.len != n || ngx_strncasecmp(h[i].key.data, (u_char *)(uintptr_t)name, n) != 0)
				continue;
			h[i].key = gone;
			h[i].lowcase_key = gone_lower;
			h[i].hash = ngx_hash_key(gone_lower, gone.len);
		}
	}
}

static ngx_int_t forward(ngx_http_request_t *r, const struct apim_main_conf *m, struct apim_ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;
	struct apim_backend *b = &m->backends[v->endpoint - m->contract->endpoints];
	ngx_int_t rc;

	if (!ctx->resolved) {
		rc = apim_backend_resolve(r, ctx, b);
		if (rc != NGX_OK)
			return rc;
	}
	if (v->strip_auth && v->api)
		strip(r, v->api->auth_header);
	if (m->contract->jwt_header && m->contract->jwt_header[0])
		strip(r, m->contract->jwt_header);
	return NGX_DECLINED;
}

ngx_int_t apim_handle(ngx_http_request_t *r)
{
	const struct apim_loc_conf *l = ngx_http_get_module_loc_conf(r, ngx_http_apim_module);
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);
	struct apim_ctx *ctx;

	if (!l->on)
		return NGX_DECLINED;
	if (!m->core)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ctx = ngx_http_get_module_ctx(r, ngx_http_apim_module);
	if (!ctx && !(ctx = ctx_new(r)))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (!ctx->decided)
		decide(r, m, ctx);
	if (ctx->verdict.kind != VERDICT_FORWARD)
		return answer_verdict(r, &ctx->verdict);
	return forward(r, m, ctx);
}
