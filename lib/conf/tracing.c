/* Keys of apim-config about traces: where they are sent, and how many. */
#include "lib/api/finding.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/conf/read.h"

enum {
	OTLP_PORT = 4318,
	MAX_URL = 512,
};

/* Of Jaeger's agent, over UDP: what the original spoke. Jaeger takes OTLP on its own port. */
static bool is_agents(int64_t port)
{
	return port == 5775 || port == 6831 || port == 6832;
}

/* scheme://host[:port][/path] without anything that would need quoting. */
static bool is_url(const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]";
	const char *host = str_starts(text, "http://")	  ? text + strlen("http://")
			   : str_starts(text, "https://") ? text + strlen("https://")
							  : "";

	return strlen(text) <= MAX_URL && *host && *host != '/' && *host != ':' &&
	       strspn(text, plain) == strlen(text);
}

/* "0", "1", "0.25": digits with at most one point, not above 1. */
static bool is_ratio(const char *text)
{
	size_t whole = strspn(text, "01");
	const char *rest = text + whole;

	if (whole != 1 || (*rest != '\0' && *rest != '.'))
		return false;
	rest += *rest == '.';
	if (strlen(rest) > 9 || strspn(rest, "0123456789") != strlen(rest))
		return false;
	return text[0] == '0' || strspn(rest, "0") == strlen(rest);
}

static void read_ratio(const struct conf_read *r, struct conf_tracing *t)
{
	const char *text = conf_text(r, CONF_APIM, "tracingSampleRatio");

	if (text && !is_ratio(text))
		finding_add(r->findings, FINDING_INVALID_FIELD, "apim-config.tracingSampleRatio",
			"\"%.64s\" is not valid, expected a number from 0 to 1, such as 0.05; the default is used",
			text);
	else if (text)
		t->ratio = text;
}

static void read_collector(const struct conf_read *r, struct conf_tracing *t)
{
	const char *text = conf_text(r, CONF_APIM, "tracingEndpoint");
	int64_t port = t->port;

	if (text && !is_url(text)) {
		finding_add(r->findings, FINDING_INVALID_FIELD, "apim-config.tracingEndpoint",
			"\"%.64s\" is not valid, expected http://host:port or https://host:port",
			text);
		text = NULL;
	}
	if (is_agents(port)) {
		finding_add(r->findings, FINDING_ADJUSTED, "apim-config.tracingJaegerPort",
			"%lld is a port of Jaeger's agent, which speaks another protocol; %d is used",
			(long long)port, OTLP_PORT);
		port = OTLP_PORT;
	}
	if (text)
		t->endpoint = text;
	else if (t->host)
		t->endpoint = arena_printf(r->arena, "http://%s:%lld", t->host, (long long)port);
}

void conf_read_tracing(struct conf_read *r, struct conf_tracing *t)
{
	read_ratio(r, t);
	read_collector(r, t);
	if (!t->enabled) {
		t->endpoint = NULL;
	} else if (!t->endpoint) {
		finding_add(r->findings, FINDING_INVALID_FIELD, "apim-config.tracingEnabled",
			"is true and nothing says where to; expected tracingEndpoint or tracingJaegerHost");
	}
}
