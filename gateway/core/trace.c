#include "gateway/core/trace.h"

#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	TRACE_AT = 3,
	SPAN_AT = 36,
	FLAGS_AT = 53,
	FLAG_SAMPLED = 1,
	MAX_TEXT = 8192, /* of one variable */
};

static const uint64_t whole = UINT64_C(1) << 63;

/* ---- traceparent ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case digits; false also when all are 0 and may_be_zero is not set. */
static bool read_hex(const char *at, unsigned char *to, size_t n, bool may_be_zero)
{
	unsigned char any = 0;

	for (size_t i = 0; i < n; i++) {
		int high = digit(at[2 * i]), low = digit(at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (unsigned char)(high << 4 | low);
		any |= to[i];
	}
	return any != 0 || may_be_zero;
}

bool trace_parse(struct span h, struct trace_parent *ret)
{
	unsigned char version, flags;

	if (h.n < TRACE_PARENT_CHARS || h.at[TRACE_AT - 1] != '-' || h.at[SPAN_AT - 1] != '-' ||
		h.at[FLAGS_AT - 1] != '-')
		return false;
	if (!read_hex(h.at, &version, 1, true) || version == 0xff ||
		!read_hex(h.at + TRACE_AT, ret->trace, TRACE_ID_BYTES, false) ||
		!read_hex(h.at + SPAN_AT, ret->span, TRACE_SPAN_BYTES, false) ||
		!read_hex(h.at + FLAGS_AT, &flags, 1, true))
		return false;
	ret->sampled = flags & FLAG_SAMPLED;
	if (h.n == TRACE_PARENT_CHARS)
		return true;
	return version != 0 && h.at[TRACE_PARENT_CHARS] == '-';
}

static char *add_hex(char *at, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	return at;
}

void trace_format(const struct trace_parent *p, char to[TRACE_PARENT_CHARS + 1])
{
	char *at = to;

	*at++ = '0';
	*at++ = '0';
	*at++ = '-';
	at = add_hex(at, p->trace, TRACE_ID_BYTES);
	*at++ = '-';
	at = add_hex(at, p->span, TRACE_SPAN_BYTES);
	*at++ = '-';
	*at++ = '0';
	*at++ = p->sampled ? '1' : '0';
	*at = '\0';
}

/* ---- which calls ---- */

bool trace_is_chosen(const struct trace_settings *s, const struct trace_parent *parent,
	const unsigned char trace[TRACE_ID_BYTES])
{
	uint64_t chance = 0;

	if (parent && s->heeds_parent)
		return parent->sampled;
	/* As OpenTelemetry's TraceIdRatioBased does it in most languages. */
	for (size_t i = TRACE_ID_BYTES - 8; i < TRACE_ID_BYTES; i++)
		chance = chance << 8 | trace[i];
	return chance >> 1 < s->below;
}

static bool read_ratio(const char *text, uint64_t *ret, struct err *err)
{
	char *end = NULL;
	double ratio = strtod(text, &end);

	if (text[strspn(text, "0123456789.")] != '\0' || end == text || *end || ratio > 1)
		return err_set(err, ERR_INVALID,
			"OTEL_TRACES_SAMPLER_ARG: \"%.100s\", expected a number from 0 to 1", text);
	*ret = ratio >= 1 ? whole : (uint64_t)(ratio * (double)whole);
	return true;
}

static bool read_sampler(
	const char *(*env)(const char *name), struct trace_settings *s, struct err *err)
{
	static const char based[] = "parentbased_";
	const char *name = env("OTEL_TRACES_SAMPLER");
	const char *ratio = env("OTEL_TRACES_SAMPLER_ARG");
	const char *rest;

	if (str_empty(name))
		name = "parentbased_always_on";
	s->heeds_parent = str_starts(name, based);
	rest = s->heeds_parent ? name + strlen(based) : name;
	s->below = str_eq(rest, "always_off") ? 0 : whole;
	if (str_eq(rest, "always_on") || str_eq(rest, "always_off"))
		return true;
	if (str_eq(rest, "traceidratio"))
		return str_empty(ratio) || read_ratio(ratio, &s->below, err);
	return err_set(err, ERR_INVALID,
		"OTEL_TRACES_SAMPLER: \"%.100s\", expected always_on, always_off or traceidratio, or one of them behind parentbased_",
		name);
}

/* ---- name=value,name=value ---- */

static char *trimmed(struct arena *a, const char *at, size_t n)
{
	for (; n > 0 && (*at == ' ' || *at == '\t'); n--)
		at++;
	while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	return arena_dupn(a, at, n);
}

static int hex_digit(char c)
{
	return digit(c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c);
}

/* In place: it only becomes shorter. */
static const char *percent_decoded(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high = *from == '%' ? hex_digit(from[1]) : -1;
		int low = high >= 0 ? hex_digit(from[2]) : -1;

		if (low < 0) {
			*to++ = *from;
			continue;
		}
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return text;
}

static bool read_pairs(struct arena *a, const char *variable, const char *text,
	struct trace_pair *at, size_t *n, struct err *err)
{
	if (text && strlen(text) > MAX_TEXT)
		return err_set(
			err, ERR_INVALID, "%s: expected at most %d characters", variable, MAX_TEXT);
	while (!str_empty(text)) {
		size_t length = strcspn(text, ",");
		const char *equals = memchr(text, '=', length);

		if (equals && *n < TRACE_MAX_PAIRS)
			at[(*n)++] = (struct trace_pair){
				trimmed(a, text, (size_t)(equals - text)),
				percent_decoded(trimmed(
					a, equals + 1, length - (size_t)(equals + 1 - text))),
			};
		else if (equals || length > 0)
			return err_set(err, ERR_INVALID,
				"%s: expected at most %d times name=value between commas", variable,
				TRACE_MAX_PAIRS);
		text += length + (text[length] == ',');
	}
	return true;
}

static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", *c))
			return false;
	return *text != '\0';
}

