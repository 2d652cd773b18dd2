/* Counters in shared memory, written by all workers, read by whichever answers /metrics.
 *
 * Labels are bounded: operations come from the contract, never from a request. The zone's name
 * carries the contract's fingerprint, so that after a reload equal contracts go on counting and
 * others begin anew. */
#include "gateway/core/fault.h"
#include "gateway/core/usage.h"
#include "gateway/hook/hook.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/backend.h"
#include "gateway/nginx/replicas.h"
#include "lib/base/version.h"

enum {
	CLASSES = 5, /* 1xx … 5xx */
	BUCKETS = 12,
};

static const struct {
	uint64_t ms;
	const char *seconds;
} buckets[BUCKETS] = { { 1, "0.001" }, { 3, "0.003" }, { 5, "0.005" }, { 10, "0.01" },
	{ 25, "0.025" }, { 50, "0.05" }, { 100, "0.1" }, { 250, "0.25" }, { 500, "0.5" },
	{ 1000, "1" }, { 5000, "5" }, { 30000, "30" } };

static const int fault_codes[] = { 101503, 101504, 101505, FAULT_HOOK, 900800, 900802, 900803,
	900804, 900809, 900900, 900901, 900902, 900903, 900904, 900905, 900906, 900907, 900908,
	900909, 900910, 900911, 900912, 900917, 400, 408, 415, 500, 501, 503, 505 };

/* By enum hook_outcome. */
static const char *const hook_results[HOOK_OUTCOMES] = { "ok", "answered", "failed", "time",
	"memory" };

static const char *const upstream_errors[UPSTREAM_ERRORS] = { "name", "connect", "timeout" };

/* In the zone. */
struct counters {
	ngx_atomic_t faults[ARRAY_LEN(fault_codes)];
	ngx_atomic_t upstream[UPSTREAM_ERRORS];
	ngx_atomic_t spans[SPANS_OUTCOMES];
	ngx_atomic_t hooks[2][HOOK_OUTCOMES]; /* of requests, of responses */
	ngx_atomic_t cache_hits;
	ngx_atomic_t cache_misses;
	ngx_atomic_t duration[BUCKETS + 1]; /* the last one: longer */
	ngx_atomic_t duration_ms;
	ngx_atomic_t requests[]; /* [operation, the last one: none][class], then [api][kept, not] */
};

static size_t zone_bytes(const struct apim *m)
{
	return sizeof(struct counters) +
	       ((m->n_ops + 1) * CLASSES + 2 * m->contract->n_apis) * sizeof(ngx_atomic_t);
}

static ngx_int_t on_zone(ngx_shm_zone_t *zone, void *old)
{
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)zone->shm.addr;
	struct apim *m = zone->data;

	if (old || zone->shm.exists) {
		zone->data = pool->data;
		return NGX_OK;
	}
	pool->data = ngx_slab_calloc(pool, zone_bytes(m));
	zone->data = pool->data;
	return pool->data ? NGX_OK : NGX_ERROR;
}

ngx_int_t metrics_zone(ngx_conf_t *cf, struct apim *m)
{
	ngx_str_t name;

	name.len = strlen("apim_") + strlen(m->fingerprint);
	name.data = ngx_pnalloc(cf->pool, name.len + 1);
	if (!name.data)
		return NGX_ERROR;
	(void)ngx_sprintf(name.data, "apim_%s%Z", m->fingerprint);
	/* The slab allocator's own needs, rounded up generously. */
	m->zone = ngx_shared_memory_add(
		cf, &name, zone_bytes(m) * 5 / 4 + 16 * ngx_pagesize, &ngx_http_apim_module);
	if (!m->zone)
		return NGX_ERROR;
	m->zone->init = on_zone;
	m->zone->data = m;
	return NGX_OK;
}

static struct counters *numbers_of(const struct apim *m)
{
	return m->zone->data;
}

static void count(ngx_atomic_t *counter, ngx_atomic_int_t n)
{
	(void)ngx_atomic_fetch_add(counter, n);
}

/* Two numbers for each API: answers that were kept, and those that a backend was asked for. */
static ngx_atomic_t *answers_of(const struct apim *m, size_t api)
{
	return &numbers_of(m)->requests[(m->n_ops + 1) * CLASSES + 2 * api];
}

