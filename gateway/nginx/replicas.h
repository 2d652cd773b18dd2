/* The other replicas of this gateway, with whom it shares its limits (gateway/core/share.h).
 *
 * Every worker has a UDP socket at the same address and port (SO_REUSEPORT); whichever gets a
 * datagram works in the memory that all share, so a worker may come, go or be replaced at any time.
 * What is to be said is gathered while the events of one turn are handled and sent at its end. The
 * name of the replicas is looked up every two seconds by one of the workers.
 */
#ifndef GATEWAY_NGINX_REPLICAS_H
#define GATEWAY_NGINX_REPLICAS_H

#include "gateway/core/window.h"
#include "gateway/nginx/apim.h"

struct share;
struct share_memory;
struct window_table;

/* Reads directive apim_replicas and its key; without it m->replicas stays NULL. */
bool replicas_prepare(ngx_conf_t *cf, struct apim *m);

/* For the zone of counters. Another fingerprint: other replicas. */
const char *replicas_fingerprint(const struct replicas *p);
void replicas_window_secret(const struct replicas *p, unsigned char ret[WINDOW_SECRET_BYTES]);
struct share_memory *replicas_memory(const struct replicas *p, void *memory, size_t counters);

/* The worker's. */
struct share *replicas_share(
	struct replicas *p, struct window_table *table, struct share_memory *memory);

/* Around everything that is done under the counters' lock. */
void replicas_set_time(struct replicas *p);
void replicas_send_soon(struct replicas *p);

/* m->replicas may be NULL. */
bool replicas_start(struct apim *m, ngx_cycle_t *cycle);
void replicas_stop(struct apim *m);
bool replicas_are_known(const struct apim *m); /* looked up, and heard if they are there */

/* A request that was decided VERDICT_WAIT: it goes on by itself. */
bool replicas_may_be_waited_for(const struct apim *m, struct ctx *ctx);
void replicas_wait(struct apim *m, struct ctx *ctx);

/* For metrics. */
struct replicas_numbers {
	uint64_t here;
	uint64_t away;
	uint64_t refused;
	uint64_t alone;
};
bool replicas_count(struct apim *m, struct replicas_numbers *ret); /* false: there are none */

#endif
