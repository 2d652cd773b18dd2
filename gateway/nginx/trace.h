/* Traces of calls: a server span for the request, a client span for its backend.
 *
 * trace.c follows a call and makes its spans, spans.c sends what workers made to a collector. Off
 * unless the environment names one (gateway/core/trace.h). Calls that are not recorded have a
 * context all the same, so that all gateways and backends decide alike about a trace.
 */
#ifndef GATEWAY_NGINX_TRACE_H
#define GATEWAY_NGINX_TRACE_H

#include "gateway/core/trace.h"
#include "gateway/nginx/apim.h"

/* One call; NULL in ctx when nothing is traced. */
struct trace {
	struct trace_parent server; /* our span of the request, */
	struct trace_parent client; /* and of the backend's part: what it is told */
	unsigned char parent[TRACE_SPAN_BYTES];
	bool has_parent; /* whose trace it is; otherwise a new one */
	char server_text[TRACE_PARENT_CHARS + 1];
	char client_text[TRACE_PARENT_CHARS + 1];
	uint64_t client_start_ns; /* since 1970; 0: no backend was asked */
	uint64_t client_end_ns;
};

/* ---- spans.c ---- */

/* JSON of one or two spans, between commas. */
void spans_add(struct apim *m, const char *text, size_t n, unsigned int spans);

#endif
