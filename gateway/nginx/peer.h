/* nginx' upstream as a balancer of ours: `upstream x { server …; apim_balancer; }`.
 *
 * The verdict names the backend, the backend its addresses. Connections are kept per backend, so
 * that one made (and its certificate checked) for one host never serves another that has the same
 * address. They are kept for a few seconds only and live for a minute at most, so that new replicas
 * behind a Service get their share.
 */
#ifndef GATEWAY_NGINX_PEER_H
#define GATEWAY_NGINX_PEER_H

#include "gateway/nginx/apim.h"

char *peer_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Closes idle connections to addresses that the backend no longer has. */
void peer_drop_unknown(struct backend *b);
void peer_drop_all(struct backend *b);

#endif
