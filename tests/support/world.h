/* Worlds for tests of the pure functions: a map of objects, and a service run against it.
 *
 * The same loop as the runtime's (lib/svc/gather.c): needs is asked until it asks for nothing new,
 * then reconcile decides. No API server is imitated: nothing is written back. Mistakes in a test's
 * text abort.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <stdbool.h>

#include "lib/base/vec.h"
#include "lib/plan/world.h"

struct arena;
struct json;
struct needs;
struct err;
struct plan;

struct test_world {
	struct world world;
	struct vec cluster; /* struct object *: what there is; world gets what is asked for */
	const struct json *unserved; /* kinds that the server does not know */
	struct vec asked;	     /* struct need *: in the order of asking */
};

/* No objects; now is 2026-11-23T12:00:00Z, the system namespace "wso2-system". */
struct test_world *test_world_new(struct arena *a);

/* Objects as YAML (JSON is YAML), any number of documents. The first document may be one with the
 * only member `world`: {root: {kind, namespace, name}, now: "2026-11-23T12:00:00Z", attempt: 1,
 * moved: [{kind, namespace, name}], env: {…}, observed: {…},
 * unserved: [Route]}. */
void test_world_add(struct test_world *t, const char *yaml);

void test_world_root(struct test_world *t, enum kind kind, const char *ns, const char *name);

/* Gathers anew and decides. Aborts if needs does not come to rest or reconcile fails. */
struct plan *test_world_run(struct test_world *t,
	void (*needs)(const struct world *, struct needs *),
	bool (*reconcile)(const struct world *, struct plan *, struct err *));

/* The plan and what had been asked for, indented and with sorted keys, for golden files. Secrets
 * are shown decoded. */
char *test_world_text(struct test_world *t, const struct plan *p);

/* ---- looking at a plan ---- */

/* The body that the plan applies; NULL: none. */
const struct json *test_applied(const struct plan *p, enum kind kind, const char *name);

/* "True Valid", "False SecretNotFound"; "" if there is no such condition. */
const char *test_condition(const struct plan *p, const char *type);

/* Number of Kubernetes events of that reason. */
size_t test_events(const struct plan *p, const char *reason);

#endif
