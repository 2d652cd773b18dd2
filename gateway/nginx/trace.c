#include "gateway/nginx/trace.h"

#include "gateway/nginx/backend.h"
#include "lib/base/arena.h"

enum {
	LONGEST_SPANS = 16 * 1024, /* both of a call */
	LONGEST_VALUE = 512,
	SERVER = 2, /* as OTLP counts kinds of spans */
	CLIENT = 3,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the context ---- */

static void fill_random(unsigned char *to, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t x = request_random() | 1; /* all zeros mean none */

		ngx_memcpy(to + i, &x, sizeof(x));
	}
}

struct trace *trace_begin(ngx_http_request_t *r, struct apim *m, struct arena *a)
{
	struct trace_parent parent;
	struct span sent;
	struct trace *t;
	size_t n;

	if (!m->tracing)
		return NULL;
	t = arena_alloc(a, sizeof(*t));
	t->has_parent =
		header_find(r, "traceparent", &sent, &n) && n == 1 && trace_parse(sent, &parent);
	if (t->has_parent) {
		ngx_memcpy(t->server.trace, parent.trace, TRACE_ID_BYTES);
		ngx_memcpy(t->parent, parent.span, TRACE_SPAN_BYTES);
	} else {
		fill_random(t->server.trace, TRACE_ID_BYTES);
	}
	fill_random(t->server.span, TRACE_SPAN_BYTES);
	t->server.sampled =
		trace_is_chosen(m->tracing, t->has_parent ? &parent : NULL, t->server.trace);
	t->client = t->server;
	fill_random(t->client.span, TRACE_SPAN_BYTES);
	trace_format(&t->server, t->server_text);
	trace_format(&t->client, t->client_text);
	return t;
}

struct span trace_of_log(const struct ctx *ctx)
{
	return text_span(ctx && ctx->trace ? ctx->trace->server_text : NULL);
}

struct span trace_of_backend(const struct ctx *ctx)
{
	return text_span(ctx->trace ? ctx->trace->client_text : NULL);
}

static bool is(const char *name, size_t n, const char *wanted)
{
	return n == strlen(wanted) && ngx_memcmp(name, wanted, n) == 0;
}

/* The state belongs to the trace of the same request, if it has one. */
bool trace_replaces(const struct ctx *ctx, const char *header, size_t n)
{
	if (!ctx->trace)
		return false;
	return is(header, n, "traceparent") ||
	       (is(header, n, "tracestate") && !ctx->trace->has_parent);
}

void trace_backend_begins(const struct ctx *ctx)
{
	if (ctx->trace && ctx->trace->client_start_ns == 0)
		ctx->trace->client_start_ns = now_ns();
}

void trace_backend_ends(const struct ctx *ctx)
{
	if (ctx->trace)
		ctx->trace->client_end_ns = now_ns();
}

/* ---- OTLP's JSON ---- */

struct out {
	char *at;
	const char *end;
	bool is_first; /* attribute of its list */
};

static void add(struct out *o, const char *s)
{
	o->at = text_add(o->at, o->end, s);
}

static void add_number(struct out *o, const char *before, uint64_t n)
{
	add(o, before);
	o->at = text_number(o->at, o->end, n);
	add(o, "\"");
}

static void add_key(struct out *o, const char *key)
{
	add(o, o->is_first ? "{\"key\":\"" : ",{\"key\":\"");
	o->is_first = false;
	add(o, key);
	add(o, "\",\"value\":{");
}

static struct span bounded(struct span s)
{
	return (struct span){ s.at, ngx_min(s.n, (size_t)LONGEST_VALUE) };
}

/* Nothing when it is empty. */
static void add_text(struct out *o, const char *key, struct span s)
{
	if (s.n == 0)
		return;
	add_key(o, key);
	add(o, "\"stringValue\":\"");
	o->at = text_json(o->at, o->end, bounded(s));
	add(o, "\"}}");
}

static void add_path(struct out *o, const char *key, const char *before, struct span path)
{
	add_key(o, key);
	add(o, "\"stringValue\":\"");
	o->at = text_json(o->at, o->end, text_span(before));
	o->at = text_path(o->at, o->end, bounded(path));
	add(o, "\"}}");
}

static void add_integer(struct out *o, const char *key, uint64_t n)
{
	add_key(o, key);
	add_number(o, "\"intValue\":\"", n);
	add(o, "}}");
}

/* ---- what is known of a request ---- */

static struct span span_of(const ngx_str_t *s)
{
	return (struct span){ (const char *)s->data, s->len };
}

