/* Lists in pages, and what the server leaves out of their elements. */
#ifndef LIB_KUBE_LIST_H
#define LIB_KUBE_LIST_H

#include <stdbool.h>

#include "lib/api/kind.h"
#include "lib/base/attr.h"

struct arena;
struct err;
struct json;
struct kube;
struct kube_query;
struct vec;

enum {
	LIST_PAGE = 500
};

/* Path of one page; token: metadata.continue of the page before, NULL or "" for the first. */
bool list_path(struct arena *a, const struct kube_query *q, int limit, const char *token,
	const char **ret, struct err *err) MUST_CHECK;

/* Sets apiVersion and kind, which elements of a list do not have and partial objects have wrong. */
void list_complete(struct arena *a, struct json *object, enum kind kind);

/* See struct kube_ops. */
bool list_all(struct kube *k, struct arena *a, const struct kube_query *q, struct vec *ret,
	struct err *err) MUST_CHECK;

#endif
