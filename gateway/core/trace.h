/* Traces: W3C's context, which calls are recorded, and where records go.
 *
 * Settings are OpenTelemetry's own environment variables:
 * - OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, a URL, or OTEL_EXPORTER_OTLP_ENDPOINT, to which /v1/traces
 *   is added: where a collector takes OTLP over HTTP. Without either nothing is traced.
 * - OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_EXPORTER_OTLP_HEADERS: name=value between commas
 * - OTEL_TRACES_SAMPLER (parentbased_always_on) and OTEL_TRACES_SAMPLER_ARG
 * - OTEL_SERVICE_NAME (apim-gateway), OTEL_RESOURCE_ATTRIBUTES: name=value between commas
 * - OTEL_SDK_DISABLED=true, OTEL_TRACES_EXPORTER=none: nothing is traced
 */
#ifndef GATEWAY_CORE_TRACE_H
#define GATEWAY_CORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/core/contract.h"
#include "gateway/core/core.h"

enum {
	TRACE_ID_BYTES = 16,
	TRACE_SPAN_BYTES = 8,
	TRACE_PARENT_CHARS = 55, /* "00-<32 digits>-<16 digits>-<2 digits>" */
	TRACE_MAX_PAIRS = 64,
};

/* What a traceparent header says (W3C Trace Context). */
struct trace_parent {
	unsigned char trace[TRACE_ID_BYTES];
	unsigned char span[TRACE_SPAN_BYTES];
	bool sampled;
};

/* False: malformed, so that a new trace is begun. Later versions are read as far as they are like
 * this one. */
bool trace_parse(struct span header, struct trace_parent *ret);
void trace_format(const struct trace_parent *p, char to[TRACE_PARENT_CHARS + 1]);

struct trace_pair {
	const char *name;
	const char *value;
};

struct trace_settings {
	struct contract_target to; /* the collector */
	const char *target;	   /* path to post to */
	struct trace_pair headers[TRACE_MAX_PAIRS];
	size_t n_headers;
	struct trace_pair resource[TRACE_MAX_PAIRS]; /* attributes; service.name is the first */
	size_t n_resource;
	bool heeds_parent; /* who called decides, if he was asked */
	uint64_t below;	   /* of 2^63: see trace_is_chosen */
};

/* False with err: a value is malformed. *ret is NULL when nothing is traced. Texts live in the
 * arena.
 */
bool trace_settings_read(struct arena *a, const char *(*env)(const char *name),
	struct trace_settings **ret, struct err *err) MUST_CHECK;

/* Whether a call is recorded; parent NULL: it begins a trace. All gateways decide alike about the
 * same trace. */
bool trace_is_chosen(const struct trace_settings *s, const struct trace_parent *parent,
	const unsigned char trace[TRACE_ID_BYTES]);

#endif
