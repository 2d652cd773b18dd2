/* The launcher as PID 1 of the container: starts nginx, passes signals on, reaps, ends with it.
 *
 *   SIGTERM   Kubernetes' wish to stop. Requests are still taken for pre_stop_s, since endpoints
 * and load balancers learn of the end at the same time; answers then end their connections. After
 * that nginx finishes what it has (SIGQUIT) within drain_s. A second SIGTERM, or SIGINT, ends at
 * once.
 *   SIGQUIT   the same without the delay
 *   SIGHUP    nginx reads its files again. For a second before, answers end their connections:
 * whoever the change of workers would hit comes back to the new ones. A mounted TLS key that
 * becomes another one does the same.
 */
#ifndef GATEWAY_LAUNCHER_SUPERVISE_H
#define GATEWAY_LAUNCHER_SUPERVISE_H

#include <sys/types.h>

struct settings;

/* Starts nginx with the prepared configuration; -1 when that cannot be done. */
pid_t supervise_start(const struct settings *s);

/* Until nginx ends; returns its exit status. */
int supervise(const struct settings *s, pid_t nginx);

/* Blocks the signals above, so that none is lost before supervise waits for them. */
void supervise_block_signals(void);

#endif
