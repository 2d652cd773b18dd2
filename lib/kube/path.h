/* Paths of objects on an API server, percent-encoded and bounded.
 *
 * A name comes from users and from the network. What no object can be called is refused here, so
 * that it never becomes another URL: an empty name would address the whole list, ".." the level
 * above.
 */
#ifndef LIB_KUBE_PATH_H
#define LIB_KUBE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/api/object.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct str;

enum {
	PATH_MAX_BYTES = 8 * 1024
};

/* "/apis/apps/v1/namespaces/ns/deployments/name[/subresource]"; subresource may be NULL.
 * ERR_INVALID: such an object cannot exist. */
bool path_object(struct arena *a, struct ref ref, const char *subresource, const char **ret,
	struct err *err) MUST_CHECK;

/* "/api/v1/namespaces/ns/configmaps", or of all namespaces when ns is NULL. */
bool path_collection(struct arena *a, enum kind kind, const char *ns, const char **ret,
	struct err *err) MUST_CHECK;

/* Appends "?key=value" or "&key=value", the value encoded. A NULL value appends nothing. */
void path_query(struct str *path, const char *key, const char *value);

/* A str that begins with path, to append queries to. */
struct str path_begin(struct arena *a, const char *path);

#endif
