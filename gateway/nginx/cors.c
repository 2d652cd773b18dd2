/* What an answer says about origins: the gateway's word replaces the backend's, which would
 * otherwise be a second one, and browsers refuse two. */
#include <strings.h>

#include "gateway/nginx/apim.h"

static bool is_backends_word(const ngx_table_elt_t *h)
{
	static const char prefix[] = "access-control-";
	static const char kept[] = "access-control-expose-headers"; /* the gateway has none */

	if (h->key.len < sizeof(prefix) - 1 ||
		strncasecmp((const char *)h->key.data, prefix, sizeof(prefix) - 1) != 0)
		return false;
	return h->key.len != sizeof(kept) - 1 ||
	       strncasecmp((const char *)h->key.data, kept, sizeof(kept) - 1) != 0;
}

static void drop_backends_words(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_out.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (is_backends_word(&h[i]))
				h[i].hash = 0; /* not sent */
	}
}

static bool add(ngx_http_request_t *r, const char *name, struct span value)
{
	return value.n == 0 || page_add_header(r, name, value) == NGX_OK;
}

bool cors_add_headers(ngx_http_request_t *r, const struct cors *c)
{
	if (!c->is_on)
		return true;
	drop_backends_words(r);
	return add(r, "Vary", text_span("Origin")) &&
	       add(r, "Access-Control-Allow-Origin", c->origin) &&
	       add(r, "Access-Control-Allow-Credentials",
		       text_span(c->credentials ? "true" : "")) &&
	       add(r, "Access-Control-Allow-Methods", c->methods) &&
	       add(r, "Access-Control-Allow-Headers", c->headers);
}