static void count_answer(struct apim *m, const struct ctx *ctx)
{
	const ngx_http_upstream_t *u = ctx->request->upstream;

	if (ctx->request->cache && u)
		count(&answers_of(m,
			      (size_t)(ctx->verdict.api -
				       m->contract->apis))[u->cache_status != NGX_HTTP_CACHE_HIT],
			1);
}

static size_t operation_number(const struct apim *m, const struct verdict *v)
{
	size_t api, path;

	if (!v->api || !v->path || !v->operation)
		return m->n_ops;
	api = (size_t)(v->api - m->contract->apis);
	path = (size_t)(v->path - v->api->paths);
	return m->op_base[api][path] + (size_t)(v->operation - v->path->operations);
}

static void count_fault(struct counters *c, int code)
{
	for (size_t i = 0; i < ARRAY_LEN(fault_codes); i++)
		if (fault_codes[i] == code)
			count(&c->faults[i], 1);
}

static void count_duration(struct counters *c, uint64_t ms)
{
	size_t i = 0;

	while (i < BUCKETS && ms > buckets[i].ms)
		i++;
	count(&c->duration[i], 1);
	count(&c->duration_ms, (ngx_atomic_int_t)ms);
}

void metrics_request(struct apim *m, const struct ctx *ctx, ngx_uint_t status, uint64_t ms)
{
	struct counters *c = numbers_of(m);
	static const struct verdict none;
	const struct verdict *v = ctx ? &ctx->verdict : &none;
	size_t class = status >= 100 && status < 600 ? status / 100 - 1 : CLASSES - 1;

	count(&c->requests[operation_number(m, v) * CLASSES + class], 1);
	count_duration(c, ms);
	if (ctx && ctx->fault != 0)
		count_fault(c, ctx->fault);
	if (v->kind == VERDICT_FORWARD && v->operation && v->operation->secured)
		count(v->token_cached ? &c->cache_hits : &c->cache_misses, 1);
	if (ctx && v->kind == VERDICT_FORWARD)
		count_answer(m, ctx);
}

void metrics_upstream_error(struct apim *m, enum upstream_error e)
{
	count(&numbers_of(m)->upstream[e], 1);
}

void metrics_spans(struct apim *m, enum spans_outcome o, unsigned int n)
{
	count(&numbers_of(m)->spans[o], (ngx_atomic_int_t)n);
}

void metrics_hook(const struct apim *m, bool is_response, unsigned int outcome)
{
	count(&numbers_of(m)->hooks[is_response][outcome], 1);
}

/* ---- the text ---- */

struct out {
	char *at;
	const char *end;
};

static void add(struct out *o, const char *s)
{
	o->at = text_add(o->at, o->end, s);
}

static void add_value(struct out *o, uint64_t n)
{
	add(o, " ");
	o->at = text_number(o->at, o->end, n);
	add(o, "\n");
}

static void add_label(struct out *o, const char *key, const char *value)
{
	add(o, key);
	add(o, "=\"");
	o->at = text_label(o->at, o->end, text_span(value));
	add(o, "\"");
}

static void add_head(struct out *o, const char *name, const char *type, const char *help)
{
	add(o, "# HELP ");
	add(o, name);
	add(o, " ");
	add(o, help);
	add(o, "\n# TYPE ");
	add(o, name);
	add(o, " ");
	add(o, type);
	add(o, "\n");
}

static void add_operation(struct out *o, const struct apim *m, const struct contract_api *api,
	const char *operation, size_t number)
{
	static const char *const classes[CLASSES] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
	const ngx_atomic_t *n = &numbers_of(m)->requests[number * CLASSES];

	for (size_t class = 0; class < CLASSES; class ++) {
		if (n[class] == 0)
			continue;
		add_label(o, "gateway_requests_total{api", api ? api->title : "");
		add_label(o, ",version", api ? api->version : "");
		add_label(o, ",operation", operation);
		add_label(o, ",status", classes[class]);
		add(o, "}");
		add_value(o, n[class]);
	}
}

static void add_requests(struct out *o, const struct apim *m)
{
	const struct contract *c = m->contract;

	add_head(o, "gateway_requests_total", "counter",
		"Requests by operation and class of status; without api: no operation matched.");
	for (size_t i = 0; i < c->n_apis; i++)
		for (size_t k = 0; k < c->apis[i].n_paths; k++) {
			const struct contract_path *p = &c->apis[i].paths[k];

			for (size_t j = 0; j < p->n_operations; j++)
				add_operation(o, m, &c->apis[i], p->operations[j].id,
					m->op_base[i][k] + j);
		}
	add_operation(o, m, NULL, "", m->n_ops);
}