static struct span header(ngx_http_request_t *r, const char *name)
{
	struct span value;
	size_t n;

	return header_find(r, name, &value, &n) ? value : text_span(NULL);
}

/* "/store/v1.0.0/products/{id}"; empty: no operation was asked for. */
static struct span route_of(const struct ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;

	if (!v->api || !v->path)
		return text_span(NULL);
	return text_span(arena_printf(ctx->arena, "%s%s", v->api->base_path, v->path->template));
}

/* Methods are an enumeration to OpenTelemetry: what is not known is "_OTHER". */
static struct span method_of(const ngx_http_request_t *r)
{
	static const char other[] = "_OTHER";
	struct span s = span_of(&r->method_name);
	enum method m = method_parse(s.at, s.n);

	if (m != METHOD_OTHER || (s.n == 5 && ngx_memcmp(s.at, "TRACE", 5) == 0))
		return s;
	return text_span(other);
}

static void add_method(struct out *o, const ngx_http_request_t *r)
{
	struct span known = method_of(r);

	add_text(o, "http.request.method", known);
	if (known.at[0] == '_')
		add_text(o, "http.request.method_original", span_of(&r->method_name));
}

/* Of the Host header. */
static void add_server(struct out *o, const ngx_http_request_t *r)
{
	add_text(o, "server.address", span_of(&r->headers_in.server));
	add_integer(o, "server.port", ngx_inet_get_port(r->connection->local_sockaddr));
}

static void add_status(struct out *o, ngx_uint_t status, ngx_uint_t first_error)
{
	char code[8];

	if (status != 0)
		add_integer(o, "http.response.status_code", status);
	if (status != 0 && status < first_error)
		return;
	(void)snprintf(code, sizeof(code), "%u", (unsigned)status % 1000);
	add_text(o, "error.type", text_span(status != 0 ? code : "no_response"));
}

static void add_version(struct out *o, ngx_uint_t version)
{
	add_text(o, "network.protocol.version",
		text_span(version == NGX_HTTP_VERSION_20   ? "2"
			  : version == NGX_HTTP_VERSION_11 ? "1.1"
							   : "1.0"));
}

/* ---- spans ---- */

static void begin_span(struct out *o, const struct trace_parent *self, struct span parent,
	unsigned int kind, uint64_t start_ns, uint64_t end_ns)
{
	char text[TRACE_PARENT_CHARS + 1];

	trace_format(self, text);
	add(o, "{\"traceId\":\"");
	text[35] = '\0';
	add(o, text + 3);
	add(o, "\",\"spanId\":\"");
	text[52] = '\0';
	add(o, text + 36);
	if (parent.n > 0) {
		add(o, "\",\"parentSpanId\":\"");
		o->at = text_json(o->at, o->end, parent);
	}
	add(o, kind == SERVER ? "\",\"kind\":2" : "\",\"kind\":3");
	add_number(o, ",\"startTimeUnixNano\":\"", start_ns);
	add_number(o, ",\"endTimeUnixNano\":\"", ngx_max(end_ns, start_ns));
	add(o, ",\"name\":\"");
}

static void end_span(struct out *o, bool failed)
{
	add(o, failed ? "],\"status\":{\"code\":2}}" : "]}");
}

static void begin_attributes(struct out *o)
{
	add(o, "\",\"attributes\":[");
	o->is_first = true;
}

static struct span path_of(const ngx_http_request_t *r)
{
	struct span s = request_target(r);
	const char *query = s.n > 0 ? memchr(s.at, '?', s.n) : NULL;

	return (struct span){ s.at, query ? (size_t)(query - s.at) : s.n };
}

static void add_verdict(struct out *o, const struct ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;

	if (v->api) {
		add_text(o, "apim.api.name", text_span(v->api->title));
		add_text(o, "apim.api.version", text_span(v->api->version));
	}
	if (v->operation)
		add_text(o, "apim.operation", text_span(v->operation->id));
	add_text(o, "apim.application", v->application);
	if (ctx->fault != 0)
		add_integer(o, "apim.fault", (uint64_t)ctx->fault);
	add_text(o, "apim.reason", text_span(ctx->reason));
	add_text(o, "apim.request_id", ctx->id);
}

static void add_server_span(
	struct out *o, ngx_http_request_t *r, const struct ctx *ctx, ngx_uint_t status)
{
	const struct trace *t = ctx->trace;
	uint64_t start_ns = (uint64_t)r->start_sec * 1000000000 + (uint64_t)r->start_msec * 1000000;
	struct span route = route_of(ctx);
	struct span method = method_of(r);
	char parent[2 * TRACE_SPAN_BYTES];

