#include "gateway/launcher/render.h"

#include "gateway/core/contract.h"
#include "gateway/launcher/settings.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	MAX_CONF = 256 * 1024,
	LEAST_BUFFER_KB = 20, /* a token of 16 KiB with its header name */
	CONNECTIONS = 4096,
	CACHE_MB = 64,	   /* of kept answers */
	CACHE_KEYS_MB = 2, /* for about 16,000 of them */
};

struct rendering {
	const struct settings *settings;
	const struct contract *contract;
	const struct surroundings *around;
	struct str out;
};

static void add_listen(
	struct rendering *r, unsigned int port, unsigned int otherwise, const char *options)
{
	const char *bind = r->settings->bind;

	if (port == 0)
		port = otherwise;
	if (bind) {
		str_addf(&r->out, "listen %s:%u%s backlog=1024;", bind, port, options);
		return;
	}
	str_addf(&r->out, "listen %u%s backlog=1024;", port, options);
	if (r->around->ipv6)
		str_addf(
			&r->out, "\n\t\tlisten [::]:%u%s ipv6only=on backlog=1024;", port, options);
}

static void listen_http(struct rendering *r)
{
	add_listen(r, r->settings->http_port, r->contract->http_port, "");
}

static void listen_https(struct rendering *r)
{
	add_listen(r, r->settings->https_port, r->contract->https_port,
		r->contract->http2 ? " ssl http2" : " ssl");
}

/* No cache and no gRPC: what goes to the key manager is passed on as it is. */
static void token_server(struct rendering *r)
{
	if (r->contract->token_port == 0)
		return;
	str_add(&r->out, "server {\n\t\t");
	add_listen(r, r->settings->token_port, r->contract->token_port,
		r->contract->http2 ? " ssl http2" : " ssl");
	str_add(&r->out, "\n\n\t\tlocation / {\n"
			 "\t\t\tapim_gateway on;\n"
			 "\t\t\tapim_tokens on;\n"
			 "\t\t\tproxy_pass https://backend;\n"
			 "\t\t}\n\t}");
}

static void listen_metrics(struct rendering *r)
{
	add_listen(r, r->settings->metrics_port, r->contract->metrics_port, "");
}

static void header_buffer(struct rendering *r)
{
	uint32_t most = r->contract->max_uri_bytes > r->contract->max_header_bytes
				? r->contract->max_uri_bytes
				: r->contract->max_header_bytes;
	uint32_t kb = most / 1024 + 4;

	str_addf(&r->out, "%uk", kb > LEAST_BUFFER_KB ? kb : LEAST_BUFFER_KB);
}

/* nginx' 0 is no limit; a contract's 0 is as good as 1. */
static void body_bytes(struct rendering *r)
{
	int64_t n = r->contract->max_body_bytes;

	str_addf(&r->out, "%lld", n < 0 ? 0LL : n == 0 ? 1LL : (long long)n);
}

static void trust(struct rendering *r)
{
	for (const char *const *file = r->around->trust; *file; file++)
		str_addf(
			&r->out, "%sapim_trust %s;", file == r->around->trust ? "" : "\n\t", *file);
}

static bool keeps_answers(const struct rendering *r)
{
	for (size_t i = 0; i < r->contract->n_apis; i++)
		if (r->contract->apis[i].cache_s > 0)
			return true;
	return false;
}

/* In the run folder, which is the container's one place to write to. */
static void cache(struct rendering *r)
{
	if (keeps_answers(r))
		str_addf(&r->out,
			"proxy_cache_path %s/cache levels=1:2 keys_zone=answers:%dm max_size=%dm "
			"inactive=1d use_temp_path=off;",
			r->settings->run_dir, CACHE_KEYS_MB, CACHE_MB);
}

/* Only what says itself how long it is good is kept: there is no proxy_cache_valid. */
static void cached_location(struct rendering *r)
{
	if (keeps_answers(r))
		str_add(&r->out, "location @cached {\n"
				 "\t\t\tapim_gateway on;\n"
				 "\t\t\tproxy_pass https://backend;\n"
				 "\t\t\tproxy_buffering on;\n"
				 "\t\t\tproxy_cache answers;\n"
				 "\t\t\tproxy_cache_key $apim_cache_key;\n"
				 "\t\t\tproxy_cache_convert_head off;\n"
				 "\t\t\tproxy_cache_bypass $apim_cache_bypass;\n"
				 "\t\t\tproxy_no_cache $apim_cache_no_store;\n"
				 "\t\t}");
}

static void certificate(struct rendering *r)
{
	str_addf(&r->out, "%s/tls.crt",
		r->around->user_key ? r->settings->tls_dir : r->settings->run_dir);
}