static void add_duration(struct out *o, const struct counters *c)
{
	uint64_t sum = 0;
	char seconds[40];

	add_head(o, "gateway_request_duration_seconds", "histogram",
		"First byte of the request to last byte of the answer.");
	for (size_t i = 0; i <= BUCKETS; i++) {
		sum += c->duration[i];
		add_label(o, "gateway_request_duration_seconds_bucket{le",
			i < BUCKETS ? buckets[i].seconds : "+Inf");
		add(o, "}");
		add_value(o, sum);
	}
	(void)snprintf(seconds, sizeof(seconds), " %llu.%03u\n",
		(unsigned long long)(c->duration_ms / 1000), (unsigned)(c->duration_ms % 1000));
	add(o, "gateway_request_duration_seconds_sum");
	add(o, seconds);
	add(o, "gateway_request_duration_seconds_count");
	add_value(o, sum);
}

static void add_faults(struct out *o, const struct counters *c)
{
	char code[16];

	add_head(o, "gateway_faults_total", "counter",
		"Answers of the gateway itself, by fault code.");
	for (size_t i = 0; i < ARRAY_LEN(fault_codes); i++) {
		(void)snprintf(code, sizeof(code), "%d", fault_codes[i]);
		add_label(o, "gateway_faults_total{code", code);
		add(o, "}");
		add_value(o, c->faults[i]);
	}
}

static void add_upstream(struct out *o, const struct counters *c)
{
	add_head(o, "gateway_upstream_errors_total", "counter",
		"Requests that failed because of their backend.");
	for (size_t i = 0; i < UPSTREAM_ERRORS; i++) {
		add_label(o, "gateway_upstream_errors_total{kind", upstream_errors[i]);
		add(o, "}");
		add_value(o, c->upstream[i]);
	}
}

static void add_hooks(struct out *o, const struct apim *m)
{
	static const char *const phases[] = { "request", "response" };

	if (!m->hooks)
		return;
	add_head(o, "gateway_hooks_total", "counter", "Runs of hooks, by how they ended.");
	for (size_t phase = 0; phase < ARRAY_LEN(phases); phase++)
		for (size_t i = 0; i < HOOK_OUTCOMES; i++) {
			if (phase == 1 && i == HOOK_ANSWERED)
				continue; /* it cannot */
			add_label(o, "gateway_hooks_total{phase", phases[phase]);
			add_label(o, ",result", hook_results[i]);
			add(o, "}");
			add_value(o, numbers_of(m)->hooks[phase][i]);
		}
}

static void add_cache(struct out *o, const struct counters *c)
{
	add_head(o, "gateway_token_cache_total", "counter",
		"Accepted tokens whose signature was known already (hit) or verified (miss).");
	add(o, "gateway_token_cache_total{result=\"hit\"}");
	add_value(o, c->cache_hits);
	add(o, "gateway_token_cache_total{result=\"miss\"}");
	add_value(o, c->cache_misses);
}

static void add_answers(struct out *o, const struct apim *m)
{
	static const char *const results[] = { "hit", "miss" };

	if (!m->changes)
		return;
	add_head(o, "gateway_response_cache_total", "counter",
		"Requests of APIs that keep answers: given a kept one (hit), or a backend was asked (miss).");
	for (size_t i = 0; i < m->contract->n_apis; i++)
		for (size_t k = 0; m->contract->apis[i].cache_s > 0 && k < 2; k++) {
			add_label(
				o, "gateway_response_cache_total{api", m->contract->apis[i].title);
			add_label(o, ",version", m->contract->apis[i].version);
			add_label(o, ",result", results[k]);
			add(o, "}");
			add_value(o, answers_of(m, i)[k]);
		}
}

static void add_limits(struct out *o, const struct apim *m)
{
	add_head(o, "gateway_limit_counters_evicted_total", "counter",
		"Counters of rate limits that were forgotten before their time, for want of room.");
	add(o, "gateway_limit_counters_evicted_total");
	add_value(o, counters_evicted(m));
}

static void add_spans(struct out *o, const struct apim *m)
{
	const ngx_atomic_t *n = numbers_of(m)->spans;

	if (!m->tracing)
		return;
	add_head(o, "gateway_spans_total", "counter",
		"Spans that the collector took, or that were given up.");
	add(o, "gateway_spans_total{result=\"exported\"}");
	add_value(o, n[SPANS_EXPORTED]);
	add(o, "gateway_spans_total{result=\"dropped\"}");
	add_value(o, n[SPANS_DROPPED]);
}

