/* A Kubernetes object as it was read, and a reference to one that may not exist.
 *
 * Plain values that point into the arena of the event in hand.
 */
#ifndef LIB_API_OBJECT_H
#define LIB_API_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/kind.h"

struct arena;
struct json;

/* Instead of a name, for inputs: all objects of the kind in the namespace. */
#define ALL_NAMES "*"

struct ref {
	enum kind kind;
	const char *ns;
	const char *name;
};

struct object {
	struct ref ref;
	const struct json *json; /* NULL: the API server does not have it */
	bool no_kind;		 /* it does not even serve the kind: a CRD is not installed */
};

bool ref_eq(struct ref x, struct ref y);
char *ref_text(struct arena *a, struct ref r); /* `ConfigMap "ns/name"`, for messages */

/* The reference that an object's own text gives: kind, metadata.namespace, metadata.name. */
struct ref ref_of(const struct json *object);

bool object_exists(const struct object *o); /* NULL: false */

/* Metadata of an object's text; NULL text answers NULL, 0 or false. */
const char *meta_uid(const struct json *object);
const char *meta_version(const struct json *object); /* metadata.resourceVersion */

/* Both decimal and x older than y, which is so for all objects of one store (etcd). Formally
 * versions are opaque: nothing that cannot be put right may hang on it. */
bool version_before(const char *x, const char *y);

int64_t meta_generation(const struct json *object);
bool meta_deleting(const struct json *object);
const char *meta_label(const struct json *object, const char *key);
const char *meta_annotation(const struct json *object, const char *key);

/* The only entry of a ConfigMap's data or binaryData, or of a Secret's data; false if it has none
 * or several. Base64 values are returned decoded. *ret_count says how many entries there are. */
bool data_only_entry(struct arena *a, const struct json *object, const char **ret_key,
	const char **ret_bytes, size_t *ret_n, size_t *ret_count);

/* One entry by name, decoded; NULL if absent. ret_n may be NULL. */
const char *data_entry(struct arena *a, const struct json *object, const char *key, size_t *ret_n);

#endif
