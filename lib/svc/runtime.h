/* One pass over one object, behind three tables of effects: what service_main runs for each
 * message, and what simulations run in memory.
 */
#ifndef LIB_SVC_RUNTIME_H
#define LIB_SVC_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/bus/ops.h"
#include "lib/kube/ops.h"

struct arena;
struct later;
struct memo;
struct err;
struct json;
struct kube_apply;
struct plan;
struct service;
struct vec;
struct wake;
struct world;

struct runtime {
	const struct service *service;
	struct kube_ops kube;
	struct bus_ops bus;
	struct clock_ops clock;
	const char *system_ns;
	const char *instance; /* pod name, for events */
	const struct json *env;
	struct memo *memo;   /* of inputs; NULL: none */
	struct later *later; /* messages handed back; NULL: none */
	const struct delivery
		*in_hand; /* kept alive with bus.working during a long pass; NULL in tests */
	int64_t kept_alive_us;

	struct runtime_counts {
		uint64_t passes_done;
		uint64_t passes_failed;
		uint64_t applied;
		uint64_t remembered; /* inputs that needed no read */
		uint64_t settled;    /* messages that came back for nothing */
		uint64_t unchanged;  /* children and statuses that needed no write */
	} counts;
};

/* What becomes of the message in hand. */
struct outcome {
	bool again; /* redeliver after delay_ms; otherwise done */
	int64_t delay_ms;
};

/* gather → reconcile → carry out. Never fails: an error becomes an outcome (and is logged, once,
 * here). */
struct outcome runtime_pass(
	struct runtime *rt, struct arena *a, const struct wake *wake, unsigned int attempt);

/* ---- the steps, one file each ---- */

/* Reads the root and everything that needs asks for. */
MUST_CHECK bool runtime_gather(
	struct runtime *rt, const struct wake *wake, struct world *w, struct err *err);

/* Writes what differs, deletes what is to go; *ret_children is the new status.children. */
MUST_CHECK bool runtime_apply(
	struct runtime *rt, struct plan *p, struct json **ret_children, struct err *err);

/* Writes the status if it differs from the one that was read. */
MUST_CHECK bool runtime_status(
	struct runtime *rt, const struct plan *p, const struct json *children, struct err *err);

/* Publishes before the status is written: a crash in between tells twice (with the same
 * deduplication id), never not at all. */
MUST_CHECK bool runtime_publish(struct runtime *rt, const struct plan *p, struct err *err);

/* Kubernetes Events, a courtesy: one that cannot be written does not hold up the work. */
void runtime_events(struct runtime *rt, const struct plan *p);

/* What an error means for the message: the one place that decides. */
struct outcome runtime_fate(struct runtime *rt, const struct err *err, unsigned int attempt);

/* Tells the bus that we are still at it, if that is due. */
void runtime_keep_alive(struct runtime *rt);

/* A new W3C traceparent. */
const char *runtime_trace(struct runtime *rt, struct arena *a);

#endif
