/* A thread that does nothing but add up what arrives on a socket, so that a bus which is slow or
 * away never fills it. There are two tallies: one is published while the other one fills. */
#ifndef GATEWAY_USAGE_COLLECT_H
#define GATEWAY_USAGE_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct collector;
struct err;
struct tally;

/* Listens at that path, whatever lies there. SIGTERM and SIGINT have to be blocked; they end the
 * collecting when all that was sent before is in the tally. */
struct collector *collector_start(const char *path, struct err *err) MUST_CHECK;
void collector_free(struct collector *c); /* after the end */

/* Waits until the time is over, the tally has `lines` lines, or collecting has ended. */
void collector_wait(struct collector *c, int64_t ms, size_t lines);
bool collector_has_ended(struct collector *c);
void collector_pause(struct collector *c, int64_t ms); /* also after the end */

/* These requests were collected and came to nothing. */
void collector_lose(struct collector *c, uint64_t requests);

/* The tally filled so far, for the caller until the next call; from now on the other one fills. */
struct tally *collector_take(struct collector *c);

#endif
