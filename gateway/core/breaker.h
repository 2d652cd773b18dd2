/* A circuit breaker: when too many calls of the last while failed, none are made until it was quiet
 * for some time; then a single one tries. Pure; one per endpoint and worker.
 *
 * Every call that breaker_allows let through must be told of: failed, not failed, or without
 * outcome (the client went away).
 */
#ifndef GATEWAY_CORE_BREAKER_H
#define GATEWAY_CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/core/contract.h"

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_TRYING, /* one call is under way */
};

struct breaker_bucket {
	int64_t number; /* of the step of time it counts */
	uint32_t calls;
	uint32_t failures;
};

struct breaker {
	const struct contract_breaker *contract;
	enum breaker_state state;
	int64_t opened_ms;
	struct breaker_bucket buckets[CONTRACT_MAX_BUCKETS];
};

enum breaker_outcome {
	BREAKER_SUCCESS,
	BREAKER_FAILURE,
	BREAKER_NOTHING,
};

void breaker_init(struct breaker *b, const struct contract_breaker *contract);
bool breaker_allows(struct breaker *b, int64_t now_ms, bool *ret_is_trial);
void breaker_tell(struct breaker *b, enum breaker_outcome outcome, bool is_trial, int64_t now_ms);

#endif
