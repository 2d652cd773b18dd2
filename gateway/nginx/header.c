#include <strings.h>

#include "gateway/nginx/apim.h"
#include "gateway/nginx/endpoint.h"
#include "gateway/nginx/hook.h"

/* Said by gateways only: a backend may trust them, so a client cannot. nginx.conf sets its own
 * X-Forwarded-* and X-Request-ID. The last ones make some frameworks serve another path or method
 * than the one that was checked. */
static const ngx_str_t reserved[] = { ngx_string("x-forwarded-for"), ngx_string("x-forwarded-host"),
	ngx_string("x-forwarded-proto"), ngx_string("x-forwarded-port"),
	ngx_string("x-forwarded-prefix"), ngx_string("x-forwarded-server"),
	ngx_string("x-forwarded-scheme"), ngx_string("x-forwarded-ssl"),
	ngx_string("x-forwarded-uri"), ngx_string("x-real-ip"), ngx_string("x-request-id"),
	ngx_string("forwarded"), ngx_string("proxy"), ngx_string("x-original-url"),
	ngx_string("x-rewrite-url"), ngx_string("x-original-host"),
	ngx_string("x-http-method-override"), ngx_string("x-http-method"),
	ngx_string("x-method-override") };

bool header_find(void *request, const char *name, struct span *ret, size_t *ret_n)
{
	ngx_http_request_t *r = request;
	size_t n = strlen(name);
	size_t found = 0;

	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (h[i].key.len != n || ngx_memcmp(h[i].lowcase_key, name, n) != 0)
				continue;
			if (found++ == 0)
				*ret = (struct span){ (const char *)h[i].value.data,
					h[i].value.len };
		}
	}
	*ret_n = found;
	return found > 0;
}

/* "X_JWT_Assertion" is the same header to a CGI-like backend: "_" counts as "-". */
static bool is_alike(ngx_str_t lower, const ngx_str_t *name)
{
	if (lower.len != name->len)
		return false;
	for (size_t i = 0; i < lower.len; i++) {
		char x = lower.data[i] == '_' ? '-' : (char)lower.data[i];
		char y = name->data[i] == '_' ? '-' : (char)ngx_tolower(name->data[i]);

		if (x != y)
			return false;
	}
	return true;
}

static ngx_str_t text_of(const char *s)
{
	return (ngx_str_t){ strlen(s), (u_char *)(uintptr_t)s };
}

static bool is_text(ngx_str_t lower, const char *name)
{
	const ngx_str_t text = text_of(name);

	return is_alike(lower, &text);
}

static ngx_str_t name_of(const ngx_table_elt_t *h)
{
	return (ngx_str_t){ h->key.len, h->lowcase_key };
}

static bool is_named(const ngx_table_elt_t *h, const char *name)
{
	return is_text(name_of(h), name);
}

static bool is_credentials(const ngx_table_elt_t *h, const struct apim *m)
{
	for (const char **name = m->auth_headers; *name; name++)
		if (is_named(h, *name))
			return true;
	return false;
}

bool headers_fit(ngx_http_request_t *r, const struct apim *m)
{
	size_t n = 0;

	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (!is_credentials(&h[i], m))
				n += h[i].key.len + h[i].value.len + strlen(": \r\n");
	}
	return n <= m->contract->max_header_bytes;
}

static bool is_in_list(struct span list, const ngx_str_t *name)
{
	const char *at = list.at;
	const char *end = list.at + list.n;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *next = comma ? comma : end;
		size_t n = (size_t)(next - at);

		for (; n > 0 && (*at == ' ' || *at == '\t'); n--)
			at++;
		while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
			n--;
		if (n == name->len && strncasecmp(at, (const char *)name->data, n) == 0)
			return true;
		at = next + 1;
	}
	return false;
}

bool header_asks_for_websocket(ngx_http_request_t *r)
{
	static const ngx_str_t name = ngx_string("upgrade");
	struct span protocol = { 0 };
	struct span connection = { 0 };
	size_t n;

	return r->method == NGX_HTTP_GET && r->http_version == NGX_HTTP_VERSION_11 &&
	       header_find(r, "upgrade", &protocol, &n) && n == 1 &&
	       protocol.n == strlen("websocket") &&
	       strncasecmp(protocol.at, "websocket", protocol.n) == 0 &&
	       header_find(r, "connection", &connection, &n) && is_in_list(connection, &name);
}

