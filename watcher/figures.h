/* What the watcher counts, in Prometheus' text form. */
#ifndef WATCHER_FIGURES_H
#define WATCHER_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct bus;
struct index;
struct kube;
struct probe;

enum {
	FIGURES_BUCKETS = 6
};

/* Zero-initialised is empty. */
struct figures {
	uint64_t wakes;
	uint64_t failures;    /* publishes that have to be repeated */
	uint64_t comparisons; /* complete ones */
	uint64_t latency[FIGURES_BUCKETS +
			 1]; /* event → stored by the bus, by bucket; the last is +Inf */
	int64_t latency_sum_us;
};

void figures_wake(struct figures *f, int64_t latency_us);

void figures_publish(const struct figures *f, struct probe *p, struct arena *a,
	const struct index *ix, const struct kube *k, const struct bus *b, bool leading);

#endif
