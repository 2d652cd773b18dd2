/* Answers of backends, kept for those who ask next (x-wso2-response-cache): nginx' own cache in a
 * location of its own, with the rules of RFC 9111 that it leaves to others.
 *
 * Every request is decided first, so a kept answer is only given to callers who might have asked
 * the backend, and counts like any other. What a backend could tell apart is part of the key:
 * method, target, the endpoint (production or sandbox) and what the gateway and hooks say about the
 * caller.
 */
#include <strings.h>

#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"

enum {
	SLOTS = 4096,
	MAX_ANSWER = 8 * 1024 * 1024,
};

/* In shared memory: how often something was changed below a path that falls into the slot. */
struct changes {
	ngx_atomic_t n[SLOTS];
};

static ngx_http_output_header_filter_pt next_header;

static ngx_int_t on_zone(ngx_shm_zone_t *zone, void *old)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)zone->shm.addr;

	if (!old && !zone->shm.exists)
		pool->data = ngx_slab_calloc(pool, sizeof(struct changes));
	zone->data = pool->data;
	return pool->data ? NGX_OK : NGX_ERROR;
}

static bool is_needed(const struct contract *c)
{
	for (size_t i = 0; i < c->n_apis; i++)
		if (c->apis[i].cache_s > 0)
			return true;
	return false;
}

bool cache_zone(ngx_conf_t *cf, struct apim *m)
{
	static ngx_str_t name = ngx_string("apim_changes");

	if (!is_needed(m->contract))
		return true;
	m->changes = ngx_shared_memory_add(
		cf, &name, sizeof(struct changes) * 2 + 16 * ngx_pagesize, &ngx_http_apim_module);
	if (!m->changes)
		return false;
	m->changes->init = on_zone;
	m->changes->data = m;
	return true;
}

/* ---- which request ---- */

bool cache_has(const struct ctx *ctx)
{
	const ngx_http_request_t *r = ctx->request;

	return ctx->verdict.api->cache_s > 0 && (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) &&
	       !ctx->is_websocket && !ctx->is_grpc;
}

ngx_int_t cache_forward(ngx_http_request_t *r)
{
	static ngx_str_t location = ngx_string("@cached");

	return ngx_http_named_location(r, &location);
}

/* The path below the base path, whatever the query: a change concerns all of them. */
static ngx_atomic_t *slot_of(const struct apim *m, const struct ctx *ctx)
{
	struct changes *changes = m->changes->data;
	struct span path = ctx->verdict.forward;
	const char *query = memchr(path.at, '?', path.n);
	size_t n = query ? (size_t)(query - path.at) : path.n;
	uint32_t hash = ngx_murmur_hash2((u_char *)(uintptr_t)path.at, n);

	return &changes->n[(hash ^ (size_t)(ctx->verdict.api - m->contract->apis) * 31) % SLOTS];
}

struct span cache_key(struct ctx *ctx)
{
	const struct apim *m = apim_of(ctx->request);
	const struct verdict *v = &ctx->verdict;

	if (!m->changes || ctx->verdict.kind != VERDICT_FORWARD)
		return text_span("");
	return text_span(arena_printf(ctx->arena, "%s %zu %zu %lu %.*s %.*s %.*s %.*s",
		m->fingerprint, (size_t)(v->api - m->contract->apis),
		(size_t)(v->endpoint - m->contract->endpoints), (unsigned long)*slot_of(m, ctx),
		(int)ctx->request->method_name.len, ctx->request->method_name.data,
		(int)v->forward.n, v->forward.at, (int)v->backend_jwt.n, v->backend_jwt.at,
		(int)ctx->hooked.n, ctx->hooked.at));
}

/* RFC 9111, 4.4: what a client changed is asked for anew. */
void cache_changed(struct apim *m, const struct ctx *ctx, ngx_uint_t status)
{
	const ngx_uint_t safe = NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS;

	if (m->changes && ctx && ctx->verdict.kind == VERDICT_FORWARD &&
		ctx->verdict.api->cache_s > 0 && !(ctx->request->method & safe) &&
		status < NGX_HTTP_BAD_REQUEST)
		(void)ngx_atomic_fetch_add(slot_of(m, ctx), 1);
}

/* ---- what requests and answers say ---- */

/* A directive of a list like Cache-Control's, with or without a value. */
static bool has_directive(struct span list, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= list.n; i++) {
		bool begins = i == 0 || list.at[i - 1] == ',' || list.at[i - 1] == ' ';
		bool ends = i + n == list.n || strchr(",= ;", list.at[i + n]);

		if (begins && ends && strncasecmp(list.at + i, name, n) == 0)
			return true;
	}
	return false;
}

