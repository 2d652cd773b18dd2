/* Directives, variables, and the life of contract and core. */
#include "gateway/module/apim.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"

static void free_arena(void *arena)
{
	arena_free(arena);
}

/* ---- configuration ---- */

static void *create_main_conf(ngx_conf_t *cf)
{
	struct apim_main_conf *m = ngx_pcalloc(cf->pool, sizeof(*m));

	if (m)
		m->ndots = 1;
	return m;
}

static void *create_loc_conf(ngx_conf_t *cf)
{
	struct apim_loc_conf *l = ngx_pcalloc(cf->pool, sizeof(*l));

	if (l)
		l->on = NGX_CONF_UNSET;
	return l;
}

/* Internal locations answer for nginx itself: `apim on` is not inherited. */
static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
	struct apim_loc_conf *l = child;

	(void)cf;
	(void)parent;
	ngx_conf_init_value(l->on, 0);
	return NGX_CONF_OK;
}

static char *contract_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	struct apim_main_conf *m = conf;
	ngx_str_t *value = cf->args->elts;
	struct err err = { .code = ERR_NONE };
	ngx_pool_cleanup_t *cleanup;

	(void)cmd;
	if (m->contract)
		return "is duplicate";
	m->contract_file = value[1];
	cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	if (!cleanup)
		return NGX_CONF_ERROR;
	m->arena = arena_new();
	cleanup->handler = free_arena;
	cleanup->data = m->arena;
	m->contract = contract_load_file(m->arena, (const char *)value[1].data, &err);
	if (!m->contract) {
		ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "contract %V: %s", &value[1], err.msg);
		return NGX_CONF_ERROR;
	}
	if (apim_backends_init(cf, m) != NGX_OK || apim_metrics_zone(cf, m) != NGX_OK)
		return NGX_CONF_ERROR;
	return NGX_CONF_OK;
}

static char *search_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	struct apim_main_conf *m = conf;
	ngx_str_t *value = cf->args->elts;

	(void)cmd;
	if (m->search)
		return "is duplicate";
	if (cf->args->nelts - 1 > APIM_MAX_SEARCH)
		return "has too many domains";
	m->search = ngx_array_create(cf->pool, cf->args->nelts, sizeof(ngx_str_t));
	if (!m->search)
		return NGX_CONF_ERROR;
	for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
		ngx_str_t *domain = ngx_array_push(m->search);

		if (!domain)
			return NGX_CONF_ERROR;
		*domain = value[i];
	}
	return NGX_CONF_OK;
}

