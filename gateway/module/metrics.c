/* Counters in shared memory and their Prometheus text.
 *
 * Labels are the contract's (API, version, operation): a client cannot make new ones.
 */
#include "gateway/module/apim.h"

#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

enum {
	CLASSES = 5, /* 1xx to 5xx */
	BUCKETS = 12,
	FAULTS = 32,
	TEXT_MAX = 16 * 1024 * 1024,
};

static const ngx_msec_t bucket_ms[BUCKETS] = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30000 };

/* Faults by code, in the order of the specification. */
static const int fault_codes[] = { 900900, 900901, 900902, 900903, 900904, 900905, 900906, 900907, 900908, 900909,
	900910, 900911, 900912, 900913, 900914, 900915, 900916, 900917, 900800, 900802, 900803, 900804 };

struct operation_counters {
	ngx_atomic_t by_class[CLASSES];
};

struct counters {
	ngx_atomic_t buckets[BUCKETS + 1];
	ngx_atomic_t milliseconds;
	ngx_atomic_t faults[FAULTS];
	ngx_atomic_t upstream_errors;
	ngx_atomic_t cache_hits;
	ngx_atomic_t cache_misses;
	struct operation_counters unrouted;
	struct operation_counters operations[]; /* in the order of the contract */
};

static size_t count_operations(const struct contract *c)
{
	size_t n = 0;

	for (size_t a = 0; a < c->n_apis; a++)
		for (size_t p = 0; p < c->apis[a].n_paths; p++)
			n += c->apis[a].paths[p].n_operations;
	return n;
}

static ngx_int_t init_zone(ngx_shm_zone_t *zone, void *old)
{
	struct apim_main_conf *m = zone->data;
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)zone->shm.addr;
	size_t size = sizeof(struct counters) + count_operations(m->contract) * sizeof(struct operation_counters);

	/* A reload keeps what was counted. */
	if (old || zone->shm.exists)
		return NGX_OK;
	pool->data = ngx_slab_calloc(pool, size);
	return pool->data ? NGX_OK : NGX_ERROR;
}

/* For each path of each API the number of operations before it. */
static void number_operations(struct apim_main_conf *m)
{
	const struct contract *c = m->contract;
	size_t n = 0;

	m->first_operation = arena_alloc(m->arena, (c->n_apis + 1) * sizeof(*m->first_operation));
	for (size_t a = 0; a < c->n_apis; a++) {
		m->first_operation[a] = arena_alloc(m->arena, (c->apis[a].n_paths + 1) * sizeof(size_t));
		for (size_t p = 0; p < c->apis[a].n_paths; p++) {
			m->first_operation[a][p] = n;
			n += c->apis[a].paths[p].n_operations;
		}
	}
}

ngx_int_t apim_metrics_zone(ngx_conf_t *cf, struct apim_main_conf *m)
{
	ngx_str_t name = ngx_string("apim_metrics");
	size_t size = 16 * ngx_pagesize + sizeof(struct counters) +
		      count_operations(m->contract) * sizeof(struct operation_counters);

	m->metrics = ngx_shared_memory_add(cf, &name, size, &ngx_http_apim_module);
	if (!m->metrics)
		return NGX_ERROR;
	number_operations(m);
	m->metrics->init = init_zone;
	m->metrics->data = m;
	return NGX_OK;
}

static struct counters *counters_of(const struct apim_main_conf *m)
{
	return m->metrics ? ((ngx_slab_pool_t *)m->metrics->shm.addr)->data : NULL;
}

static size_t operation_index(const struct apim_main_conf *m, const struct verdict *v)
{
	const size_t api = (size_t)(v->api - m->contract->apis);
	const size_t path = (size_t)(v->path - v->api->paths);

	return m->first_operation[api][path] + (size_t)(v->operation - v->path->operations);
}

static void count_fault(struct counters *c, int code)
{
	for (size_t i = 0; i < sizeof(fault_codes) / sizeof(fault_codes[0]); i++)
		if (fault_codes[i] == code)
			ngx_atomic_fetch_add(&c->faults[i], 1);
}

static void count_time(struct counters *c, const ngx_http_request_t *r)
{
	ngx_time_t *now = ngx_timeofday();
	ngx_msec_int_t ms = (ngx_msec_int_t)((now->sec - r->start_sec) * 1000 + (ngx_msec_int_t)(now->msec - r->start_msec));
	size_t i = 0;

	ms = ngx_max(ms, 0);
	while (i < BUCKETS && (ngx_msec_t)ms > bucket_ms[i])
		i++;
	ngx_atomic_fetch_add(&c->buckets[i], 1);
	ngx_atomic_fetch_add(&c->milliseconds, (ngx_atomic_int_t)ms);
}

