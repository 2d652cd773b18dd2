/* Who owns which field of an object, and how server-side apply merges: the part of
 * structured-merge-diff that the operator's objects need.
 *
 * A field is written as a path, `spec/template/spec/containers[main]/image`. Lists are associative
 * where Kubernetes' schemas say so (by member name), atomic otherwise.
 */
#ifndef TESTS_SUPPORT_FIELDS_H
#define TESTS_SUPPORT_FIELDS_H

#include <stdbool.h>

#include "lib/api/kind.h"
#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;
struct json;

struct manager {
	const char *name;
	bool status;	  /* through the status subresource */
	bool applies;	  /* server-side apply; else POST and PUT */
	struct vec paths; /* char *, sorted */
};

struct managers {
	struct vec list; /* struct manager *; never changed in place */
};

/* Merges what `name` applies into live (a copy that may be changed; an empty object if there is
 * none) and answers the managers that follow. ERR_CONFLICT names manager and field. *ret_taken:
 * fields of others that were taken over by force (char *: "manager path"). */
bool fields_apply(struct arena *a, enum kind kind, struct json *live, const struct json *body,
	const struct managers *before, const char *name, bool status, bool force,
	struct managers *ret, struct vec *ret_taken, struct err *err) MUST_CHECK;

/* All fields of an object that was posted belong to who posted it. */
void fields_created(struct arena *a, enum kind kind, const struct json *object, const char *name,
	struct managers *ret);

/* What an update changed belongs to who made it, and to nobody else; what it removed, to nobody. */
void fields_updated(struct arena *a, enum kind kind, const struct json *before,
	const struct json *after, const struct managers *managers, const char *name,
	struct managers *ret);

bool managers_equal(const struct managers *x, const struct managers *y);

#endif