static bool is_visible(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool read_headers(struct arena *a, const char *(*env)(const char *name),
	struct trace_settings *s, struct err *err)
{
	static const char own[] = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
	static const char common[] = "OTEL_EXPORTER_OTLP_HEADERS";
	const char *name = env(own) ? own : common;

	if (!read_pairs(a, name, env(name), s->headers, &s->n_headers, err))
		return false;
	for (size_t i = 0; i < s->n_headers; i++)
		if (!is_token(s->headers[i].name) || !is_visible(s->headers[i].value))
			return err_set(err, ERR_INVALID, "%s: %zu is no header", name, i + 1);
	return true;
}

static bool read_resource(struct arena *a, const char *(*env)(const char *name),
	struct trace_settings *s, struct err *err)
{
	const char *name = env("OTEL_SERVICE_NAME");
	struct trace_pair more[TRACE_MAX_PAIRS];
	size_t n = 0;

	if (!read_pairs(
		    a, "OTEL_RESOURCE_ATTRIBUTES", env("OTEL_RESOURCE_ATTRIBUTES"), more, &n, err))
		return false;
	for (size_t i = 0; str_empty(name) && i < n; i++)
		if (str_eq(more[i].name, "service.name"))
			name = more[i].value;
	s->resource[s->n_resource++] = (struct trace_pair){ "service.name",
		str_empty(name) ? "apim-gateway" : arena_dup(a, name) };
	for (size_t i = 0; i < n && s->n_resource < TRACE_MAX_PAIRS; i++)
		if (!str_eq(more[i].name, "service.name"))
			s->resource[s->n_resource++] = more[i];
	return true;
}

/* ---- where to ---- */

static bool is_off(const char *(*env)(const char *name))
{
	return str_eq_nocase(env("OTEL_SDK_DISABLED"), "true") ||
	       str_eq(env("OTEL_TRACES_EXPORTER"), "none");
}

/* The URL; NULL: nowhere. */
static const char *endpoint(
	struct arena *a, const char *(*env)(const char *name), const char **ret_variable)
{
	const char *url = env(*ret_variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");

	if (!str_empty(url))
		return url;
	url = env(*ret_variable = "OTEL_EXPORTER_OTLP_ENDPOINT");
	if (str_empty(url))
		return NULL;
	return arena_printf(a, "%s%sv1/traces", url, str_ends(url, "/") ? "" : "/");
}

static bool check_protocol(const char *(*env)(const char *name), struct err *err)
{
	const char *name = env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");

	if (str_empty(name))
		name = env("OTEL_EXPORTER_OTLP_PROTOCOL");
	return str_empty(name) || str_starts(name, "http/") ||
	       err_set(err, ERR_INVALID,
		       "OTEL_EXPORTER_OTLP_PROTOCOL: \"%.100s\", expected http/json; collectors take it on port 4318",
		       name);
}

bool trace_settings_read(struct arena *a, const char *(*env)(const char *name),
	struct trace_settings **ret, struct err *err)
{
	const char *variable = NULL;
	const char *url = is_off(env) ? NULL : endpoint(a, env, &variable);
	struct trace_settings *s = arena_alloc(a, sizeof(*s));

	*ret = NULL;
	if (!url)
		return true;
	if (!contract_target_parse(a, url, &s->to, err))
		return err_wrap(err, "%s", variable);
	s->target = *s->to.path ? s->to.path : "/";
	if (!check_protocol(env, err) || !read_sampler(env, s, err) ||
		!read_headers(a, env, s, err) || !read_resource(a, env, s, err))
		return false;
	*ret = s;
	return true;
}
