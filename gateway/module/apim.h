/* The nginx module around gateway/core: the only files that know both.
 *
 * The contract is loaded once per configuration and shared by all workers (it is read-only); each worker has a core of its own. A request
 * is decided in the rewrite phase: it is answered there, or variables for proxy_pass are set and the request waits, if need be, for the
 * backend's address. Text from contract and requests reaches nginx as variables and headers only, never as configuration.
 */
#ifndef GATEWAY_MODULE_APIM_H
#define GATEWAY_MODULE_APIM_H

/* nginx first: its headers define what ours must not redefine. */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gateway/core/core.h"

enum {
	APIM_MAX_ADDRESSES = 16, /* of one backend */
	APIM_MAX_SEARCH = 8,     /* DNS search domains */
};

/* What a worker knows about a backend of the contract. */
struct apim_backend {
	const struct contract_endpoint *endpoint;
	ngx_str_t host;
	ngx_flag_t literal; /* the host is an address; nothing to resolve */
	ngx_sockaddr_t addresses[APIM_MAX_ADDRESSES];
	socklen_t lengths[APIM_MAX_ADDRESSES];
	ngx_uint_t n;
	ngx_uint_t next; /* round robin */
	time_t fresh_until;
	time_t quiet_until; /* it could not be resolved: not asked again before */
};

struct apim_main_conf {
	ngx_str_t contract_file;
	struct arena *arena; /* holds the contract */
	struct contract *contract;
	struct apim_backend *backends; /* parallel to contract.endpoints; each worker fills its own copy */
	ngx_array_t *search;           /* ngx_str_t */
	ngx_uint_t ndots;
	ngx_shm_zone_t *metrics;
	size_t **first_operation; /* [api][path]: where its operations stand among the counters */
	struct core *core; /* of this worker */
};

struct apim_loc_conf {
	ngx_flag_t on;
};

/* One request. */
struct apim_ctx {
	struct arena *arena;
	struct verdict verdict;
	ngx_resolver_ctx_t *resolving;
	ngx_uint_t candidate; /* which name is being asked for */
	unsigned int decided : 1;
	unsigned int starting : 1; /* an answer comes before the asking function returned */
	unsigned int resolved : 1; /* the address was looked for; go on with what there is */
};

extern ngx_module_t ngx_http_apim_module;

/* request.c */
ngx_int_t apim_handle(ngx_http_request_t *r);

/* backend.c */
ngx_int_t apim_backends_init(ngx_conf_t *cf, struct apim_main_conf *m);
/* NGX_OK: go on (there may be no address). NGX_DONE: the request waits and will run its phases again. */
ngx_int_t apim_backend_resolve(ngx_http_request_t *r, struct apim_ctx *ctx, struct apim_backend *b);
void apim_backend_forget(struct apim_ctx *ctx); /* the request ends while it waits */
char *apim_backend_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* metrics.c */
ngx_int_t apim_metrics_zone(ngx_conf_t *cf, struct apim_main_conf *m);
ngx_int_t apim_metrics_log(ngx_http_request_t *r);
char *apim_metrics_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#endif
