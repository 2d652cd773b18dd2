/* What a struct kube is made of, for the files of this folder. */
#ifndef LIB_KUBE_CLIENT_H
#define LIB_KUBE_CLIENT_H

#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/kube/config.h"
#include "lib/kube/stats.h"
#include "lib/kube/token.h"

struct wire;

struct kube {
	struct arena *arena; /* config and user agent */
	struct kube_config config;
	struct token token;
	struct stats stats;
	struct clock_ops clock;
	const char *user_agent;
	int timeout_ms;
	struct wire *calls; /* watches have connections of their own */
};

static inline int64_t kube_now_us(const struct kube *k)
{
	return k->clock.monotonic_us(k->clock.self);
}

#endif
