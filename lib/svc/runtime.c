#include "lib/svc/runtime.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"

enum {
	KEEP_ALIVE_US = 3 * 1000 * 1000
};

void runtime_keep_alive(struct runtime *rt)
{
	int64_t now = rt->clock.monotonic_us(rt->clock.self);
	struct err ignored = { .code = ERR_NONE };

	if (!rt->in_hand || now - rt->kept_alive_us < KEEP_ALIVE_US)
		return;
	rt->kept_alive_us = now;
	/* If the bus is away the message comes again; the pass is idempotent. */
	(void)!rt->bus.working(rt->bus.self, rt->in_hand, &ignored);
}

const char *runtime_trace(struct runtime *rt, struct arena *a)
{
	unsigned long long bits[3];

	for (size_t i = 0; i < 3; i++)
		bits[i] = (unsigned long long)rt->clock.random(rt->clock.self);
	return arena_printf(a, "00-%016llx%016llx-%016llx-01", bits[0], bits[1], bits[2] | 1);
}
