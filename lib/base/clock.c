#include "lib/base/clock.h"

#include <sys/random.h>

#include "lib/base/arena.h"

static int64_t now_ms(void *self)
{
	struct timespec t;

	(void)self;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t monotonic_us(void *self)
{
	struct timespec t;

	(void)self;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t random_bits(void *self)
{
	uint64_t bits;

	(void)self;
	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		abort();
	return bits;
}

struct clock_ops clock_real(void)
{
	return (struct clock_ops){ NULL, now_ms, monotonic_us, random_bits };
}

char *clock_rfc3339(struct arena *a, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[sizeof("9999-12-31T23:59:59Z")] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return arena_dup(a, text);
}
