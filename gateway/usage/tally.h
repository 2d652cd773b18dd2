/* Usage added up: one line for each API, version, operation, application, key type and status.
 *
 * What a tally needs of memory is bounded by TALLY_MAX_LINES, whatever the number of requests, so a
 * bus that is away for long costs the times of single requests and nothing else. Requests that
 * would need one line more are counted as lost.
 */
#ifndef GATEWAY_USAGE_TALLY_H
#define GATEWAY_USAGE_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/core/usage.h"
#include "lib/base/vec.h"

enum {
	TALLY_MAX_LINES = 4096,
};

struct arena;
struct tally;

struct tally *tally_new(void);
void tally_free(struct tally *t);

void tally_add(struct tally *t, const struct usage *u, int64_t now_ms);
void tally_lose(struct tally *t, uint64_t requests, int64_t now_ms);

size_t tally_lines(const struct tally *t);
uint64_t tally_requests(const struct tally *t);
uint64_t tally_lost(const struct tally *t);

/* Part of a tally. */
struct tally_event {
	const char *data; /* JSON, of a CloudEvent */
	uint64_t requests;
};

/* As many events as it takes with at most max_bytes each: appends struct tally_event * to ret. None
 * when nothing happened. */
void tally_tell(const struct tally *t, struct arena *a, const char *gateway, int64_t now_ms,
	size_t max_bytes, struct vec *ret);

void tally_clear(struct tally *t);

#endif
