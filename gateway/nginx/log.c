/* The access log: one JSON object per request on standard output, whatever the request's bytes
 * were.
 *
 * The path is logged without its query; tokens and headers never are. Lines are gathered and
 * written together, at most PIPE_BUF bytes at a time, so that the lines of several workers never
 * mix; none waits longer than flush.c lets it.
 */
#include <limits.h>

#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"

enum {
	LONGEST_PATH = 1024,
	LONGEST_NAME = 256,
};

static char waiting[PIPE_BUF];
static size_t n_waiting;
static struct flush later = { .write = log_flush };

/* ---- writing ---- */

void log_flush(void)
{
	for (size_t at = 0; at < n_waiting;) {
		ssize_t n = write(STDOUT_FILENO, waiting + at, n_waiting - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* nobody reads: these lines are lost, requests go on */
		at += (size_t)n;
	}
	n_waiting = 0;
}

static void write_line(const char *line, size_t n)
{
	if (n_waiting + n > sizeof(waiting))
		log_flush();
	ngx_memcpy(waiting + n_waiting, line, n);
	n_waiting += n;
	flush_later(&later);
}

/* ---- one line ---- */

struct line {
	char *at;
	const char *end;
};

static void add(struct line *l, const char *s)
{
	l->at = text_add(l->at, l->end, s);
}

static void add_number(struct line *l, const char *key, uint64_t n)
{
	add(l, key);
	l->at = text_number(l->at, l->end, n);
}

static const char *bounded(const struct line *l, size_t most)
{
	return (size_t)(l->end - l->at) > most ? l->at + most : l->end;
}

/* The key comes with its comma, quotes and colon. */
static void add_text(struct line *l, const char *key, struct span s)
{
	if (s.n == 0)
		return;
	add(l, key);
	add(l, "\"");
	l->at = text_json(l->at, bounded(l, LONGEST_NAME), s);
	add(l, "\"");
}

/* Made anew when the clock has moved: many requests end in one millisecond. */
static void add_time(struct line *l)
{
	static char text[sizeof("{\"time\":\"2026-11-23T12:00:00.000Z\"")];
	static ngx_time_t of;
	const ngx_time_t *now = ngx_timeofday();
	struct tm tm;

	if (now->sec != of.sec || now->msec != of.msec) {
		of = *now;
		(void)gmtime_r(&of.sec, &tm);
		(void)snprintf(text, sizeof(text),
			"{\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\"",
			(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
			(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
			(unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
			(unsigned)of.msec % 1000);
	}
	add(l, text);
}

static struct span path_of(const ngx_http_request_t *r)
{
	struct span s = request_target(r);
	const char *query = s.n > 0 ? memchr(s.at, '?', s.n) : NULL;

	if (query)
		s.n = (size_t)(query - s.at);
	return s;
}

/* Lower-case hex and dashes only: "00-…-…-01" (W3C Trace Context). Anything else is not logged. */
static bool is_traceparent(struct span s)
{
	if (s.n != 55 || s.at[2] != '-' || s.at[35] != '-' || s.at[52] != '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.at[i] == '\0' || !strchr("0123456789abcdef-", s.at[i]))
			return false;
	return true;
}

uint64_t log_upstream_ms(const ngx_http_request_t *r)
{
	const ngx_array_t *states = r->upstream_states;
	uint64_t ms = 0;

	for (ngx_uint_t i = 0; states && i < states->nelts; i++) {
		const ngx_http_upstream_state_t *s = states->elts;

		if (s[i].response_time != (ngx_msec_t)-1)
			ms += s[i].response_time;
	}
	return ms;
}

static void add_upstream(struct line *l, const ngx_http_request_t *r)
{
	if (!r->upstream_states || r->upstream_states->nelts == 0)
		return;
	add_number(l, ",\"upstream_ms\":", log_upstream_ms(r));
	if (r->upstream_states->nelts > 1)
		add_number(l, ",\"upstream_tries\":", r->upstream_states->nelts);
}

static void add_verdict(struct line *l, const struct ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;

	if (v->api) {
		add_text(l, ",\"api\":", text_span(v->api->title));
		add_text(l, ",\"version\":", text_span(v->api->version));
	}
	if (v->operation)
		add_text(l, ",\"operation\":", text_span(v->operation->id));
	add_text(l, ",\"application\":", v->application);
	if (v->sandbox)
		add(l, ",\"key_type\":\"SANDBOX\"");
	if (ctx->fault != 0)
		add_number(l, ",\"fault\":", (uint64_t)ctx->fault);
	add_text(l, ",\"reason\":", text_span(ctx->reason));
	add_text(l, ",\"request_id\":", ctx->id);
}

static void add_request(struct line *l, ngx_http_request_t *r)
{
	struct span method = { (const char *)r->method_name.data, r->method_name.len };

	add_text(l, ",\"method\":", method);
	add(l, ",\"path\":\"");
	l->at = text_path(l->at, bounded(l, LONGEST_PATH), path_of(r));
	add(l, "\"");
}

static ngx_uint_t status_of(const ngx_http_request_t *r)
{
	return r->err_status ? r->err_status : r->headers_out.status;
}

static uint64_t duration_ms(const ngx_http_request_t *r)
{
	const ngx_time_t *now = ngx_timeofday();
	int64_t ms = (int64_t)(now->sec - r->start_sec) * 1000 + (int64_t)now->msec -
		     (int64_t)r->start_msec;

	return ms > 0 ? (uint64_t)ms : 0;
}

static size_t format(ngx_http_request_t *r, const struct ctx *ctx, char *to, size_t size)
{
	struct line l = { to, to + size };
	struct span trace;
	size_t n;

	add_time(&l);
	add_request(&l, r);
	add_number(&l, ",\"status\":", status_of(r));
	add_number(&l, ",\"bytes\":", (uint64_t)ngx_max(r->connection->sent, 0));
	add_number(&l, ",\"ms\":", duration_ms(r));
	add_upstream(&l, r);
	if (ctx)
		add_verdict(&l, ctx);
	if (ctx && ctx->trace)
		add_text(&l, ",\"traceparent\":", trace_of_log(ctx));
	else if (header_find(r, "traceparent", &trace, &n) && is_traceparent(trace))
		add_text(&l, ",\"traceparent\":", trace);
	add(&l, r->connection->ssl || r->http_version == NGX_HTTP_VERSION_20 ? ",\"tls\":true}\n"
									     : "}\n");
	return (size_t)(l.at - to);
}

ngx_int_t log_request(ngx_http_request_t *r)
{
	static char line[PIPE_BUF]; /* on the stack it would be cleared each time */
	const struct ctx *ctx = ctx_get(r);

	sparing_prepare(r);
	if (ctx && ctx->is_quiet)
		return NGX_OK;
	if (ctx)
		counters_charge(r, apim_of(r), ctx);
	metrics_request(apim_of(r), ctx, status_of(r), duration_ms(r));
	if (ctx) {
		usage_tell(r, apim_of(r), ctx, status_of(r), duration_ms(r));
		trace_end(r, apim_of(r), ctx, status_of(r));
	}
	cache_changed(apim_of(r), ctx, status_of(r));
	write_line(line, format(r, ctx, line, sizeof(line)));
	return NGX_OK;
}

/* ---- what nginx says ---- */

static u_char *add_request_to(u_char *at, size_t n, ngx_http_request_t *r, ngx_http_request_t *sr)
{
	const ngx_http_upstream_t *u = sr ? sr->upstream : NULL;
	char path[LONGEST_PATH];
	char *end = text_path(path, path + sizeof(path), path_of(r));
	u_char *begin = at;

	at = ngx_snprintf(
		at, n, ", request: \"%V %*s\"", &r->method_name, (size_t)(end - path), path);
	if (u && u->peer.name)
		at = ngx_snprintf(at, n - (size_t)(at - begin), ", backend: %V", u->peer.name);
	return at;
}

/* nginx would show the request line as it came, with its query. */
static u_char *describe(ngx_log_t *log, u_char *buf, size_t n)
{
	const ngx_http_log_ctx_t *of = log->data;
	u_char *at = buf;

	if (log->action)
		at = ngx_snprintf(at, n, " while %s", log->action);
	at = ngx_snprintf(at, n - (size_t)(at - buf), ", client: %V", &of->connection->addr_text);
	return of->request ? add_request_to(
				     at, n - (size_t)(at - buf), of->request, of->current_request)
			   : at;
}

static void on_connection(ngx_connection_t *c)
{
	ngx_http_init_connection(c);
	if (!c->destroyed)
		c->log->handler = describe;
}

void log_start(ngx_cycle_t *cycle)
{
	ngx_listening_t *ls = cycle->listening.elts;

	for (ngx_uint_t i = 0; i < cycle->listening.nelts; i++)
		if (ls[i].handler == ngx_http_init_connection)
			ls[i].handler = on_connection;
}
