#include <fcntl.h>
#include <sys/mman.h>

#include "gateway/core/endpoint.h"
#include "gateway/nginx/apim.h"
#include "gateway/nginx/backend.h"
#include "gateway/nginx/endpoint.h"
#include "gateway/nginx/hook.h"
#include "gateway/nginx/peer.h"
#include "gateway/nginx/replicas.h"
#include "gateway/nginx/resolv.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"

struct apim *apim_of(ngx_http_request_t *r)
{
	return ngx_http_get_module_main_conf(r, ngx_http_apim_module);
}

struct apim *apim_of_cycle(ngx_cycle_t *cycle)
{
	return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_apim_module);
}

bool apim_is_draining(const struct apim *m)
{
	return m->state && *m->state != 0;
}

bool apim_is_ending(const struct apim *m)
{
	return m->state && *m->state == 1;
}

bool apim_is_started(const struct apim *m)
{
	return jwks_are_tried(m) && replicas_are_known(m);
}

/* ---- configuration ---- */

static void *create_main(ngx_conf_t *cf)
{
	struct apim *m = ngx_pcalloc(cf->pool, sizeof(*m));

	if (m)
		m->n_counters = NGX_CONF_UNSET_UINT;
	if (m)
		m->trust_files = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
	return m && m->trust_files ? m : NULL;
}

static void *create_location(ngx_conf_t *cf)
{
	struct apim_location *l = ngx_pcalloc(cf->pool, sizeof(*l));

	if (l)
		l->gateway = l->tokens = NGX_CONF_UNSET;
	return l;
}

static char *merge_location(ngx_conf_t *cf, void *parent, void *child)
{
	struct apim_location *outer = parent;
	struct apim_location *l = child;

	(void)cf;
	ngx_conf_merge_value(l->gateway, outer->gateway, 0);
	ngx_conf_merge_value(l->tokens, outer->tokens, 0);
	return NGX_CONF_OK;
}

static ngx_int_t health(ngx_http_request_t *r)
{
	static const struct span type = { "application/json", 16 };
	static const struct span body = { "{\"status\":\"healthy\"}", 20 };
	struct ctx *ctx = ctx_ensure(r);

	if (!ctx)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ctx->is_quiet = true;
	if (!apim_is_started(apim_of(r)))
		return request_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE, type,
			text_span("{\"status\":\"starting\"}"));
	return request_answer(r, NGX_HTTP_OK, type, body);
}

static char *set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
	ngx_http_core_loc_conf_t *location =
		ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

	location->handler = handler;
	return NGX_CONF_OK;
}

static char *metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	(void)cmd;
	(void)conf;
	return set_handler(cf, metrics_handler);
}

static char *health_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	(void)cmd;
	(void)conf;
	return set_handler(cf, health);
}

static char *replicas_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	struct apim *m = conf;
	ngx_str_t *args = cf->args->elts;

	(void)cmd;
	m->replicas_args = ngx_palloc(cf->pool, 4 * sizeof(*args));
	if (!m->replicas_args)
		return NGX_CONF_ERROR;
	ngx_memcpy(m->replicas_args, &args[1], 4 * sizeof(*args));
	return NGX_CONF_OK;
}

#define MAIN_FILE(directive, member)                                                               \
	{                                                                                          \
		ngx_string(directive), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot, \
			NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct apim, member), NULL             \
	}

