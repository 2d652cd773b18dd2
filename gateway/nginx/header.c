#include <strings.h>

#include "gateway/nginx/apim.h"

/* Said by gateways only: a backend may trust them, so a client cannot. nginx.conf sets its own
 * X-Forwarded-* and X-Request-ID. The last ones make some frameworks serve another path or method
 * than the one that was checked. */
static const char *const reserved[] = { "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
	"x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server", "x-forwarded-scheme",
	"x-forwarded-ssl", "x-forwarded-uri", "x-real-ip", "x-request-id", "forwarded", "proxy",
	"x-original-url", "x-rewrite-url", "x-original-host", "x-http-method-override",
	"x-http-method", "x-method-override" };

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
static bool is_named(const ngx_table_elt_t *h, const char *name)
{
	size_t n = strlen(name);

	if (h->key.len != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char x = h->lowcase_key[i] == '_' ? '-' : (char)h->lowcase_key[i];
		char y = name[i] == '_' ? '-' : (char)ngx_tolower(name[i]);

		if (x != y)
			return false;
	}
	return true;
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

/* RFC 9110, section 7.6.1: what "Connection" names is for this hop only. */
static bool is_for_this_hop(ngx_http_request_t *r, const ngx_table_elt_t *h)
{
	ngx_table_elt_t *c = r->headers_in.connection;
	const u_char *at = c ? c->value.data : NULL;
	const u_char *end = c ? at + c->value.len : NULL;

	while (at < end) {
		const u_char *from = at;
		size_t n;

		while (at < end && *at != ',')
			at++;
		for (n = (size_t)(at - from); n > 0 && (*from == ' ' || *from == '\t'); n--)
			from++;
		while (n > 0 && (from[n - 1] == ' ' || from[n - 1] == '\t'))
			n--;
		if (n == h->key.len &&
			strncasecmp((const char *)from, (const char *)h->key.data, n) == 0)
			return true;
		at++;
	}
	return false;
}

static bool goes_to_backend(ngx_http_request_t *r, const struct apim *m, const struct verdict *v,
	const ngx_table_elt_t *h)
{
	if (v->strip_auth && is_named(h, v->api->auth_header))
		return false;
	if (is_named(h, m->contract->jwt_header))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (is_named(h, reserved[i]))
			return false;
	return !is_for_this_hop(r, h);
}

/* The list is made anew: nginx keeps pointers into the old one. */
bool headers_strip(ngx_http_request_t *r, const struct apim *m, const struct verdict *v)
{
	ngx_list_t kept;

	if (ngx_list_init(&kept, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK)
		return false;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			ngx_table_elt_t *copy;

			if (!goes_to_backend(r, m, v, &h[i]))
				continue;
			copy = ngx_list_push(&kept);
			if (!copy)
				return false;
			*copy = h[i];
		}
	}
	r->headers_in.headers = kept;
	/* The list's end is a pointer into itself while it has one part. */
	if (kept.last == &kept.part)
		r->headers_in.headers.last = &r->headers_in.headers.part;
	return true;
}