static bool is_api_key(
	const struct apim *m, const struct contract_operation *op, const ngx_table_elt_t *h)
{
	for (size_t i = 0; i < op->n_schemes; i++) {
		const struct contract_scheme *s = &m->contract->schemes[op->schemes[i]];

		if (s->type == SCHEME_API_KEY && !s->in_query && is_named(h, s->name))
			return true;
	}
	return false;
}

static bool goes_to_backend(const struct apim *m, const struct ctx *ctx, struct span connection,
	const ngx_table_elt_t *h)
{
	const struct verdict *v = &ctx->verdict;

	if (endpoint_login(ctx->endpoint).n > 0 && is_named(h, "authorization"))
		return false;
	if (v->strip_auth && (is_named(h, v->api->auth_header) || is_api_key(m, v->operation, h)))
		return false;
	/* An answer that will be judged, or shown to hooks, has to come whole and as it is. */
	if (v->operation && (v->operation->n_answers > 0 || hook_asks_for_answer(v) > 0) &&
		(is_named(h, "accept-encoding") || is_named(h, "range") || is_named(h, "if-range")))
		return false;
	if (is_named(h, m->contract->jwt_header))
		return false;
	if (trace_replaces(ctx, (const char *)h->lowcase_key, h->key.len))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (is_alike(name_of(h), &reserved[i]))
			return false;
	/* RFC 9110, section 7.6.1: what "Connection" names is for this hop only. */
	return !is_in_list(connection, &h->key);
}

/* What the gateway itself says; nothing when the value is empty. */
static bool add_header(ngx_pool_t *pool, ngx_list_t *list, const char *name, struct span value)
{
	size_t n = strlen(name);
	u_char *lower = value.n > 0 ? ngx_pnalloc(pool, n + 1) : NULL;
	ngx_table_elt_t *h = lower ? ngx_list_push(list) : NULL;

	if (!h)
		return value.n == 0;
	*h = (ngx_table_elt_t){
		.hash = ngx_hash_strlow(lower, (u_char *)(uintptr_t)name, n),
		.key = { n, (u_char *)(uintptr_t)name },
		.value = { value.n, (u_char *)(uintptr_t)value.at },
		.lowcase_key = lower,
	};
	return true;
}

/* The list is made anew: nginx keeps pointers into the old one. */
bool headers_strip(ngx_http_request_t *r, const struct apim *m, const struct ctx *ctx)
{
	struct span connection = { 0 };
	ngx_list_t kept;
	size_t n;

	(void)header_find(r, "connection", &connection, &n);
	if (ngx_list_init(&kept, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK)
		return false;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			ngx_table_elt_t *copy;

			if (!goes_to_backend(m, ctx, connection, &h[i]))
				continue;
			copy = ngx_list_push(&kept);
			if (!copy)
				return false;
			*copy = h[i];
		}
	}
	if (!add_header(r->pool, &kept, "Authorization", endpoint_login(ctx->endpoint)) ||
		!add_header(r->pool, &kept, m->contract->jwt_header, ctx->verdict.backend_jwt) ||
		!add_header(r->pool, &kept, "traceparent", trace_of_backend(ctx)))
		return false;
	header_replace_all(r, &kept);
	return true;
}

void header_replace_all(ngx_http_request_t *r, const ngx_list_t *list)
{
	r->headers_in.headers = *list;
	/* The list's end is a pointer into itself while it has one part. */
	if (list->last == &list->part)
		r->headers_in.headers.last = &r->headers_in.headers.part;
}

/* ---- hooks ---- */

bool header_is_reserved(const struct apim *m, const char *name)
{
	const ngx_str_t sent = text_of(name);

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (is_alike(sent, &reserved[i]))
			return true;
	return is_text(sent, m->contract->jwt_header);
}

bool header_is_credential(const struct apim *m, const struct verdict *v, const char *name)
{
	const ngx_str_t sent = text_of(name);

	if (is_text(sent, "authorization") || is_text(sent, m->contract->jwt_header))
		return true;
	for (const char **auth = m->auth_headers; *auth; auth++)
		if (is_text(sent, *auth))
			return true;
	for (size_t i = 0; i < v->operation->n_schemes; i++) {
		const struct contract_scheme *s = &m->contract->schemes[v->operation->schemes[i]];

		if (s->type == SCHEME_API_KEY && !s->in_query && is_text(sent, s->name))
			return true;
	}
	return false;
}
