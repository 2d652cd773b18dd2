/* Sends spans to a collector: OTLP over HTTP, in JSON, a batch at a time, outside of any request.
 *
 * A worker has two buffers of fixed size: one is sent while the other fills. What finds no room is
 * dropped and counted. A batch that the collector could not take now is sent again later, one that
 * it does not want is dropped. Each worker sends its own. */
#include "gateway/nginx/outbound.h"
#include "gateway/nginx/trace.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

enum {
	BUFFER_BYTES = 512 * 1024, /* about 400 calls; two of them in each worker */
	FULL_BYTES = BUFFER_BYTES * 3 / 4,
	FLUSH_MS = 1000,
	FIRST_RETRY_MS = 1000,
	LONGEST_RETRY_MS = 30 * 1000,
	TIMEOUT_MS = 5000,
	MAX_ANSWER = 64 * 1024,
	MAX_HEAD = 64 * 1024,
	MAX_HEADERS = 32 * 1024,
};

static const char tail[] = "]}]}]}";

struct batch {
	char *text;
	size_t n; /* 0: empty */
	unsigned int spans;
};

/* Of this worker. */
static struct batch filling, sending;
static struct outbound *call;
static ngx_event_t timer;
static ngx_msec_t retry_ms = FIRST_RETRY_MS;
static bool is_told; /* that the collector takes nothing */

/* Of the configuration. */
struct exporter {
	struct str head;    /* of a batch */
	struct str headers; /* of the request that brings it */
};

/* ---- configuration ---- */

static void add_attribute(struct str *s, const char *key, const char *value)
{
	char text[4096];
	char *end;

	str_add(s, s->ptr[s->len - 1] == '[' ? "{\"key\":\"" : ",{\"key\":\"");
	end = text_json(text, text + sizeof(text), text_span(key));
	str_addn(s, text, (size_t)(end - text));
	str_add(s, "\",\"value\":{\"stringValue\":\"");
	end = text_json(text, text + sizeof(text), text_span(value));
	str_addn(s, text, (size_t)(end - text));
	str_add(s, "\"}}");
}

static void write_head(const struct apim *m, struct str *head)
{
	const struct trace_settings *t = m->tracing;
	const char *instance = getenv("GATEWAY_INSTANCE");
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	str_init(head, m->arena, MAX_HEAD);
	str_add(head, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	for (size_t i = 0; i < t->n_resource; i++)
		add_attribute(head, t->resource[i].name, t->resource[i].value);
	add_attribute(head, "service.instance.id", str_empty(instance) ? host : instance);
	str_add(head,
		"]},\"scopeSpans\":[{\"scope\":{\"name\":\"apim-gateway\",\"version\":\"" APIM_VERSION
		"\"},\"spans\":[");
}

static void write_headers(const struct apim *m, struct str *headers)
{
	const struct trace_settings *t = m->tracing;

	str_init(headers, m->arena, MAX_HEADERS);
	str_add(headers, "Content-Type: application/json\r\n");
	for (size_t i = 0; i < t->n_headers; i++)
		str_addf(headers, "%s: %s\r\n", t->headers[i].name, t->headers[i].value);
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

bool spans_setup(ngx_conf_t *cf, struct apim *m)
{
	struct err err;

	if (trace_settings_read(m->arena, from_environment, &m->tracing, &err)) {
		if (!m->tracing)
			return true;
		m->exporter = arena_alloc(m->arena, sizeof(*m->exporter));
		write_head(m, &m->exporter->head);
		write_headers(m, &m->exporter->headers);
		if (str_ok(&m->exporter->head, "OTEL_RESOURCE_ATTRIBUTES", &err) &&
			str_ok(&m->exporter->headers, "OTEL_EXPORTER_OTLP_HEADERS", &err))
			return true;
	}
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.msg);
	return false;
}

bool spans_need_tls(const struct apim *m)
{
	return m->tracing && m->tracing->to.tls;
}

/* ---- sending ---- */

static void send_batch(struct apim *m);

static void drop(struct apim *m, struct batch *b)
{
	metrics_spans(m, SPANS_DROPPED, b->spans);
	b->n = 0;
	b->spans = 0;
}

static void on_timer(ngx_event_t *ev)
{
	send_batch(ev->data);
}

/* A worker that ends waits for what it has to send, but for no collector that is away. */
static void plan(struct apim *m, ngx_msec_t ms, bool is_retry)
{
	if (timer.timer_set)
		ngx_del_timer(&timer);
	timer = (ngx_event_t){
		.handler = on_timer, .data = m, .log = ngx_cycle->log, .cancelable = is_retry
	};
	ngx_add_timer(&timer, ms);
}

static bool may_work_later(const struct answer *a)
{
	return !a || a->status == 429 || a->status == 502 || a->status == 503 || a->status == 504;
}

static void tell(const struct apim *m, const struct answer *answer, const char *why)
{
	char status[sizeof("the answer is 999")];

	if (is_told)
		return;
	if (answer)
		(void)snprintf(status, sizeof(status), "the answer is %u",
			(unsigned)answer->status % 1000);
	ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "spans are not taken by \"%s\": %s",
		m->tracing->to.url, answer ? status : why);
	is_told = true;
}