static ngx_command_t commands[] = {
	{ ngx_string("apim_contract"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, contract_directive,
		NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },
	{ ngx_string("apim_search"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, search_directive,
		NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },
	{ ngx_string("apim_ndots"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
		NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct apim_main_conf, ndots), NULL },
	{ ngx_string("apim_endpoint"), NGX_HTTP_UPS_CONF | NGX_CONF_TAKE1, apim_backend_directive,
		NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },
	{ ngx_string("apim"), NGX_HTTP_LOC_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
		NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct apim_loc_conf, on), NULL },
	{ ngx_string("apim_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, apim_metrics_directive,
		NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
	ngx_null_command,
};

/* ---- variables ---- */

enum variable {
	VAR_SCHEME,
	VAR_UPSTREAM,
	VAR_TARGET,
	VAR_HOST,
	VAR_API,
	VAR_VERSION,
	VAR_OPERATION,
	VAR_FAULT,
	VAR_REASON,
	VAR_SUBJECT,
	VAR_APPLICATION,
	VAR_PATH,
	VAR_CACHED,
};

static struct span text(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

/* The path as sent, without the query, which may carry secrets. */
static struct span path_of(const ngx_http_request_t *r)
{
	struct span s = { (const char *)r->unparsed_uri.data, r->unparsed_uri.len };
	const char *query = s.n > 0 ? memchr(s.at, '?', s.n) : NULL;

	if (query)
		s.n = (size_t)(query - s.at);
	return s;
}

static size_t endpoint_index(const struct apim_main_conf *m, const struct contract_endpoint *e)
{
	return (size_t)(e - m->contract->endpoints);
}

static struct span host_header(struct arena *a, const struct contract_endpoint *e)
{
	const char *host = strchr(e->host, ':') && e->host[0] != '[' ? arena_printf(a, "[%s]", e->host) :
								       e->host;

	if (e->port == (e->tls ? 443 : 80))
		return text(host);
	return text(arena_printf(a, "%s:%u", host, e->port));
}

/* Who called, recognisable but not readable. */
static struct span subject(struct arena *a, const struct verdict *v)
{
	return v->subject.n ? (struct span){ sha256_hex(a, v->subject.at, v->subject.n), 16 } : (struct span){ "", 0 };
}

static struct span value_for_backend(
	enum variable which, const struct apim_main_conf *m, const struct apim_ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;

	if (!v->endpoint)
		return (struct span){ NULL, 0 };
	if (which == VAR_SCHEME)
		return text(v->endpoint->tls ? "https" : "http");
	if (which == VAR_UPSTREAM)
		return text(arena_printf(ctx->arena, "apim_%zu", endpoint_index(m, v->endpoint)));
	if (which == VAR_TARGET)
		return v->forward;
	return host_header(ctx->arena, v->endpoint);
}

static struct span value_for_log(enum variable which, const struct apim_ctx *ctx)
{
	const struct verdict *v = &ctx->verdict;

	switch (which) {
	case VAR_API:
		return text(v->api ? v->api->title : NULL);
	case VAR_VERSION:
		return text(v->api ? v->api->version : NULL);
	case VAR_OPERATION:
		return text(v->operation ? v->operation->id : NULL);
	case VAR_FAULT:
		return v->fault_code ? text(arena_printf(ctx->arena, "%d", v->fault_code)) : text(NULL);
	case VAR_REASON:
		return text(v->reason);
	case VAR_SUBJECT:
		return subject(ctx->arena, v);
	case VAR_APPLICATION:
		return v->application;
	case VAR_CACHED:
		return text(v->token_cached ? "1" : "0");
	default:
		return text(NULL);
	}
}

static ngx_int_t get_variable(ngx_http_request_t *r, ngx_http_variable_value_t *ret, uintptr_t data)
{
	const struct apim_main_conf *m = ngx_http_get_module_main_conf(r, ngx_http_apim_module);
	const struct apim_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_apim_module);
	enum variable which = (enum variable)data;
	struct span s = { NULL, 0 };

	if (which == VAR_PATH)
		s = path_of(r);
	else if (ctx)
		s = which <= VAR_HOST ? value_for_backend(which, m, ctx) : value_for_log(which, ctx);
	ret->valid = 1;
	ret->no_cacheable = 1;
	ret->not_found = 0;
	ret->data = (u_char *)(uintptr_t)(s.at ? s.at : "");
	ret->len = s.n;
	return NGX_OK;
}

static const struct {
	ngx_str_t name;
	enum variable which;
} variables[] = {
	{ ngx_string("apim_scheme"), VAR_SCHEME },
	{ ngx_string("apim_upstream"), VAR_UPSTREAM },
	{ ngx_string("apim_target"), VAR_TARGET },
	{ ngx_string("apim_host"), VAR_HOST },
	{ ngx_string("apim_api"), VAR_API },
	{ ngx_string("apim_version"), VAR_VERSION },
	{ ngx_string("apim_operation"), VAR_OPERATION },
	{ ngx_string("apim_fault"), VAR_FAULT },
	{ ngx_string("apim_reason"), VAR_REASON },
	{ ngx_string("apim_subject"), VAR_SUBJECT },
	{ ngx_string("apim_application"), VAR_APPLICATION },
	{ ngx_string("apim_path"), VAR_PATH },
	{ ngx_string("apim_cached"), VAR_CACHED },
};

static ngx_int_t add_variables(ngx_conf_t *cf)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		ngx_str_t name = variables[i].name;
		ngx_http_variable_t *v = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);

		if (!v)
			return NGX_ERROR;
		v->get_handler = get_variable;
		v->data = (uintptr_t)variables[i].which;
	}
	return NGX_OK;
}

/* ---- phases and workers ---- */

static ngx_int_t add_handlers(ngx_conf_t *cf)
{
	ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *decide = ngx_array_push(&core->phases[NGX_HTTP_REWRITE_PHASE].handlers);
	ngx_http_handler_pt *log = ngx_array_push(&core->phases[NGX_HTTP_LOG_PHASE].handlers);

	if (!decide || !log)
		return NGX_ERROR;
	*decide = apim_handle;
	*log = apim_metrics_log;
	return NGX_OK;
}

static struct apim_main_conf *main_conf_of(ngx_cycle_t *cycle)
{
	return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_apim_module);
}

static ngx_int_t init_process(ngx_cycle_t *cycle)
{
	struct apim_main_conf *m = main_conf_of(cycle);

	if (m && m->contract)
		m->core = core_new(m->contract, NULL);
	return NGX_OK;
}

static void exit_process(ngx_cycle_t *cycle)
{
	struct apim_main_conf *m = main_conf_of(cycle);

	if (m && m->core)
		core_free(m->core);
}

static ngx_http_module_t http_module = {
	.preconfiguration = add_variables,
	.postconfiguration = add_handlers,
	.create_main_conf = create_main_conf,
	.create_loc_conf = create_loc_conf,
	.merge_loc_conf = merge_loc_conf,
};

ngx_module_t ngx_http_apim_module = {
	NGX_MODULE_V1,
	.ctx = &http_module,
	.commands = commands,
	.type = NGX_HTTP_MODULE,
	.init_process = init_process,
	.exit_process = exit_process,
};