ngx_int_t apim_metrics_log(ngx_http_request_t *r)
{
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);
	const struct apim_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_apim_module);
	struct counters *c = counters_of(m);
	struct operation_counters *o;
	ngx_uint_t class = r->headers_out.status / 100;

	if (!c || !ctx || ctx->verdict.kind == VERDICT_HEALTH)
		return NGX_OK;
	o = ctx->verdict.operation && ctx->verdict.path && ctx->verdict.api ?
		    &c->operations[operation_index(m, &ctx->verdict)] :
		    &c->unrouted;
	if (class >= 1 && class <= CLASSES)
		ngx_atomic_fetch_add(&o->by_class[class - 1], 1);
	count_time(c, r);
	if (ctx->verdict.fault_code)
		count_fault(c, ctx->verdict.fault_code);
	if (r->upstream && r->upstream->state && r->upstream->state->status >= NGX_HTTP_BAD_GATEWAY)
		ngx_atomic_fetch_add(&c->upstream_errors, 1);
	if (ctx->verdict.kind == VERDICT_FORWARD && ctx->verdict.operation && ctx->verdict.operation->secured)
		ngx_atomic_fetch_add(ctx->verdict.token_cached ? &c->cache_hits : &c->cache_misses, 1);
	return NGX_OK;
}

/* ---- the text ---- */

static void add_label(struct str *s, const char *key, const char *value)
{
	str_addf(s, "%s=\"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			str_addc(s, '\\');
		if (*value == '\n')
			str_add(s, "\\n");
		else
			str_addc(s, *value);
	}
	str_addc(s, '"');
}

static void add_classes(struct str *s, const struct operation_counters *o, const char *title, const char *version,
	const char *operation)
{
	for (int i = 0; i < CLASSES; i++) {
		if (!o->by_class[i])
			continue;
		str_add(s, "apim_gateway_requests_total{");
		add_label(s, "api", title);
		str_addc(s, ',');
		add_label(s, "version", version);
		str_addc(s, ',');
		add_label(s, "operation", operation);
		str_addf(s, ",code=\"%dxx\"} %lu\n", i + 1, (unsigned long)o->by_class[i]);
	}
}

static void add_operations(struct str *s, const struct contract *k, const struct counters *c)
{
	const struct operation_counters *o = c->operations;

	for (size_t a = 0; a < k->n_apis; a++)
		for (size_t p = 0; p < k->apis[a].n_paths; p++)
			for (size_t i = 0; i < k->apis[a].paths[p].n_operations; i++)
				add_classes(s, o++, k->apis[a].title, k->apis[a].version,
					k->apis[a].paths[p].operations[i].id);
	add_classes(s, &c->unrouted, "", "", "");
}

static void add_histogram(struct str *s, const struct counters *c)
{
	unsigned long sum = 0;

	str_add(s, "# TYPE apim_gateway_request_seconds histogram\n");
	for (int i = 0; i < BUCKETS; i++) {
		sum += c->buckets[i];
		str_addf(s, "apim_gateway_request_seconds_bucket{le=\"%.3f\"} %lu\n", (double)bucket_ms[i] / 1000, sum);
	}
	sum += c->buckets[BUCKETS];
	str_addf(s, "apim_gateway_request_seconds_bucket{le=\"+Inf\"} %lu\n", sum);
	str_addf(s, "apim_gateway_request_seconds_sum %.3f\n", (double)c->milliseconds / 1000);
	str_addf(s, "apim_gateway_request_seconds_count %lu\n", sum);
}

static void add_all(struct str *s, const struct contract *k, const struct counters *c)
{
	str_addf(s, "# TYPE apim_gateway_build_info gauge\napim_gateway_build_info{version=\"%s\",nginx=\"%s\"} 1\n",
		APIM_VERSION, NGINX_VERSION);
	str_add(s, "# TYPE apim_gateway_requests_total counter\n");
	add_operations(s, k, c);
	add_histogram(s, c);
	str_add(s, "# TYPE apim_gateway_faults_total counter\n");
	for (size_t i = 0; i < sizeof(fault_codes) / sizeof(fault_codes[0]); i++)
		if (c->faults[i])
			str_addf(s, "apim_gateway_faults_total{code=\"%d\"} %lu\n", fault_codes[i],
				(unsigned long)c->faults[i]);
	str_add(s, "# TYPE apim_gateway_upstream_errors_total counter\n");
	str_addf(s, "apim_gateway_upstream_errors_total %lu\n", (unsigned long)c->upstream_errors);
	str_add(s, "# TYPE apim_gateway_token_cache_total counter\n");
	str_addf(s, "apim_gateway_token_cache_total{result=\"hit\"} %lu\n", (unsigned long)c->cache_hits);
	str_addf(s, "apim_gateway_token_cache_total{result=\"miss\"} %lu\n", (unsigned long)c->cache_misses);
}

static ngx_int_t metrics_handler(ngx_http_request_t *r)
{
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);
	struct counters *c = counters_of(m);
	ngx_str_t type = ngx_string("text/plain; version=0.0.4");
	ngx_http_complex_value_t value;
	struct arena *a;
	struct str s;

	if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
		return NGX_HTTP_NOT_ALLOWED;
	if (!c)
		return NGX_HTTP_NOT_FOUND;
	a = arena_new();
	str_init(&s, a, TEXT_MAX);
	add_all(&s, m->contract, c);
	ngx_memzero(&value, sizeof(value));
	value.value.len = s.len;
	value.value.data = ngx_pnalloc(r->pool, s.len);
	if (value.value.data)
		ngx_memcpy(value.value.data, s.ptr, s.len);
	arena_free(a);
	if (!value.value.data)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return ngx_http_send_response(r, NGX_HTTP_OK, &type, &value);
}

char *apim_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	ngx_http_core_loc_conf_t *location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

	(void)cmd;
	(void)conf;
	location->handler = metrics_handler;
	return NGX_CONF_OK;
}
