/* What the services may ask of an API server: the table that separates them from it.
 *
 * lib/kube/kube.h fills it over HTTPS; tests/support fills it with a map of objects. Calls block;
 * results live in the arena given. A batch is carried out concurrently. No call retries: an error's
 * code says whether trying again makes sense (ERR_CONFLICT: read again first; ERR_TIMEOUT,
 * ERR_UNAVAILABLE: later; ERR_DENIED: RBAC; ERR_INVALID: the server refused the object, msg carries
 * its words).
 */
#ifndef LIB_KUBE_OPS_H
#define LIB_KUBE_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/api/object.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct vec;

/* One server-side apply (PATCH application/apply-patch+yaml). */
struct kube_apply {
	/* in: whole object; kind and metadata say where it goes. metadata.resourceVersion, when
	 * set, is a precondition of an object that exists; a missing one is created unless
	 * metadata.uid is set, too (then ERR_CONFLICT). */
	struct json *body;
	const char *manager;	 /* in: field manager */
	bool force;		 /* in: take over fields of other managers */
	bool status;		 /* in: the status subresource */
	const struct json *live; /* out: the object as it now is */
};

/* Which objects of a kind. */
struct kube_query {
	enum kind kind;
	const char *ns;	    /* NULL: all namespaces */
	const char *labels; /* label selector; NULL: all */
	const char *fields; /* field selector, as far as the server knows fields of that kind; NULL:
			       all */
	/* As they were a moment ago: the server answers at once, from what it has in memory. With
	 * false it first makes sure that nothing newer exists, which may take it 100 ms. */
	bool recent;
};

struct kube_ops {
	void *self;

	/* Fills objects[i].json for every objects[i].ref; a missing object is no error (json =
	 * NULL). */
	bool (*get)(void *self, struct arena *a, struct object *objects, size_t n,
		struct err *err) MUST_CHECK;

	/* All that the query selects, as struct object * into ret. */
	bool (*list)(void *self, struct arena *a, const struct kube_query *q, struct vec *ret,
		struct err *err) MUST_CHECK;

	/* All are tried; err is that of the first that failed, whose live stays NULL. */
	bool (*apply)(void *self, struct arena *a, struct kube_apply *applies, size_t n,
		struct err *err) MUST_CHECK;

	/* POST. ERR_CONFLICT when the name is taken. */
	bool (*create)(void *self, struct arena *a, const struct json *body, const char *manager,
		const struct json **ret_live, struct err *err) MUST_CHECK;

	/* Background deletion of exactly this uid (NULL: whatever has the name). Already gone is
	 * success. */
	bool (*remove)(void *self, struct arena *a, struct ref ref, const char *uid,
		struct err *err) MUST_CHECK;
};

#endif