static bool is_asked_for(struct ctx *ctx, const char *directive)
{
	struct span value;
	size_t n;

	return header_find(ctx->request, "cache-control", &value, &n) &&
	       has_directive(value, directive);
}

struct span cache_bypass(struct ctx *ctx)
{
	struct span value;
	size_t n;
	bool fresh = is_asked_for(ctx, "no-cache") || is_asked_for(ctx, "no-store") ||
		     is_asked_for(ctx, "max-age=0") ||
		     (header_find(ctx->request, "pragma", &value, &n) &&
			     has_directive(value, "no-cache"));

	return text_span(fresh ? "1" : "");
}

struct span cache_no_store(struct ctx *ctx)
{
	return text_span(is_asked_for(ctx, "no-store") ? "1" : "");
}

static ngx_table_elt_t *answer_header(ngx_http_request_t *r, const char *name, ngx_uint_t nth)
{
	size_t n = strlen(name);

	for (ngx_list_part_t *part = &r->headers_out.headers.part; part; part = part->next) {
		ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (h[i].hash != 0 && h[i].key.len == n &&
				strncasecmp((const char *)h[i].key.data, name, n) == 0 &&
				nth-- == 0)
				return &h[i];
	}
	return NULL;
}

static bool answer_says(ngx_http_request_t *r, const char *directive)
{
	ngx_table_elt_t *h;

	for (ngx_uint_t i = 0; (h = answer_header(r, "cache-control", i)); i++)
		if (has_directive(
			    (struct span){ (const char *)h->value.data, h->value.len }, directive))
			return true;
	return false;
}

/* RFC 9111, 3.5: an answer to somebody who said who he is is for him alone, unless it says more. */
static bool is_for_all(ngx_http_request_t *r, const struct ctx *ctx)
{
	struct span value;
	size_t n;

	if (!ctx->verdict.operation->secured &&
		!header_find(r, ctx->verdict.api->auth_header, &value, &n) &&
		!header_find(r, "authorization", &value, &n))
		return true;
	return answer_says(r, "public") || answer_says(r, "s-maxage") ||
	       answer_says(r, "must-revalidate");
}

/* What it was old when it came here. */
static time_t age_of(const ngx_table_elt_t *h)
{
	ngx_int_t age = h ? ngx_atoi(h->value.data, h->value.len) : 0;

	return age > 0 ? age : 0;
}

static ngx_int_t add_age(ngx_http_request_t *r, struct ctx *ctx)
{
	ngx_table_elt_t *before = answer_header(r, "age", 0);
	time_t age = ngx_max(ngx_time() - r->cache->date, 0) + age_of(before);

	if (before)
		before->hash = 0;
	return page_add_header(
		r, "Age", text_span(arena_printf(ctx->arena, "%lld", (long long)age)));
}

/* Before nginx writes what it keeps. What is not kept is passed on as it comes, as elsewhere. */
static void limit(ngx_http_request_t *r, const struct ctx *ctx)
{
	time_t latest = ngx_time() + (time_t)ctx->verdict.api->cache_s;

	if (r->cache->valid_sec > 0)
		r->cache->valid_sec -= age_of(answer_header(r, "age", 0));
	r->cache->valid_sec = ngx_min(r->cache->valid_sec, latest);
	r->cache->updating_sec = 0; /* never served stale */
	r->cache->error_sec = 0;
	if (r->cache->valid_sec <= ngx_time() || r->headers_out.content_length_n > MAX_ANSWER ||
		!is_for_all(r, ctx))
		r->upstream->cacheable = 0;
	if (!r->upstream->cacheable)
		r->upstream->buffering = 0;
}

static ngx_int_t header_filter(ngx_http_request_t *r)
{
	struct ctx *ctx = r == r->main && r->cache ? ctx_get(r) : NULL;

	if (!ctx || !ctx->arena || !r->upstream || ctx->verdict.kind != VERDICT_FORWARD)
		return next_header(r);
	if (r->cached) {
		if (add_age(r, ctx) != NGX_OK)
			return NGX_ERROR;
	} else {
		limit(r, ctx);
	}
	return next_header(r);
}

void cache_init(const struct apim *m)
{
	if (!m->changes)
		return;
	next_header = ngx_http_top_header_filter;
	ngx_http_top_header_filter = header_filter;
}