/* Only asked for: what a request without one gets is the contract's business. */
static void client_certificates(struct rendering *r)
{
	if (!transport_asks_for_certificates(r->contract))
		return;
	str_add(&r->out, "ssl_verify_client optional_no_ca;\n\tssl_verify_depth 5;");
	if (r->around->client_trust)
		str_addf(&r->out, "\n\tssl_client_certificate %s/clients.crt;",
			r->settings->run_dir);
}

static void key(struct rendering *r)
{
	str_addf(&r->out, "%s/tls.key",
		r->around->user_key ? r->settings->tls_dir : r->settings->run_dir);
}

static void user(struct rendering *r)
{
	str_add(&r->out, r->around->is_root ? "user root;" : "");
}

static void module(struct rendering *r)
{
	str_add(&r->out, r->settings->module);
}

static void run_dir(struct rendering *r)
{
	str_add(&r->out, r->settings->run_dir);
}

static void contract_file(struct rendering *r)
{
	str_add(&r->out, r->settings->contract);
}

static void resolv_conf(struct rendering *r)
{
	str_add(&r->out, r->settings->resolv_conf);
}

static void revoked(struct rendering *r)
{
	str_add(&r->out, r->settings->revoked);
}

static void credentials(struct rendering *r)
{
	str_add(&r->out, r->settings->credentials_dir);
}

static void hosts(struct rendering *r)
{
	str_add(&r->out, r->settings->hosts);
}

static void log_level(struct rendering *r)
{
	str_add(&r->out, r->settings->log_level);
}

static void usage(struct rendering *r)
{
	if (r->settings->usage_url)
		str_addf(&r->out, "apim_usage %s;", r->settings->run_dir);
}

/* For nginx' named locations. */
static void at_sign(struct rendering *r)
{
	str_addc(&r->out, '@');
}

static void workers(struct rendering *r)
{
	str_addf(&r->out, "%u", r->around->workers);
}

static void drain_seconds(struct rendering *r)
{
	str_addf(&r->out, "%u", r->settings->drain_s);
}

static void counters(struct rendering *r)
{
	str_addf(&r->out, "%u", r->settings->limit_counters);
}

static void replicas(struct rendering *r)
{
	const struct settings *s = r->settings;

	if (s->replicas)
		str_addf(&r->out, "apim_replicas %s %s %u %s;", s->replicas, s->replicas_address,
			s->replicas_port, s->replicas_key);
}

static void connections(struct rendering *r)
{
	str_addf(&r->out, "%d", CONNECTIONS);
}

static const struct {
	const char *name;
	void (*add)(struct rendering *r);
} places[] = {
	{ "AT", at_sign },
	{ "BODY_BYTES", body_bytes },
	{ "CACHE", cache },
	{ "CACHED_LOCATION", cached_location },
	{ "CERTIFICATE", certificate },
	{ "CLIENT_CERTIFICATES", client_certificates },
	{ "CONNECTIONS", connections },
	{ "CONTRACT", contract_file },
	{ "COUNTERS", counters },
	{ "CREDENTIALS", credentials },
	{ "DRAIN_SECONDS", drain_seconds },
	{ "HEADER_BUFFER", header_buffer },
	{ "HOSTS", hosts },
	{ "KEY", key },
	{ "LISTEN_HTTP", listen_http },
	{ "LISTEN_HTTPS", listen_https },
	{ "LISTEN_METRICS", listen_metrics },
	{ "LOG_LEVEL", log_level },
	{ "MODULE", module },
	{ "REPLICAS", replicas },
	{ "RESOLV_CONF", resolv_conf },
	{ "REVOKED", revoked },
	{ "RUN", run_dir },
	{ "TOKEN_SERVER", token_server },
	{ "TRUST", trust },
	{ "USAGE", usage },
	{ "USER", user },
	{ "WORKERS", workers },
};

static bool fill(struct rendering *r, const char *name, size_t n, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (strlen(places[i].name) == n && memcmp(places[i].name, name, n) == 0) {
			places[i].add(r);
			return true;
		}
	return err_set(err, ERR_BUG, "nginx.conf.in: \"%.*s\" is not known", (int)n, name);
}

char *render(struct arena *a, const struct settings *s, const struct contract *c,
	const struct surroundings *around, struct err *err)
{
	struct rendering r = { .settings = s, .contract = c, .around = around };
	const char *at = template_text;

	str_init(&r.out, a, MAX_CONF);
	for (;;) {
		size_t plain = strcspn(at, "@");
		size_t n;

		str_addn(&r.out, at, plain);
		at += plain;
		if (!*at)
			break;
		n = strcspn(++at, "@\n");
		if (at[n] != '@') {
			err_set(err, ERR_BUG, "nginx.conf.in: a lone @");
			return NULL;
		}
		if (!fill(&r, at, n, err))
			return NULL;
		at += n + 1;
	}
	return str_ok(&r.out, "nginx.conf", err) ? r.out.ptr : NULL;
}
