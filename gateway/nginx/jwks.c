/* Fetches the keys that issuers publish: at the start, every few minutes, and when a token names
 * a key that is not known. Requests never wait for them. What cannot be fetched or read changes
 * nothing: known keys stay. Each worker has its own. */
#include "gateway/core/jwks.h"

#include "gateway/nginx/apim.h"
#include "gateway/nginx/outbound.h"
#include "lib/base/err.h"

enum {
	REFRESH_MS = 300 * 1000,
	LEAST_MS = 5000, /* between two fetches, whatever tokens say */
	FIRST_RETRY_MS = 1000,
	LONGEST_RETRY_MS = 60 * 1000,
	TIMEOUT_MS = 5000,
};

struct fetcher {
	struct apim *apim;
	size_t issuer;
	struct outbound *call; /* in progress */
	ngx_event_t timer;     /* of the next one */
	ngx_msec_t started;    /* the last one */
	ngx_msec_t retry_ms;
	bool was_tried;
};

struct fetchers {
	size_t n;
	struct fetcher *at;
};

static const struct contract_issuer *issuer_of(const struct fetcher *f)
{
	return &f->apim->contract->issuers[f->issuer];
}

static void plan(struct fetcher *f, ngx_msec_t ms)
{
	if (f->timer.timer_set)
		ngx_del_timer(&f->timer);
	ngx_add_timer(&f->timer, ms);
}

static void failed(struct fetcher *f, const char *why)
{
	ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "keys of issuer \"%s\" at \"%s\": %s",
		issuer_of(f)->issuer, issuer_of(f)->jwks_url, why);
	plan(f, f->retry_ms);
	f->retry_ms = ngx_min(2 * f->retry_ms, LONGEST_RETRY_MS);
}

static void on_answer(void *arg, const struct answer *answer, const char *why)
{
	struct fetcher *f = arg;
	struct err err = { .code = ERR_NONE };

	f->call = NULL;
	f->was_tried = true;
	if (!answer || answer->status != 200) {
		failed(f, answer ? "the answer is not 200" : why);
		return;
	}
	if (core_take_keys(f->apim->core, f->issuer, answer->body.at, answer->body.n, &err))
		ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "keys of issuer \"%s\" taken",
			issuer_of(f)->issuer);
	if (err.code != ERR_NONE) {
		failed(f, err.msg);
		return;
	}
	f->retry_ms = FIRST_RETRY_MS;
	plan(f, REFRESH_MS);
}

static void fetch(struct fetcher *f)
{
	const struct contract_issuer *s = issuer_of(f);
	struct outbound_call call = {
		.to = s->jwks_at,
		.method = "GET",
		.target = s->jwks_path,
		.headers = "Accept: application/json\r\n",
		.max_bytes = JWKS_MAX_BYTES,
		.timeout_ms = TIMEOUT_MS,
		.done = on_answer,
		.arg = f,
	};

	if (f->call)
		return;
	f->started = ngx_current_msec;
	f->call = outbound_start(f->apim, &call);
}

static void on_timer(ngx_event_t *ev)
{
	if (!ngx_exiting)
		fetch(ev->data);
}

/* ---- for the rest of the module ---- */

static size_t number_of_urls(const struct apim *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->contract->n_issuers; i++)
		n += m->contract->issuers[i].jwks_url != NULL;
	return n;
}

bool jwks_need_tls(const struct apim *m)
{
	for (size_t i = 0; i < m->contract->n_issuers; i++)
		if (m->contract->issuers[i].jwks_url && m->contract->issuers[i].jwks_at->tls)
			return true;
	return false;
}

bool jwks_start(struct apim *m, ngx_cycle_t *cycle)
{
	size_t n = number_of_urls(m);
	struct fetchers *all;

	if (n == 0)
		return true;
	all = ngx_pcalloc(cycle->pool, sizeof(*all));
	if (!all)
		return false;
	all->at = ngx_pcalloc(cycle->pool, n * sizeof(*all->at));
	if (!all->at)
		return false;
	m->fetchers = all;
	for (size_t i = 0; i < m->contract->n_issuers; i++) {
		struct fetcher *f = &all->at[all->n];

		if (!m->contract->issuers[i].jwks_url)
			continue;
		*f = (struct fetcher){ .apim = m, .issuer = i, .retry_ms = FIRST_RETRY_MS };
		f->timer = (ngx_event_t){
			.handler = on_timer, .data = f, .log = cycle->log, .cancelable = 1
		};
		all->n++;
		fetch(f);
	}
	return true;
}

void jwks_stop(struct apim *m)
{
	for (size_t i = 0; m->fetchers && i < m->fetchers->n; i++) {
		struct fetcher *f = &m->fetchers->at[i];

		if (f->timer.timer_set)
			ngx_del_timer(&f->timer);
		if (f->call)
			outbound_cancel(f->call);
		f->call = NULL;
	}
	m->fetchers = NULL;
}

void jwks_refresh(struct apim *m, const struct contract_issuer *s)
{
	for (size_t i = 0; m->fetchers && i < m->fetchers->n; i++) {
		struct fetcher *f = &m->fetchers->at[i];

		if (issuer_of(f) == s &&
			(ngx_msec_int_t)(ngx_current_msec - f->started) >= LEAST_MS)
			fetch(f);
	}
}

bool jwks_are_tried(const struct apim *m)
{
	for (size_t i = 0; m->fetchers && i < m->fetchers->n; i++)
		if (!m->fetchers->at[i].was_tried)
			return false;
	return true;
}
