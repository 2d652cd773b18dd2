/* Time and chance as a table, so that the rest of the program can be run with its own. */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>

struct clock_ops {
	void *self;
	int64_t (*now_ms)(void *self);	     /* since 1970, UTC */
	int64_t (*monotonic_us)(void *self); /* for durations */
	uint64_t (*random)(void *self);	     /* 64 random bits: jitter, trace ids */
};

struct clock_ops clock_real(void);

struct arena;
char *clock_rfc3339(struct arena *a, int64_t ms); /* "2026-11-23T12:00:00Z" */

#endif