	ngx_hex_dump((u_char *)parent, (u_char *)(uintptr_t)t->parent, TRACE_SPAN_BYTES);
	begin_span(o, &t->server, (struct span){ parent, t->has_parent ? sizeof(parent) : 0 },
		SERVER, start_ns, now_ns());
	o->at = text_json(o->at, o->end, method.at[0] == '_' ? text_span("HTTP") : method);
	if (route.n > 0) {
		add(o, " ");
		o->at = text_json(o->at, o->end, bounded(route));
	}
	begin_attributes(o);
	add_method(o, r);
	add_text(o, "url.scheme", text_span(client_is_tls(r) ? "https" : "http"));
	add_path(o, "url.path", "", path_of(r));
	add_text(o, "http.route", route);
	add_server(o, r);
	add_text(o, "client.address", span_of(&r->connection->addr_text));
	add_text(o, "network.peer.address", span_of(&r->connection->addr_text));
	add_version(o, ctx->http_version);
	add_text(o, "user_agent.original", header(r, "user-agent"));
	add_verdict(o, ctx);
	add_status(o, status, 500);
	end_span(o, status >= 500);
}

/* Of the last try; earlier ones are a number. */
static ngx_uint_t backend_status(const ngx_http_request_t *r)
{
	const ngx_array_t *states = r->upstream_states;
	const ngx_http_upstream_state_t *s = states ? states->elts : NULL;

	if (!s || states->nelts == 0 || !r->upstream || r->upstream->headers_in.status_n == 0)
		return 0;
	return s[states->nelts - 1].status;
}

/* The address alone, of "192.0.2.1:80" or "[2001:db8::1]:80". */
static struct span peer_of(const ngx_http_request_t *r)
{
	const ngx_str_t *name = r->upstream ? r->upstream->peer.name : NULL;
	struct span s = name ? span_of(name) : text_span(NULL);

	while (s.n > 0 && s.at[s.n - 1] != ':')
		s.n--;
	s.n -= s.n > 0;
	if (s.n > 2 && s.at[0] == '[')
		s = (struct span){ s.at + 1, s.n - 2 };
	return s;
}

static void add_client_span(struct out *o, ngx_http_request_t *r, const struct ctx *ctx)
{
	const struct contract_target *to = ctx->backend->target;
	const struct trace *t = ctx->trace;
	ngx_uint_t status = backend_status(r);
	const char *place = arena_printf(
		ctx->arena, "%s://%s:%u", to->tls ? "https" : "http", to->host, to->port);
	struct span target = span_of(&r->unparsed_uri); /* the backend's by now */
	const char *query = target.n > 0 ? memchr(target.at, '?', target.n) : NULL;
	struct span server = text_span(t->server_text + 36);
	struct span method = method_of(r);

	if (query)
		target.n = (size_t)(query - target.at);
	server.n = 2 * TRACE_SPAN_BYTES;
	begin_span(o, &t->client, server, CLIENT, t->client_start_ns, t->client_end_ns);
	o->at = text_json(o->at, o->end, method.at[0] == '_' ? text_span("HTTP") : method);
	begin_attributes(o);
	add_method(o, r);
	add_path(o, "url.full", place, target);
	add_text(o, "server.address", text_span(to->host));
	add_integer(o, "server.port", to->port);
	add_text(o, "network.peer.address", peer_of(r));
	add_text(o, "network.protocol.version", text_span(ctx->is_grpc ? "2" : "1.1"));
	if (r->upstream_states && r->upstream_states->nelts > 1)
		add_integer(o, "http.request.resend_count", r->upstream_states->nelts - 1);
	add_status(o, status, 400);
	end_span(o, status == 0 || status >= 400);
}

static void tell(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx, ngx_uint_t status)
{
	static char text[LONGEST_SPANS]; /* a worker has one thread */
	struct out o = { text, text + sizeof(text), true };
	unsigned int spans = 1;

	add_server_span(&o, r, ctx, status);
	if (ctx->trace->client_start_ns != 0 && ctx->backend) {
		add(&o, ",");
		add_client_span(&o, r, ctx);
		spans++;
	}
	spans_add(m, text, (size_t)(o.at - text), spans);
}

void trace_end(ngx_http_request_t *r, struct apim *m, const struct ctx *ctx, ngx_uint_t status)
{
	if (ctx->trace && ctx->trace->server.sampled)
		tell(r, m, ctx, status);
}
