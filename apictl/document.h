/* OpenAPI documents as files of the user: read and checked before anything is created from them. */
#ifndef APICTL_DOCUMENT_H
#define APICTL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/vec.h"

struct arena;
struct err;

enum {
	/* What a ConfigMap holds, less some room for its key and metadata. */
	DOCUMENT_MAX = 1024 * 1024 - 4096,
};

struct document {
	const char *path; /* for messages */
	const char *key;  /* file name, as the key of a ConfigMap's entry */
	const char *text;
	size_t n;
};

/* A file, or the folder of an API Manager project. Refused, with what to do about it: missing,
 * empty or too large files, what is not YAML or JSON, what is not an OpenAPI document, projects
 * with interceptors. */
bool document_read(
	struct arena *a, const char *path, struct document *ret, struct err *err) MUST_CHECK;

/* All of `paths` (const char *) as struct document * into ret. */
bool document_read_all(
	struct arena *a, const struct vec *paths, struct vec *ret, struct err *err) MUST_CHECK;

#endif
