/* Whose turn it is among an endpoint's targets. Pure; one per endpoint and worker.
 *
 * Round robin begins with the first target and leaves out those that failed a moment ago, unless
 * all did. Failover begins with the one that worked last.
 */
#ifndef GATEWAY_CORE_BALANCE_H
#define GATEWAY_CORE_BALANCE_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/core/contract.h"

struct balance {
	size_t n;
	bool failover;
	size_t turn; /* round robin: next; failover: the one that works */
	int64_t down_until_ms[CONTRACT_MAX_TARGETS]; /* 0: did not fail */
};

void balance_init(struct balance *b, const struct contract_endpoint *e);

/* The target to try, as index into the endpoint's targets; excluded: a bit for each one that shall
 * not be taken. SIZE_MAX: none is left. */
size_t balance_pick(struct balance *b, uint32_t excluded, int64_t now_ms);

void balance_worked(struct balance *b, size_t target);
void balance_failed(struct balance *b, size_t target, int64_t now_ms);

#endif
