/* One endpoint as one worker knows it: whose turn it is among its targets, who failed lately,
 * whether its circuit is open.
 *
 * A request is aimed at a target: its Host, its path, its scheme. When that one fails and the
 * request may be sent again, it is aimed at the next and written anew. Never sent again: POST and
 * PATCH that a backend may have read, and bodies of which something is gone.
 */
#ifndef GATEWAY_NGINX_ENDPOINT_H
#define GATEWAY_NGINX_ENDPOINT_H

#include "gateway/core/balance.h"
#include "gateway/core/breaker.h"
#include "gateway/nginx/apim.h"

struct endpoint {
	const struct contract_endpoint *contract;
	struct balance balance;
	struct breaker *breaker; /* NULL: none */
	ngx_str_t login;	 /* value of Authorization for the backend; empty: none */
	struct endpoint_conf {
		const ngx_http_upstream_conf_t *from; /* nginx.conf's */
		ngx_http_upstream_conf_t *own;	      /* with the endpoint's times */
	} confs[2];				      /* proxy_pass, grpc_pass; made when needed */
};

/* For all endpoints of the contract. NULL when memory is short. */
struct endpoint *endpoint_start_all(struct apim *m, ngx_cycle_t *cycle);

/* What the backend gets instead of a client's Authorization; empty: nothing. */
struct span endpoint_login(const struct endpoint *e);

struct endpoint *endpoint_of(struct apim *m, const struct contract_endpoint *e);

enum endpoint_state {
	ENDPOINT_READY,	  /* aimed at a target that has addresses */
	ENDPOINT_WAIT,	  /* ctx waits for addresses; the request goes on by itself */
	ENDPOINT_UNKNOWN, /* no target has an address */
	ENDPOINT_OPEN,	  /* too many calls failed lately: no more for a while */
};

enum endpoint_state endpoint_prepare(struct apim *m, struct ctx *ctx);

/* Aims at the next target, after a failure. False: none is left, or memory is short. */
bool endpoint_next(struct apim *m, struct ctx *ctx);

/* How often a request may be sent, and what nginx does in between. */
ngx_uint_t endpoint_tries(const struct ctx *ctx);
ngx_http_upstream_conf_t *endpoint_conf(struct endpoint *e, ngx_http_upstream_conf_t *from);

/* The target in hand answered, or did not. */
void endpoint_worked(struct ctx *ctx);
void endpoint_failed(struct ctx *ctx);

/* An answer with that status is as bad as none. */
bool endpoint_is_failure(const struct endpoint *e, ngx_uint_t status);

/* Whether a request that was sent and not answered in time is tried again. */
bool endpoint_retries_when_late(const struct endpoint *e);

/* Clients get 101503 where others get 101504. */
bool endpoint_hides_timeouts(const struct endpoint *e);

/* The request is over: its circuit breaker learns how it went. */
void endpoint_settle(struct ctx *ctx);

#endif
