/* Who used which operation, and how it went: what nginx' workers tell the publisher.
 *
 * A datagram is a head and records behind it, all in this machine's own order of bytes: both ends
 * belong to one image. Texts are bounded by USAGE_MAX_TEXT; a longer one is cut. Reading trusts
 * nothing.
 */
#ifndef GATEWAY_CORE_USAGE_H
#define GATEWAY_CORE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/core.h"

enum {
	USAGE_MAX_TEXT = 256,
	USAGE_MAX_DATAGRAM = 16 * 1024,
};

/* One request. */
struct usage {
	struct span api; /* title, version and operation as in the contract; empty: not known */
	struct span version;
	struct span operation;
	struct span application;
	uint32_t ms;
	uint32_t backend_ms;
	uint16_t status;
	bool sandbox;
};

/* Begins a datagram: `lost` requests could not be told since the last one. Returns its length. */
size_t usage_begin(uint32_t lost, char to[USAGE_MAX_DATAGRAM]);

/* Appends to the n bytes that are there; returns the new length, or n when it does not fit. */
size_t usage_write(const struct usage *u, char to[USAGE_MAX_DATAGRAM], size_t n);

struct usage_reader {
	const char *at;
	const char *end;
	uint32_t lost;
};

/* False: not a datagram of ours. */
bool usage_read(struct usage_reader *r, const char *bytes, size_t n);

/* False at the end, and at what is no record. Texts point into the datagram. */
bool usage_next(struct usage_reader *r, struct usage *ret);

/* What the publisher counts since its start, in a page that workers read for /metrics. */
struct usage_counts {
	uint64_t published; /* requests */
	uint64_t lost;
};

/* Names of both in the run directory. */
#define USAGE_SOCKET "usage.socket"
#define USAGE_COUNTS "usage.counts"

#endif
