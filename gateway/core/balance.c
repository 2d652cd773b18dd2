#include "gateway/core/balance.h"

enum {
	DOWN_MS = 5000, /* a target that failed is left out for so long */
};

void balance_init(struct balance *b, const struct contract_endpoint *e)
{
	*b = (struct balance){ .n = e->n_urls, .failover = e->failover };
}

static bool is_excluded(uint32_t excluded, size_t i)
{
	return excluded & UINT32_C(1) << i;
}

size_t balance_pick(struct balance *b, uint32_t excluded, int64_t now_ms)
{
	size_t otherwise = SIZE_MAX;

	for (size_t k = 0; k < b->n; k++) {
		size_t i = (b->turn + k) % b->n;

		if (is_excluded(excluded, i))
			continue;
		if (b->down_until_ms[i] <= now_ms) {
			if (!b->failover)
				b->turn = (i + 1) % b->n;
			return i;
		}
		if (otherwise == SIZE_MAX)
			otherwise = i;
	}
	if (otherwise != SIZE_MAX && !b->failover)
		b->turn = (otherwise + 1) % b->n;
	return otherwise;
}

void balance_worked(struct balance *b, size_t target)
{
	b->down_until_ms[target] = 0;
	if (b->failover)
		b->turn = target;
}

void balance_failed(struct balance *b, size_t target, int64_t now_ms)
{
	b->down_until_ms[target] = now_ms + DOWN_MS;
	if (b->failover && b->turn == target)
		b->turn = (target + 1) % b->n;
}
