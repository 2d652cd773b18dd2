/* What was read about one object: the input of a service's decision.
 *
 * The runtime reads; `needs` says what; `reconcile` looks. A reference that was asked for is in the
 * world, existing or not; one that was not asked for is not there at all. Everything lives in
 * world->arena.
 */
#ifndef LIB_PLAN_WORLD_H
#define LIB_PLAN_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/object.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct world {
	struct arena *arena;
	struct ref root_ref;	 /* the object that a message told us to look at */
	const struct json *root; /* NULL: it does not exist (any more) */
	struct vec objects;	 /* struct object *: everything else that was asked for by name */
	struct vec lists;	 /* struct world_list * */
	struct vec needed;	 /* struct need *: what needs asked for in the last round */
	struct vec moved; /* struct ref *: inputs and children that differ from what status recorded
			     (from the wake) */
	const struct json
		*observed; /* what the service's observe function found out; NULL if it has none */
	const struct json *env;	 /* the environment variables that the service's table names */
	const char *system_ns;	 /* namespace of the operator's configuration */
	const char *traceparent; /* W3C trace context of the work in hand */
	uint64_t system_mark;	 /* of the wake */
	int64_t now_s;
	unsigned int attempt; /* deliveries of this message so far, from 1 */
};

/* All objects of a kind in a namespace (and with a label selector) at one moment. */
struct world_list {
	enum kind kind;
	const char *ns;	      /* NULL: all */
	const char *selector; /* NULL: all */
	const char *fields;   /* NULL: all */
	bool recent;	      /* as of a moment ago, from the server's memory */
	struct vec items;     /* struct object * */
};

/* NULL only if it was not asked for; ->json is NULL if it does not exist. */
const struct object *world_find(
	const struct world *w, enum kind kind, const char *ns, const char *name);

/* The object's text; NULL if missing or not asked for. */
const struct json *world_get(
	const struct world *w, enum kind kind, const char *ns, const char *name);

/* NULL if it was not asked for. */
const struct world_list *world_list(
	const struct world *w, enum kind kind, const char *ns, const char *selector);

/* The wake says that this input or child differs from what status recorded. */
bool world_has_moved(const struct world *w, struct ref ref);

/* ---- asking ---- */

enum ref_role {
	REF_INPUT, /* recorded in status.dependencies: a change of it wakes the root */
	REF_CHILD, /* something of ours that is to be looked at (its status); not a dependency */
	REF_KEPT,  /* a child that is not read again for a wake which names others that moved */
};

struct need {
	struct ref ref;
	enum ref_role role;
};

struct needs {
	struct arena *arena;
	struct vec refs;  /* struct need * */
	struct vec lists; /* struct world_list *, items empty */
};

/* An input named ALL_NAMES is a collection: its JSON is a list with `items`, missing if there is
 * none. Its resourceVersion stands for names and versions of all of them, and is no number that
 * grows. */

/* One object's part in that version; the whole is all of them by exclusive or, 0: none. */
uint64_t collection_part(const char *name, uint64_t version);

/* The list as an input. NULL: items is empty. */
struct json *collection_json(struct arena *a, const struct vec *items);

/* Ask for an object. Empty names and repeats are ignored. Strings are borrowed. */
void need_input(struct needs *n, enum kind kind, const char *ns, const char *name);
void need_child(struct needs *n, enum kind kind, const char *ns, const char *name);

/* A ConfigMap or Secret of the root's. What is decided from it may be from a moment ago: who writes
 * it has to name the resourceVersion that was read. */
void need_kept_child(struct needs *n, enum kind kind, const char *ns, const char *name);
void need_list(struct needs *n, enum kind kind, const char *ns, const char *selector);

/* The same as of a moment ago, which costs the server far less: for what is looked over, not for
 * what is relied on. fields: a field selector or NULL. */
void need_recent_list(
	struct needs *n, enum kind kind, const char *ns, const char *selector, const char *fields);

/* ---- what status remembers of the last pass ---- */

/* One entry of root.status.children: an object that we applied. */
struct child {
	enum kind kind;
	const char *name;    /* same namespace as the root */
	const char *version; /* child_version() of what the server answered */
	const char *state;   /* child_state() as last looked at */
	const char *applied; /* hash of what we sent */
};

/* False if the last pass did not record such a child. */
bool world_child(const struct world *w, enum kind kind, const char *name, struct child *ret);

/* ---- how a child is judged, by watcher (live) and services (recorded) alike ---- */

/* What a person could have changed: a hash over spec (without a Deployment's replicas), or, for
 * ConfigMaps and Secrets, resourceVersion. NULL object: "". */
const char *child_version(struct arena *a, enum kind kind, const struct json *object);

/* Readiness in a word, changing a handful of times in a life: Job "", "Complete", "Failed";
 * Deployment "Progressing", "Available", "Stuck" (progress deadline exceeded); Service and
 * Ingress their external addresses joined by a comma; Route "", "Admitted", "Rejected";
 * KnativeService "", "Ready", "Failed"; others "".
 */
const char *child_state(struct arena *a, enum kind kind, const struct json *object);

#endif