static void add_usage(struct out *o, const struct apim *m)
{
	if (!m->usage)
		return;
	add_head(o, "gateway_usage_requests_total", "counter",
		"Requests whose usage was published, or could not be.");
	add(o, "gateway_usage_requests_total{result=\"published\"}");
	add_value(o, __atomic_load_n(&m->usage->published, __ATOMIC_RELAXED));
	add(o, "gateway_usage_requests_total{result=\"lost\"}");
	add_value(o, __atomic_load_n(&m->usage->lost, __ATOMIC_RELAXED));
}

static void add_replicas(struct out *o, struct apim *m)
{
	struct replicas_numbers n;

	if (!replicas_count(m, &n))
		return;
	add_head(o, "gateway_limit_replicas", "gauge",
		"Replicas that count limits together, this one included.");
	add(o, "gateway_limit_replicas{state=\"here\"}");
	add_value(o, n.here);
	add(o, "gateway_limit_replicas{state=\"away\"}");
	add_value(o, n.away);
	add_head(o, "gateway_limit_datagrams_refused_total", "counter",
		"Datagrams that no replica sent, or one whose key or clock is another.");
	add(o, "gateway_limit_datagrams_refused_total");
	add_value(o, n.refused);
	add_head(o, "gateway_limit_alone_total", "counter",
		"Requests that passed a limit without a word of the replica that counts it.");
	add(o, "gateway_limit_alone_total");
	add_value(o, n.alone);
}

static void add_process(struct out *o, const struct apim *m)
{
#if (NGX_STAT_STUB)
	add_head(o, "gateway_connections", "gauge", "Connections of clients.");
	add(o, "gateway_connections{state=\"active\"}");
	add_value(o, *ngx_stat_active);
	add(o, "gateway_connections{state=\"idle\"}");
	add_value(o, *ngx_stat_waiting);
#endif
	add_head(o, "gateway_draining", "gauge", "1 while the gateway waits for its end.");
	add(o, "gateway_draining");
	add_value(o, apim_is_ending(m));
	add_head(o, "gateway_build_info", "gauge", "What runs here.");
	add_label(o, "gateway_build_info{version", APIM_VERSION);
	add_label(o, ",nginx", NGINX_VERSION);
	add_label(o, ",contract", m->fingerprint);
	add(o, "}");
	add_value(o, 1);
}

/* No operation needs more: names are bounded by CONTRACT_MAX_TEXT, but only operations that were
 * called are shown. */
static size_t most_bytes(const struct apim *m)
{
	const struct contract *c = m->contract;
	size_t n = 16 * 1024;

	for (size_t i = 0; i < c->n_apis; i++)
		n += 2 * (128 + 2 * (strlen(c->apis[i].title) + strlen(c->apis[i].version)));
	for (size_t i = 0; i < c->n_apis; i++)
		for (size_t k = 0; k < c->apis[i].n_paths; k++)
			for (size_t j = 0; j < c->apis[i].paths[k].n_operations; j++)
				n += CLASSES * (128 + 2 * (strlen(c->apis[i].title) +
								  strlen(c->apis[i].version) +
								  strlen(c->apis[i]
										  .paths[k]
										  .operations[j]
										  .id)));
	return n;
}

ngx_int_t metrics_handler(ngx_http_request_t *r)
{
	static const struct span type = { "text/plain; version=0.0.4; charset=utf-8", 40 };
	struct apim *m = apim_of(r);
	struct ctx *ctx = ctx_ensure(r);
	size_t size = most_bytes(m);
	char *text = ngx_pnalloc(r->pool, size);
	struct out o = { text, text + size };

	if (!ctx || !text)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
		return NGX_HTTP_NOT_ALLOWED;
	ctx->is_quiet = true;
	add_requests(&o, m);
	add_duration(&o, numbers_of(m));
	add_faults(&o, numbers_of(m));
	add_upstream(&o, numbers_of(m));
	add_hooks(&o, m);
	add_cache(&o, numbers_of(m));
	add_answers(&o, m);
	add_limits(&o, m);
	add_usage(&o, m);
	add_spans(&o, m);
	add_replicas(&o, m);
	add_process(&o, m);
	return request_answer(r, NGX_HTTP_OK, type, (struct span){ text, (size_t)(o.at - text) });
}
