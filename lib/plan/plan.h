/* What a service has decided: the output of its reconcile function, carried out by lib/svc/apply.c.
 *
 * Order of execution: apply → delete → publish → status → Kubernetes events → requeue or ack. It
 * stops at the first failure; redelivery repeats the whole, which is safe because every step is
 * idempotent. plan_json prints a plan as canonical text: golden files and dry runs.
 */
#ifndef LIB_PLAN_PLAN_H
#define LIB_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/object.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct json;
struct world;

enum plan_apply_flags {
	PLAN_FOREIGN = 1 << 0, /* not a child: we only add fields to somebody else's object (no
				  labels, owner, record) */
	PLAN_UNOWNED = 1 << 1, /* a child by record and label, but without owner reference: it
				  outlives the root */
	PLAN_CREATE = 1 << 2,  /* POST instead of apply, for what is never written again (Jobs); a
				  name that is taken is a conflict */
	PLAN_UNRECORDED = 1 << 3, /* another root's child, put right in passing: written if it
				     differs, not recorded here. With PLAN_UNOWNED */
	PLAN_JOINED = 1 << 4, /* the root becomes an owner of somebody else's object: the body has
				 the object's uid. Only if the root is still there. With
				 PLAN_FOREIGN */
};

struct plan_apply {
	struct json *body;
	unsigned int flags;
};

struct plan_event {
	const char *type;   /* "Normal" or "Warning" */
	const char *reason; /* CamelCase */
	const char *message;
};

struct plan_message {
	const char *subject;
	struct ref ref;		 /* whom a wake is about, if not the root */
	const char *cause;	 /* of a wake about the root; NULL for a CloudEvent */
	const char *ce_type;	 /* of a CloudEvent; NULL for a wake */
	const struct json *data; /* of a CloudEvent */
};

struct plan_delete {
	struct ref ref;
	const char *uid; /* NULL: whatever has the name */
};

/* One condition as decided; the runtime keeps lastTransitionTime and adds observedGeneration. */
struct condition {
	const char *type;
	const char *status; /* "True", "False", "Unknown" */
	const char *reason;
	const char *message;
};

struct plan {
	struct arena *arena;
	const struct world *world;
	struct vec applies;    /* struct plan_apply * */
	struct vec deletes;    /* struct plan_delete * */
	struct vec conditions; /* struct condition * */
	struct json *status;   /* further status fields (object), never NULL */
	struct vec messages;   /* struct plan_message * */
	struct vec events;     /* struct plan_event * */
	int64_t requeue_ms; /* 0: done; otherwise look again after so long even if nothing happens
			     */
	bool retrying;	    /* somebody tries again by itself: what is not Ready is Reconciling, not
			       Stalled */
	bool keep_status;   /* do not write status: another service owns it */
};

struct plan *plan_new(struct arena *a, const struct world *w);

/* body: a whole manifest. Labels (managed-by, part-of, owner), the owner reference to the root, the
 * namespace and the generation annotation are added for children. An unchanged child is not
 * written. */
void plan_apply(struct plan *p, struct json *body, unsigned int flags);
void plan_delete(struct plan *p, struct ref ref, const char *uid);

/* Sets or replaces a condition. The summary Ready, Reconciling and Stalled are computed
 * (plan_summarize). */
void plan_condition(struct plan *p, const char *type, const char *status, const char *reason,
	const char *message_fmt, ...) PRINTF_LIKE(5, 6);
const struct condition *plan_condition_get(const struct plan *p, const char *type);

/* A Kubernetes Event on the root. On transitions only: call it when a condition changed its reason
 * (plan_changed). */
void plan_event(struct plan *p, const char *type, const char *reason, const char *message_fmt, ...)
	PRINTF_LIKE(4, 5);

/* The condition as now decided differs in status or reason from the one in the root's status. */
bool plan_changed(const struct plan *p, const char *condition_type);

/* Tells another service to look at the root: a Wake on `<prefix>.<ns>.<name>`, prefix
 * "build.request" or "build.result". */
void plan_wake(struct plan *p, const char *prefix, const char *cause_fmt, ...) PRINTF_LIKE(3, 4);

/* The same about another object of the root's kind: its turn has come. */
void plan_wake_other(struct plan *p, const char *prefix, struct ref other, const char *cause);

/* A CloudEvent `evt.<what>.<ns>.<name>` about the root; takes data (an object). */
void plan_cloud_event(struct plan *p, const char *what, struct json *data);

void plan_requeue(struct plan *p, int64_t after_ms);

/* Adds the conditions that sum up: Ready = all of `required` (a NULL-terminated list of types)
 * True, in that order, with the reason and message of the first that is False, else of the first
 * that is not True; kstatus' Reconciling (something is Unknown or will be tried again) and Stalled
 * (a required condition is False and only a change by the user helps). */
void plan_summarize(struct plan *p, const char *const *required);

/* The status to apply: observedGeneration, conditions with merged lastTransitionTime, further
 * fields, dependencies, children. */
struct json *plan_status_json(
	const struct plan *p, const struct json *dependencies, const struct json *children);

/* Canonical text of the whole plan, for golden files and dry runs. */
char *plan_json(struct arena *a, const struct plan *p);

#endif