static ngx_command_t commands[] = {
	/* http: what the gateway serves. Loaded by `nginx -t` too; a contract that is refused never
	   starts. */
	MAIN_FILE("apim_contract", contract_file),
	/* http: default /etc/resolv.conf and /etc/hosts */
	MAIN_FILE("apim_resolv_conf", resolv_file),
	MAIN_FILE("apim_hosts", hosts_file),
	/* http: its first byte is 1 while the gateway drains, 2 around a reload; written by the
	   launcher */
	MAIN_FILE("apim_state", state_file),
	/* http: the folder with <security>.json of every scheme of the contract */
	MAIN_FILE("apim_credentials", credentials_dir),
	/* http: one jti per line, read again when it changes */
	MAIN_FILE("apim_revoked", revoked_file),
	/* http: the folder where gateway-usage listens, and counts */
	MAIN_FILE("apim_usage", usage_dir),
	/* http, may stand several times: certificates that backends' certificates have to lead to
	 */
	{ ngx_string("apim_trust"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_str_array_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct apim, trust_files), NULL },
	/* http: how many counters of rate limits there is room for */
	{ ngx_string("apim_counters"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
		NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct apim, n_counters), NULL },
	/* http: name of all replicas, own address, UDP port of all, file with their common key */
	{ ngx_string("apim_replicas"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE4, replicas_directive,
		NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },
	/* location: requests are judged by the contract */
	{ ngx_string("apim_gateway"), NGX_HTTP_LOC_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
		NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct apim_location, gateway), NULL },
	/* location: of the contract, only the key manager's endpoints are there */
	{ ngx_string("apim_tokens"), NGX_HTTP_LOC_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
		NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct apim_location, tokens), NULL },
	{ ngx_string("apim_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, metrics_directive, 0, 0,
		NULL },
	{ ngx_string("apim_health"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, health_directive, 0, 0,
		NULL },
	/* upstream: the verdict's backend */
	{ ngx_string("apim_balancer"), NGX_HTTP_UPS_CONF | NGX_CONF_NOARGS, peer_directive, 0, 0,
		NULL },
	ngx_null_command,
};

/* ---- what is derived from the contract ---- */

static void free_arena(void *a)
{
	arena_free(a);
}

static void free_trust(void *store)
{
	X509_STORE_free(store);
}

static const char *text_of(struct arena *a, const ngx_str_t *s, const char *otherwise)
{
	return s->len > 0 ? arena_dupn(a, s->data, s->len) : otherwise;
}

/* A function of its own: getenv returns what may be changed. */
static const char *from_environment(const char *name)
{
	return getenv(name);
}

static bool load_contract(struct apim *m, struct err *err)
{
	const char *path = text_of(m->arena, &m->contract_file, "");
	AUTO(arena_auto) struct arena *tmp = arena_new();

	m->contract = contract_load_file(m->arena, path, err);
	if (!m->contract)
		return false;
	m->fingerprint =
		arena_dupn(m->arena, json_sha256(tmp, contract_json(tmp, m->contract)), 12);
	return contract_override(m->arena, m->contract, from_environment, err);
}

static void number_operations(struct apim *m)
{
	const struct contract *c = m->contract;

	m->op_base = arena_alloc(m->arena, c->n_apis * sizeof(*m->op_base));
	for (size_t i = 0; i < c->n_apis; i++) {
		m->op_base[i] = arena_alloc(m->arena, c->apis[i].n_paths * sizeof(**m->op_base));
		for (size_t k = 0; k < c->apis[i].n_paths; k++) {
			m->op_base[i][k] = m->n_ops;
			m->n_ops += c->apis[i].paths[k].n_operations;
		}
	}
}

static void gather_auth_headers(struct apim *m)
{
	const struct contract *c = m->contract;
	size_t n = 0;

	m->auth_headers = arena_alloc(m->arena, (c->n_apis + 1) * sizeof(*m->auth_headers));
	for (size_t i = 0; i < c->n_apis; i++) {
		size_t k = 0;

		while (k < n && strcmp(m->auth_headers[k], c->apis[i].auth_header) != 0)
			k++;
		if (k == n)
			m->auth_headers[n++] = c->apis[i].auth_header;
	}
}

static const char *bare_host(struct arena *a, const char *host)
{
	size_t n = strlen(host);

	return host[0] == '[' ? arena_dupn(a, host + 1, n - 2) : host;
}

static const char **known_addresses(struct arena *a, const char *hosts, const char *host)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1) {
		const char **one = arena_alloc(a, 2 * sizeof(*one));

		one[0] = host;
		return one;
	}
	return resolv_hosts(a, hosts, host);
}

