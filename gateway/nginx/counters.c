/* The counters of rate limits: one zone for all workers, kept over a reload.
 *
 * The lock is the zone's own, which nginx releases when a worker dies with it. It is held for a few
 * memory accesses: keys are made before. */
#include "gateway/core/window.h"
#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"

enum {
	DEFAULT_COUNTERS = 65536, /* 2.5 MiB */
	SILENT_S = 60,		  /* between two complaints of a worker */
};

static ngx_slab_pool_t *pool_of(const struct apim *m)
{
	return (ngx_slab_pool_t *)m->counters->shm.addr;
}

static size_t entries_of(const struct apim *m)
{
	return m->n_counters == NGX_CONF_UNSET_UINT ? DEFAULT_COUNTERS : m->n_counters;
}

static ngx_int_t on_zone(ngx_shm_zone_t *zone, void *old)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)zone->shm.addr;
	size_t entries = entries_of(zone->data);
	unsigned char secret[WINDOW_SECRET_BYTES];
	void *memory;

	if (old || zone->shm.exists) {
		zone->data = pool->data;
		return NGX_OK;
	}
	memory = ngx_slab_calloc(pool, window_table_bytes(entries));
	if (!memory || RAND_bytes(secret, sizeof(secret)) != 1)
		return NGX_ERROR;
	zone->data = pool->data = window_table_init(memory, entries, secret);
	return NGX_OK;
}

ngx_int_t counters_zone(ngx_conf_t *cf, struct apim *m)
{
	/* The number is the layout's: another one begins anew. */
	static ngx_str_t name = ngx_string("apim_counters_2");
	size_t bytes = window_table_bytes(entries_of(m));

	/* The slab allocator keeps a few bytes about every page. */
	m->counters = ngx_shared_memory_add(
		cf, &name, bytes + bytes / 64 + 16 * ngx_pagesize, &ngx_http_apim_module);
	if (!m->counters)
		return NGX_ERROR;
	m->counters->init = on_zone;
	m->counters->data = m;
	return NGX_OK;
}

static void lock(void *m)
{
	ngx_shmtx_lock(&pool_of(m)->mutex);
}

static void unlock(void *m)
{
	ngx_shmtx_unlock(&pool_of(m)->mutex);
}

struct core_counters counters_of(struct apim *m)
{
	return (struct core_counters){ m->counters->data, lock, unlock, m };
}

uint64_t counters_evicted(const struct apim *m)
{
	return window_table_evicted(m->counters->data);
}

void counters_complain(ngx_http_request_t *r, const struct apim *m)
{
	static uint64_t told;
	static time_t told_at;
	uint64_t evicted = counters_evicted(m);

	if (evicted == told || ngx_time() - told_at < SILENT_S)
		return;
	ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
		"the counters of rate limits are full: %uL were forgotten before their time; set "
		"GATEWAY_LIMIT_COUNTERS to more than %uz",
		evicted - told, entries_of(m));
	told = evicted;
	told_at = ngx_time();
}

/* Heads and bodies, both ways. */
void counters_charge(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx)
{
	core_charge(m->core, &ctx->verdict,
		(int64_t)r->request_length + (int64_t)r->connection->sent, ngx_time());
}

/* ---- what a client is told ---- */

static ngx_int_t add_number(ngx_http_request_t *r, struct arena *a, const char *name, int64_t value)
{
	char *text = arena_printf(a, "%lld", (long long)value);

	return page_add_header(r, name, text_span(text));
}

ngx_int_t counters_tell(ngx_http_request_t *r, const struct apim *m, const struct ctx *ctx)
{
	const struct verdict_limit *l = &ctx->verdict.limit;

	if (!m->contract->limit_headers || l->count == 0)
		return NGX_OK;
	if (add_number(r, ctx->arena, "RateLimit-Limit", l->count) != NGX_OK ||
		add_number(r, ctx->arena, "RateLimit-Remaining", l->remaining) != NGX_OK ||
		add_number(r, ctx->arena, "RateLimit-Reset", l->reset_s) != NGX_OK)
		return NGX_ERROR;
	return ctx->verdict.status == NGX_HTTP_TOO_MANY_REQUESTS
		       ? add_number(r, ctx->arena, "Retry-After", l->reset_s)
		       : NGX_OK;
}
