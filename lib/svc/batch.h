/* The messages of one fetch: who is looked at, in which order, how many at a time.
 *
 * Passes take turns in one thread (lib/base/fiber.h): while one waits for the API server, others
 * go on. Two passes over the same object never overlap. */
#ifndef LIB_SVC_BATCH_H
#define LIB_SVC_BATCH_H

#include <stddef.h>

#include "lib/base/attr.h"

struct batch;
struct probe;
struct runtime;
struct service;
struct vec;

enum {
	BATCH_MAX = 64,
	BATCH_FEW = 8, /* of those of whom one is looked at at a time */
};

/* How many messages that service is to fetch at once. */
size_t batch_size(const struct service *s);

/* Returns when something may have come that a pass waits for, or after timeout_ms. */
struct batch_wait {
	void (*wait)(void *arg, int timeout_ms);
	void *arg;
};

/* Borrows all. Passes run with copies of rt, whose counts are added up in it. */
struct batch *batch_new(struct runtime *rt, struct batch_wait wait, struct probe *probe);
void batch_free(struct batch *b); /* accepts NULL */

/* In the middle of batch_handle, as a crash would: nothing is told to anybody. */
void batch_drop(struct batch *b); /* accepts NULL */

/* Handles at most BATCH_MAX deliveries (struct delivery *) to the end: each is acknowledged, handed
 * back or put aside. Once the service is asked to stop, what was not begun is handed back. */
void batch_handle(struct batch *b, const struct vec *deliveries);

/* Gives back memory that only a burst needs. */
void batch_rest(struct batch *b);

#endif
