/* The access log: one JSON object per request on standard output, whatever the request's bytes
 * were.
 *
 * The path is logged without its query; tokens and headers never are. Lines are gathered and
 * written together, at most PIPE_BUF bytes at a time, so that the lines of several workers never
 * mix; none waits longer than FLUSH_MS.
 */
#include <limits.h>

#include "gateway/nginx/apim.h"
#include "lib/base/arena.h"

enum {
	FLUSH_MS = 200,
	LONGEST_PATH = 1024,
	LONGEST_NAME = 256,
};

static char waiting[PIPE_BUF];
static size_t n_waiting;
static ngx_event_t flush_event;

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

static void on_flush(ngx_event_t *ev)
{
	(void)ev;
	log_flush();
}

static void write_line(const char *line, size_t n)
{
	static ngx_connection_t none = { .fd = (ngx_socket_t)-1 };

	if (n_waiting + n > sizeof(waiting))
		log_flush();
	ngx_memcpy(waiting + n_waiting, line, n);
	n_waiting += n;
	if (ngx_exiting || ngx_terminate) {
		log_flush();
		return;
	}
	if (flush_event.timer_set)
		return;
	flush_event.handler = on_flush;
	flush_event.data = &none; /* for nginx' debug messages */
	flush_event.log = ngx_cycle->log;
	flush_event.cancelable = 1;
	ngx_add_timer(&flush_event, FLUSH_MS);
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

static void add_time(struct line *l)
{
	const ngx_time_t *now = ngx_timeofday();
	struct tm tm;
	char text[sizeof("{\"time\":\"2026-11-23T12:00:00.000Z\"")];

	(void)gmtime_r(&now->sec, &tm);
	(void)snprintf(text, sizeof(text), "{\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\"",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100, (unsigned)now->msec % 1000);
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

static void add_upstream(struct line *l, const ngx_http_request_t *r)
{
	const ngx_http_upstream_state_t *s;
	uint64_t ms = 0;

	if (!r->upstream_states || r->upstream_states->nelts == 0)
		return;
	s = r->upstream_states->elts;
	for (ngx_uint_t i = 0; i < r->upstream_states->nelts; i++)
		if (s[i].response_time != (ngx_msec_t)-1)
			ms += s[i].response_time;
	add_number(l, ",\"upstream_ms\":", ms);
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
	if (header_find(r, "traceparent", &trace, &n) && is_traceparent(trace))
		add_text(&l, ",\"traceparent\":", trace);
	add(&l, r->connection->ssl || r->http_version == NGX_HTTP_VERSION_20 ? ",\"tls\":true}\n"
									     : "}\n");
	return (size_t)(l.at - to);
}

ngx_int_t log_request(ngx_http_request_t *r)
{
	const struct ctx *ctx = ctx_get(r);
	char line[PIPE_BUF];

	sparing_prepare(r);
	if (ctx && ctx->is_quiet)
		return NGX_OK;
	if (ctx)
		counters_charge(r, apim_of(r), ctx);
	metrics_request(apim_of(r), ctx, status_of(r), duration_ms(r));
	write_line(line, format(r, ctx, line, sizeof(line)));
	return NGX_OK;
}

/* What nginx appends to its own messages about a request. */
u_char *log_error_text(ngx_http_request_t *r, ngx_http_request_t *sr, u_char *buf, size_t n)
{
	const ngx_http_upstream_t *u = sr->upstream;
	char path[LONGEST_PATH];
	char *end = text_path(path, path + sizeof(path), path_of(r));
	u_char *at = ngx_snprintf(
		buf, n, ", request: \"%V %*s\"", &r->method_name, (size_t)(end - path), path);

	if (u && u->peer.name)
		at = ngx_snprintf(at, n - (size_t)(at - buf), ", backend: %V", u->peer.name);
	return at;
}
