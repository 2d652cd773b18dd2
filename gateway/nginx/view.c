#include "gateway/nginx/view.h"

#include <strings.h>

#include "gateway/core/apikey.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/json/json.h"

static bool find_header(void *arg, const char *name, struct span *ret)
{
	const struct looked_at *l = arg;
	size_t n;

	return !header_is_credential(l->m, &l->ctx->verdict, name) &&
	       header_find(l->r, name, ret, &n);
}

bool view_is_named(const ngx_table_elt_t *h, const char *name)
{
	size_t n = strlen(name);

	return h->key.len == n && strncasecmp((const char *)h->key.data, name, n) == 0;
}

static bool find_response_header(void *arg, const char *name, struct span *ret)
{
	const struct looked_at *l = arg;
	const ngx_http_headers_out_t *out = &l->r->headers_out;

	if (strcmp(name, "content-type") == 0) {
		*ret = (struct span){ (const char *)out->content_type.data, out->content_type.len };
		return out->content_type.len > 0;
	}
	for (const ngx_list_part_t *part = &out->headers.part; part; part = part->next) {
		const ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (h[i].hash != 0 && view_is_named(&h[i], name)) {
				*ret = (struct span){ (const char *)h[i].value.data,
					h[i].value.len };
				return true;
			}
	}
	return false;
}

/* The token's second part: its signature was verified by the decision. */
static const struct json *find_claims(void *arg)
{
	const struct looked_at *l = arg;
	struct span token = l->ctx->verdict.token;
	const char *from = token.n > 0 ? memchr(token.at, '.', token.n) : NULL;
	const char *to =
		from ? memchr(from + 1, '.', (size_t)(token.at + token.n - from - 1)) : NULL;
	struct err ignored;
	char *text;
	size_t n;

	if (!to)
		return NULL;
	text = base64url_decode(l->ctx->arena, from + 1, (size_t)(to - from - 1), &n);
	return text ? json_parse(l->ctx->arena, text, n, &ignored) : NULL;
}

static bool is_reserved(void *arg, const char *name)
{
	const struct looked_at *l = arg;

	return !l->is_response && header_is_reserved(l->m, name);
}

struct span view_cut_query(struct span *target)
{
	const char *mark = target->n > 0 ? memchr(target->at, '?', target->n) : NULL;
	struct span query = { 0 };

	if (mark) {
		query = (struct span){ mark + 1, (size_t)(target->at + target->n - mark - 1) };
		target->n = (size_t)(mark - target->at);
	}
	return query;
}

/* What the backend gets, without keys that it may get as well. */
static struct span shown_query(const struct looked_at *l)
{
	const struct verdict *v = &l->ctx->verdict;
	struct span path = v->forward;
	struct span query = view_cut_query(&path);

	if (query.n == 0)
		return query;
	query = (struct span){ query.at - 1, query.n + 1 }; /* with its "?" */

	for (size_t i = 0; v->operation->secured && i < v->operation->n_schemes; i++) {
		const struct contract_scheme *s =
			&l->m->contract->schemes[v->operation->schemes[i]];

		if (s->type == SCHEME_API_KEY && s->in_query)
			query = query_without(l->ctx->arena, query, s->name);
	}
	return query.n > 0 ? (struct span){ query.at + 1, query.n - 1 } : query;
}

static const char not_asked_for[] = "the script does not begin with --! body";

struct hook_view view_of(struct looked_at *l, const struct contract_script *script)
{
	const struct verdict *v = &l->ctx->verdict;
	const ngx_str_t *client = &l->r->connection->addr_text;
	struct hook_view view = {
		.method = { (const char *)l->r->method_name.data, l->r->method_name.len },
		.path = request_target(l->r),
		.query = shown_query(l),
		.client = { (const char *)client->data, client->len },
		.id = l->ctx->id,
		.api = text_span(v->api->title),
		.version = text_span(v->api->version),
		.operation = text_span(v->operation->id),
		.user = v->subject,
		.application = v->application,
		.sandbox = v->sandbox,
		.status = (int)l->r->headers_out.status,
		.body = l->body,
		.most_body = l->most_body,
		.body_hidden = script->body > 0 ? l->body_hidden : not_asked_for,
		.body_fixed = script->body > 0 ? l->body_fixed : not_asked_for,
		.header = find_header,
		.response_header = find_response_header,
		.claims = find_claims,
		.is_reserved = is_reserved,
		.arg = l,
	};

	(void)view_cut_query(&view.path);
	return view;
}
