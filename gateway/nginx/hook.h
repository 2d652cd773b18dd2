/* Hooks: what scripts of the contract want of a request, and of a backend's answer, carried out.
 *
 * A request's hooks run when it has been let in and stripped, before a backend is chosen: the
 * API's, then the operation's. An answer's run before anything of it is sent: the operation's, then
 * the API's. Answers of the gateway's own have none. A hook that fails makes the answer a 500 with
 * 103500; why stands in the log.
 *
 * Bodies are there for hooks that ask: body.c has read a request's by then, answer.c holds an
 * answer's until it is complete.
 */
#ifndef GATEWAY_NGINX_HOOK_H
#define GATEWAY_NGINX_HOOK_H

#include "gateway/nginx/apim.h"

struct err;

/* Whether all scripts compile: for `nginx -t`. */
bool hook_test(const struct apim *m, struct err *err);

/* For this worker; nothing without scripts. */
bool hook_start(struct apim *m, ngx_log_t *log);
void hook_stop(struct apim *m);

/* False: the request goes no further, and has a content handler. */
bool hook_request(ngx_http_request_t *r, struct apim *m, struct ctx *ctx);

/* Bytes of an answer that its hooks ask for; 0: none does. */
size_t hook_asks_for_answer(const struct verdict *v);

/* What hooks can know of an answer's body. */
enum hook_sight {
	HOOK_SEES_NONE,	  /* there is none */
	HOOK_SEES_STREAM, /* it passes as it comes */
	HOOK_SEES_ALL,	  /* ctx->answer */
};

/* Before the answer's header is sent. False: a hook failed, ctx->reason says how. */
bool hook_answer(ngx_http_request_t *r, struct apim *m, struct ctx *ctx, enum hook_sight sight);

#endif
