/* What a script sees of a request and of a backend's answer: gateway/hook's view of nginx' own
 * structures. Credentials are never in it. */
#ifndef GATEWAY_NGINX_VIEW_H
#define GATEWAY_NGINX_VIEW_H

#include "gateway/hook/hook.h"
#include "gateway/nginx/apim.h"

/* What the callbacks of a view work on. */
struct looked_at {
	ngx_http_request_t *r;
	const struct apim *m;
	struct ctx *ctx;
	bool is_response;
	struct span body;
	size_t most_body;
	const char *body_hidden; /* even from scripts that ask for it */
	const char *body_fixed;
};

/* Of this script, for as long as l lives. */
struct hook_view view_of(struct looked_at *l, const struct contract_script *script);

/* Cut in two at the first "?"; gives what follows it. */
struct span view_cut_query(struct span *target);

/* A header of that name, in any case. */
bool view_is_named(const ngx_table_elt_t *h, const char *name);

#endif