static void name_backends(struct apim *m, const struct resolv *resolv)
{
	size_t n = m->contract->n_targets;

	m->hosts = arena_alloc(m->arena, (n + 1) * sizeof(*m->hosts));
	m->names = arena_alloc(m->arena, (n + 1) * sizeof(*m->names));
	m->known = arena_alloc(m->arena, (n + 1) * sizeof(*m->known));
	for (size_t i = 0; i < n; i++) {
		m->hosts[i] = bare_host(m->arena, m->contract->targets[i].host);
		m->names[i] = resolv_candidates(m->arena, resolv, m->hosts[i]);
		m->known[i] = known_addresses(m->arena, m->hosts_text, m->hosts[i]);
	}
}

/* Asking for IPv6 addresses that cannot be reached only costs time. */
static bool has_ipv6(void)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *interfaces = resolv_read(a, "/proc/net/if_inet6");
	size_t n = 0;

	for (const char *p = interfaces; (p = strchr(p, '\n')); p++)
		n++;
	return n > 1; /* the loop-back interface has one */
}

static bool make_resolver(ngx_conf_t *cf, struct apim *m, const struct resolv *resolv)
{
	static u_char without_ipv6[] = "ipv6=off";
	ngx_str_t names[RESOLV_MAX_SERVERS + 1];
	ngx_uint_t n = 0;

	for (size_t i = 0; i < resolv->n_servers; i++) {
		const char *server = resolv->servers[i];
		bool is_ipv6 = strchr(server, ':') != strrchr(server, ':') && server[0] != '[';

		server = arena_printf(m->arena, is_ipv6 ? "[%s]" : "%s", server);
		names[n++] = (ngx_str_t){ strlen(server), (u_char *)(uintptr_t)server };
	}
	if (n == 0)
		return true;
	if (!has_ipv6())
		names[n++] = (ngx_str_t){ sizeof(without_ipv6) - 1, without_ipv6 };
	m->resolver = ngx_resolver_create(cf, names, n);
	return m->resolver != NULL;
}

static bool make_tls(ngx_conf_t *cf, struct apim *m)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);

	m->tls.log = cf->log;
	if (!cleanup || ngx_ssl_create(&m->tls, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, NULL) != NGX_OK)
		return false;
	cleanup->handler = ngx_ssl_cleanup_ctx;
	cleanup->data = &m->tls;
	return true;
}

/* What the contract brings: the loader made it plain PEM. */
static bool add_certificates(X509_STORE *store, const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	bool ok = in != NULL;
	X509 *x;

	while (ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		ok = X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	BIO_free(in);
	ERR_clear_error();
	return ok;
}

static bool load_trust(ngx_conf_t *cf, struct apim *m)
{
	const ngx_str_t *files = m->trust_files->elts;
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	bool is_needed = jwks_need_tls(m) || spans_need_tls(m);

	for (size_t i = 0; i < m->contract->n_targets; i++)
		is_needed = is_needed || m->contract->targets[i].tls;
	for (size_t i = 0; i < m->contract->n_schemes; i++)
		is_needed = is_needed || m->contract->schemes[i].key_manager.tls;
	if (!is_needed)
		return true;
	m->trust = X509_STORE_new();
	if (!m->trust || !cleanup || !make_tls(cf, m))
		return false;
	cleanup->handler = free_trust;
	cleanup->data = m->trust;
	for (ngx_uint_t i = 0; i < m->trust_files->nelts; i++)
		if (X509_STORE_load_file(m->trust, text_of(m->arena, &files[i], "")) != 1) {
			ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
				"apim_trust \"%V\": holds no certificate that can be read",
				&files[i]);
			ERR_clear_error();
			return false;
		}
	for (size_t i = 0; i < m->contract->trust.n; i++)
		if (!add_certificates(m->trust, m->contract->trust.at[i]))
			return false;
	return true;
}

static void unmap(void *page)
{
	(void)munmap(page, 1);
}

static bool map_state(ngx_conf_t *cf, struct apim *m)
{
	const char *path = text_of(m->arena, &m->state_file, NULL);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	void *page;

	if (fd < 0)
		return true;
	page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (page == MAP_FAILED || !cleanup)
		return false;
	cleanup->handler = unmap;
	cleanup->data = page;
	m->state = page;
	return true;
}

