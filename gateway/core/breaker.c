#include "gateway/core/breaker.h"

void breaker_init(struct breaker *b, const struct contract_breaker *contract)
{
	*b = (struct breaker){ .contract = contract };
}

bool breaker_allows(struct breaker *b, int64_t now_ms, bool *ret_is_trial)
{
	*ret_is_trial = false;
	switch (b->state) {
	case BREAKER_CLOSED:
		return true;
	case BREAKER_TRYING:
		return false;
	case BREAKER_OPEN:
		break;
	}
	if (now_ms - b->opened_ms < b->contract->reset_ms)
		return false;
	b->state = BREAKER_TRYING;
	*ret_is_trial = true;
	return true;
}

static void count(struct breaker *b, bool failed, int64_t now_ms)
{
	int64_t number = now_ms / b->contract->bucket_ms;
	uint32_t n = b->contract->window_ms / b->contract->bucket_ms;
	struct breaker_bucket *bucket = &b->buckets[number % n];

	if (bucket->number != number)
		*bucket = (struct breaker_bucket){ .number = number };
	bucket->calls++;
	bucket->failures += failed;
}

static bool is_too_much(const struct breaker *b, int64_t now_ms)
{
	int64_t number = now_ms / b->contract->bucket_ms;
	uint32_t n = b->contract->window_ms / b->contract->bucket_ms;
	uint64_t failures = 0;
	uint64_t calls = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (b->buckets[i].number <= number - n)
			continue;
		calls += b->buckets[i].calls;
		failures += b->buckets[i].failures;
	}
	return calls >= b->contract->volume && failures * 100 > calls * b->contract->percent;
}

static void after_trial(struct breaker *b, enum breaker_outcome outcome, int64_t now_ms)
{
	if (outcome == BREAKER_SUCCESS) {
		breaker_init(b, b->contract);
		return;
	}
	b->state = BREAKER_OPEN;
	/* Without an outcome the next call tries at once. */
	if (outcome == BREAKER_FAILURE)
		b->opened_ms = now_ms;
}

/* Calls that began before it opened and end later say nothing. */
void breaker_tell(struct breaker *b, enum breaker_outcome outcome, bool is_trial, int64_t now_ms)
{
	if (is_trial) {
		after_trial(b, outcome, now_ms);
		return;
	}
	if (b->state != BREAKER_CLOSED || outcome == BREAKER_NOTHING)
		return;
	count(b, outcome == BREAKER_FAILURE, now_ms);
	if (outcome == BREAKER_FAILURE && is_too_much(b, now_ms)) {
		b->state = BREAKER_OPEN;
		b->opened_ms = now_ms;
	}
}
