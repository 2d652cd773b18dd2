#include "lib/base/err.h"
#include "lib/svc/runtime.h"

enum {
	CONFLICT_MS = 20, /* somebody was faster: read again at once */
	BACKOFF_MIN_MS = 500,
	BACKOFF_MAX_MS = 60 * 1000,
	DENIED_MS = 30 * 1000, /* permissions are mended by hand */
	STALLED_MS = 300 * 1000,
};

/* Half of it fixed, half of it by chance, so that many failures do not come back in step. */
static int64_t jittered(struct runtime *rt, int64_t ms)
{
	return ms / 2 + (int64_t)(rt->clock.random(rt->clock.self) % (uint64_t)(ms / 2 + 1));
}

static int64_t backoff(unsigned int attempt, int64_t first_ms, int64_t most_ms)
{
	int64_t ms = first_ms;

	while (attempt-- > 1 && ms < most_ms)
		ms *= 2;
	return ms < most_ms ? ms : most_ms;
}

struct outcome runtime_fate(struct runtime *rt, const struct err *err, unsigned int attempt)
{
	switch (err->code) {
	case ERR_NONE:
	case ERR_ENDING:
		return (struct outcome){ false, 0 };
	case ERR_CONFLICT:
		return (struct outcome){ true, jittered(rt, backoff(attempt, CONFLICT_MS, 1000)) };
	case ERR_NOT_FOUND:
	case ERR_TIMEOUT:
	case ERR_UNAVAILABLE:
		return (struct outcome){ true,
			jittered(rt, backoff(attempt, BACKOFF_MIN_MS, BACKOFF_MAX_MS)) };
	case ERR_DENIED:
		return (struct outcome){ true, jittered(rt, DENIED_MS) };
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_BUG:
		return (struct outcome){ true, jittered(rt, STALLED_MS) };
	}
	return (struct outcome){ true, STALLED_MS };
}
