/* Random numbers that are the same for the same seed (splitmix64). */
#ifndef TESTS_SIM_CHANCE_H
#define TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *c)
{
	uint64_t z = (c->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 … n-1 */
static inline uint64_t chance_of(struct chance *c, uint64_t n)
{
	return n ? chance_next(c) % n : 0;
}

/* True `in_10000` times in ten thousand. */
static inline bool chance_hits(struct chance *c, uint32_t in_10000)
{
	return in_10000 > 0 && chance_of(c, 10000) < in_10000;
}

#endif
