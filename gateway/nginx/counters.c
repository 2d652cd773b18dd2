/* The counters of rate limits: one zone for all workers, kept over a reload.
 *
 * The lock is the zone's own, which nginx releases when a worker dies with it. It is held for a few
 * memory accesses: keys are made before. */
#include "gateway/core/share.h"
#include "gateway/core/window.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/replicas.h"
#include "lib/base/arena.h"

enum {
	DEFAULT_COUNTERS = 65536, /* 2.5 MiB */
	SILENT_S = 60,		  /* between two complaints of a worker */
};

/* In the zone. */
struct zone {
	struct window_table *table;
	struct share_memory *share; /* NULL: no other replicas */
};

static ngx_slab_pool_t *pool_of(const struct apim *m)
{
	return (ngx_slab_pool_t *)m->counters->shm.addr;
}

static size_t entries_of(const struct apim *m)
{
	return m->n_counters == NGX_CONF_UNSET_UINT ? DEFAULT_COUNTERS : m->n_counters;
}

static bool fill(struct zone *z, ngx_slab_pool_t *pool, const struct apim *m)
{
	unsigned char secret[WINDOW_SECRET_BYTES];
	void *memory = ngx_slab_calloc(pool, window_table_bytes(entries_of(m)));

	if (!memory)
		return false;
	if (!m->replicas) {
		if (RAND_bytes(secret, sizeof(secret)) != 1)
			return false;
		z->table = window_table_init(memory, entries_of(m), secret);
		return true;
	}
	replicas_window_secret(m->replicas, secret);
	z->table = window_table_init(memory, entries_of(m), secret);
	memory = ngx_slab_calloc(pool, share_memory_bytes(window_entries(z->table)));
	z->share = memory ? replicas_memory(m->replicas, memory, window_entries(z->table)) : NULL;
	return z->share != NULL;
}

static ngx_int_t on_zone(ngx_shm_zone_t *zone, void *old)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)zone->shm.addr;
	struct zone *z;

	if (old || zone->shm.exists) {
		zone->data = pool->data;
		return NGX_OK;
	}
	z = ngx_slab_calloc(pool, sizeof(*z));
	if (!z || !fill(z, pool, zone->data))
		return NGX_ERROR;
	zone->data = pool->data = z;
	return NGX_OK;
}

/* The number is the layout's: another one begins anew, as do other replicas. */
static ngx_str_t *name_of(const struct apim *m)
{
	const char *suffix = m->replicas ? replicas_fingerprint(m->replicas) : "";
	const char *text = arena_printf(m->arena, "apim_counters_3%s", suffix);
	ngx_str_t *name = arena_alloc(m->arena, sizeof(*name));

	*name = (ngx_str_t){ strlen(text), (u_char *)(uintptr_t)text };
	return name;
}

ngx_int_t counters_zone(ngx_conf_t *cf, struct apim *m)
{
	size_t bytes = window_table_bytes(entries_of(m));

	if (m->replicas)
		bytes += share_memory_bytes(entries_of(m) + WINDOW_WAYS);
	/* The slab allocator keeps a few bytes about every page. */
	m->counters = ngx_shared_memory_add(
		cf, name_of(m), bytes + bytes / 64 + 16 * ngx_pagesize, &ngx_http_apim_module);
	if (!m->counters)
		return NGX_ERROR;
	m->counters->init = on_zone;
	m->counters->data = m;
	return NGX_OK;
}

void counters_lock(struct apim *m)
{
	ngx_shmtx_lock(&pool_of(m)->mutex);
	if (m->replicas)
		replicas_set_time(m->replicas);
}

void counters_unlock(struct apim *m)
{
	ngx_shmtx_unlock(&pool_of(m)->mutex);
	if (m->replicas)
		replicas_send_soon(m->replicas);
}

static void lock(void *m)
{
	counters_lock(m);
}

static void unlock(void *m)
{
	counters_unlock(m);
}

struct core_counters counters_of(struct apim *m)
{
	const struct zone *z = m->counters->data;

	return (struct core_counters){ z->table, lock, unlock, m,
		m->replicas ? replicas_share(m->replicas, z->table, z->share) : NULL };
}

uint64_t counters_evicted(const struct apim *m)
{
	return window_table_evicted(((const struct zone *)m->counters->data)->table);
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
