/* The service's figures in Prometheus' text form. */
#ifndef LIB_SVC_METRICS_H
#define LIB_SVC_METRICS_H

struct arena;
struct bus;
struct kube;
struct probe;
struct runtime;

/* Hands the current figures to the probe server. */
void metrics_publish(struct probe *p, struct arena *a, const struct runtime *rt,
	const struct kube *k, struct bus *b);

#endif
