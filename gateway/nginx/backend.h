/* One target as one worker knows it: its addresses, and connections that wait for work.
 *
 * Addresses come from the endpoint itself (a literal), from the hosts file, or from the resolver,
 * name by name through the search list, and are looked up again when their time to live is over: by
 * the next request, which goes on with the old ones meanwhile. So a start never needs DNS, and a
 * name server that is down for a while hurts nobody.
 */
#ifndef GATEWAY_NGINX_BACKEND_H
#define GATEWAY_NGINX_BACKEND_H

#include "gateway/nginx/apim.h"

enum {
	BACKEND_MAX_ADDRESSES = 16,
	BACKEND_MAX_IDLE = 100, /* connections kept per backend and worker */
};

struct address {
	struct sockaddr_storage sockaddr;
	socklen_t len;
	size_t text_len;
	u_char text[NGX_SOCKADDR_STRLEN]; /* for nginx' messages */
};

struct backend {
	struct apim *apim;
	const struct contract_target *target;
	const char *host;   /* without the brackets of an IPv6 address */
	const char **names; /* to ask for, in order */
	struct address addresses[BACKEND_MAX_ADDRESSES];
	size_t n_addresses;
	size_t turn;		    /* round robin */
	bool is_static;		    /* addresses never change */
	ngx_msec_t fresh_until;	    /* of the addresses */
	ngx_msec_t retry_at;	    /* after a failed lookup: not before */
	ngx_resolver_ctx_t *lookup; /* in progress */
	bool has_failed;	    /* the last lookup did */
	size_t asked;		    /* which name */
	ngx_queue_t waiting;	    /* struct ctx: requests that need the first addresses */
	ngx_queue_t idle;	    /* struct idle, the latest used first */
	size_t n_idle;
};

/* For all targets of the contract. NULL when memory is short. */
struct backend *backend_start_all(struct apim *m, ngx_cycle_t *cycle);
void backend_stop_all(struct apim *m);

/* Starts a lookup when one is due. */
void backend_refresh(struct backend *b);

/* A lookup is under way. ctx waits for its end; the request goes on by itself. */
void backend_wait(struct backend *b, struct ctx *ctx);

/* The request is going away. */
void backend_forget(struct ctx *ctx);

/* A connection failed: its addresses are looked up again before their time. */
void backend_doubt(struct backend *b);

/* Takes the next address in turn. */
const struct address *backend_address(struct backend *b);

bool backend_has_address(const struct backend *b, const struct address *wanted);

#endif