static bool prepare(ngx_conf_t *cf, struct apim *m)
{
	struct resolv *resolv = arena_alloc(m->arena, sizeof(*resolv));
	struct err err;

	if (!load_contract(m, &err) || !hook_test(m, &err)) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", err.msg);
		return false;
	}
	number_operations(m);
	gather_auth_headers(m);
	resolv_parse(m->arena,
		resolv_read(m->arena, text_of(m->arena, &m->resolv_file, "/etc/resolv.conf")),
		resolv);
	m->resolv = resolv;
	m->hosts_text = resolv_read(m->arena, text_of(m->arena, &m->hosts_file, "/etc/hosts"));
	name_backends(m, resolv);
	return map_state(cf, m) && spans_setup(cf, m) && make_resolver(cf, m, resolv) &&
	       load_trust(cf, m) && replicas_prepare(cf, m) && metrics_zone(cf, m) == NGX_OK &&
	       counters_zone(cf, m) == NGX_OK && cache_zone(cf, m) && usage_setup(cf, m);
}

static char *init_main(ngx_conf_t *cf, void *conf)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	struct apim *m = conf;

	if (!cleanup)
		return NGX_CONF_ERROR;
	if (m->contract_file.len == 0) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "apim_contract: expected in http {}");
		return NGX_CONF_ERROR;
	}
	m->arena = arena_new();
	cleanup->handler = free_arena;
	cleanup->data = m->arena;
	return prepare(cf, m) ? NGX_CONF_OK : NGX_CONF_ERROR;
}

static bool add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
	ngx_http_core_main_conf_t *core =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *h = ngx_array_push(&core->phases[phase].handlers);

	if (h)
		*h = handler;
	return h != NULL;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
	const struct apim *m = ngx_http_conf_get_module_main_conf(cf, ngx_http_apim_module);

	if (!add_handler(cf, NGX_HTTP_ACCESS_PHASE, request_access) ||
		!add_handler(cf, NGX_HTTP_LOG_PHASE, log_request))
		return NGX_ERROR;
	if (page_init() != NGX_OK)
		return NGX_ERROR;
	answer_init(m);
	cache_init(m); /* sees an answer before it is held */
	return NGX_OK;
}

/* ---- workers ---- */

static ngx_int_t init_process(ngx_cycle_t *cycle)
{
	struct apim *m = apim_of_cycle(cycle);
	struct core_counters counters;

	if (!m || !m->contract || ngx_process == NGX_PROCESS_HELPER)
		return NGX_OK; /* no http {}, or what keeps the cache in order */
	log_start(cycle);
	counters = counters_of(m);
	m->core = core_new(m->contract, &(struct core_options){ .counters = &counters });
	m->backends = backend_start_all(m, cycle);
	m->endpoints = endpoint_start_all(m, cycle);
	return m->backends && m->endpoints && hook_start(m, cycle->log) && watch_start(m, cycle) &&
			       jwks_start(m, cycle) && revocations_start(m, cycle) &&
			       replicas_start(m, cycle)
		       ? NGX_OK
		       : NGX_ERROR;
}

static void exit_process(ngx_cycle_t *cycle)
{
	struct apim *m = apim_of_cycle(cycle);

	log_flush();
	usage_flush();
	if (!m || !m->core)
		return;
	backend_stop_all(m);
	introspect_stop_all();
	watch_stop(m);
	jwks_stop(m);
	spans_stop(m);
	revocations_stop(m);
	hook_stop(m);
	replicas_stop(m);
	core_free(m->core);
	m->core = NULL;
	request_worker_exit();
}

static ngx_http_module_t http = {
	.preconfiguration = variable_init,
	.postconfiguration = postconfiguration,
	.create_main_conf = create_main,
	.init_main_conf = init_main,
	.create_loc_conf = create_location,
	.merge_loc_conf = merge_location,
};

ngx_module_t ngx_http_apim_module = {
	NGX_MODULE_V1,
	.ctx = &http,
	.commands = commands,
	.type = NGX_HTTP_MODULE,
	.init_process = init_process,
	.exit_process = exit_process,
	NGX_MODULE_V1_PADDING,
};
