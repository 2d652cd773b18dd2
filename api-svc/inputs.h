/* Everything that one API is made from, looked up in the world: its own fields, documents,
 * Securities, TargetEndpoints, configuration.
 *
 * Filled as far as the world goes, so that `needs` can use it round after round. What is wrong is a
 * problem of the condition it belongs to; the first of each counts.
 */
#ifndef API_SVC_INPUTS_H
#define API_SVC_INPUTS_H

#include <stdbool.h>

#include "lib/api/api.h"
#include "lib/api/finding.h"
#include "lib/api/mode.h"
#include "lib/base/attr.h"
#include "lib/conf/conf.h"
#include "toolkit/toolkit.h"

struct json;
struct needs;
struct policies;
struct world;

struct problem {
	const char *reason; /* NULL: there is none */
	const char *message;
};

/* One OpenAPI document as found in its ConfigMap. */
struct definition {
	const char *config_map;
	const char *key; /* file name in it */
};

struct inputs {
	const struct world *world;
	struct arena *arena;
	const char *ns;
	const char *name;

	struct api api;
	struct findings findings; /* of the API's own fields */
	struct conf conf;
	struct findings conf_findings; /* of the configuration; never fatal */
	enum mode mode;

	struct definition *definitions;
	struct toolkit_document *documents; /* parallel to definitions */
	size_t n_documents;		    /* those that were found */
	struct toolkit_scan scan;	    /* empty as long as a document is missing */
	bool scanned;

	struct toolkit_security *securities;
	size_t n_securities;
	struct toolkit_endpoint_ref *endpoints;
	size_t n_endpoints;
	struct toolkit_certificate *certificates;
	size_t n_certificates;
	struct toolkit_document *scripts; /* hooks that documents may name */
	size_t n_scripts;
	struct json *sidecars; /* containers of TargetEndpoints that run in the gateway's pod */

	const struct policies
		*policies;	  /* of the tiers that documents name, and of all that tokens may */
	struct vec missing_tiers; /* const char * */

	struct problem not_accepted;
	struct problem not_resolved;
};

/* Reads w as far as it goes. */
void inputs_read(const struct world *w, struct inputs *ret);

/* Asks for what inputs_read looks for, and found so far. */
void inputs_need(const struct inputs *in, struct needs *n);

/* The API is made with this object of the configuration: only what the mode looks at, a change of
 * the rest is no news. */
bool inputs_use(const struct inputs *in, enum conf_object o);

/* Sets a problem, unless there is one: the first of a condition stays. */
void problem(struct inputs *in, struct problem *p, const char *reason, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Errors of a diagnostics list as one message of bounded length. */
char *inputs_errors(struct arena *a, const struct toolkit_diagnostics *d);

#endif