static void on_answer(void *arg, const struct answer *answer, const char *why)
{
	struct apim *m = arg;

	call = NULL;
	if (answer && answer->status / 100 == 2) {
		metrics_spans(m, SPANS_EXPORTED, sending.spans);
		sending.n = 0;
		sending.spans = 0;
		retry_ms = FIRST_RETRY_MS;
		is_told = false;
	} else {
		tell(m, answer, why);
		if (may_work_later(answer) && !ngx_exiting) {
			plan(m, retry_ms, true);
			retry_ms = ngx_min(2 * retry_ms, LONGEST_RETRY_MS);
			return;
		}
		drop(m, &sending);
	}
	if (filling.n > 0)
		plan(m, filling.n >= FULL_BYTES || ngx_exiting ? 1 : FLUSH_MS, false);
}

static void send_batch(struct apim *m)
{
	struct outbound_call c = {
		.to = &m->tracing->to,
		.method = "POST",
		.target = m->tracing->target,
		.headers = m->exporter->headers.ptr,
		.max_bytes = MAX_ANSWER,
		.timeout_ms = TIMEOUT_MS,
		.done = on_answer,
		.arg = m,
	};

	if (call)
		return;
	if (sending.n == 0) {
		struct batch empty = sending;

		sending = filling;
		filling = empty;
		if (sending.n == 0)
			return;
		ngx_memcpy(sending.text + sending.n, tail, sizeof(tail) - 1);
		sending.n += sizeof(tail) - 1;
	}
	c.body = (struct span){ sending.text, sending.n };
	call = outbound_start(m, &c);
}

void spans_add(struct apim *m, const char *text, size_t n, unsigned int spans)
{
	const struct str *head = &m->exporter->head;
	struct batch *b = &filling;

	if (!b->text)
		b->text = malloc(BUFFER_BYTES);
	if (!b->text ||
		(b->n == 0 ? head->len : b->n) + n + sizeof(",") + sizeof(tail) > BUFFER_BYTES) {
		metrics_spans(m, SPANS_DROPPED, spans);
		return;
	}
	if (b->n == 0) {
		ngx_memcpy(b->text, head->ptr, head->len);
		b->n = head->len;
	} else {
		b->text[b->n++] = ',';
	}
	ngx_memcpy(b->text + b->n, text, n);
	b->n += n;
	b->spans += spans;
	if (call || sending.n > 0)
		return; /* goes on when that has ended */
	if (!timer.timer_set)
		plan(m, FLUSH_MS, false);
	else if (b->n >= FULL_BYTES && b->n - n < FULL_BYTES)
		plan(m, 1, false);
}

void spans_stop(struct apim *m)
{
	if (!m->tracing)
		return;
	if (call)
		outbound_cancel(call);
	call = NULL;
	if (timer.timer_set)
		ngx_del_timer(&timer);
	drop(m, &sending);
	drop(m, &filling);
	free(sending.text);
	free(filling.text);
	sending.text = filling.text = NULL;
}
