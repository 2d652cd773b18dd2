/* What scripts may say about headers, queries and answers: checked here, whoever carries it out. */
#ifndef GATEWAY_HOOK_CHANGE_H
#define GATEWAY_HOOK_CHANGE_H

#include "gateway/hook/hook.h"

struct change_list {
	struct hook_header **at;
	size_t *n;
};

/* The name in lower case in ret, which has HOOK_MAX_NAME + 1 bytes. NULL, or why it is none. */
const char *change_lower(const char *name, size_t n, char *ret);

/* What has been said about a header already; NULL: nothing. */
const struct hook_header *change_find(struct change_list list, const char *lower);

/* Says that a header has no value; change_add gives it one after the other. NULL, or why not. */
const char *change_set(struct arena *a, struct change_list list, const struct hook_view *view,
	const char *name, size_t n, struct hook_header **ret);
const char *change_add(struct arena *a, struct hook_header *h, const char *value, size_t n);

/* NULL, or why it cannot be sent. */
const char *change_query(const char *query, size_t n);

#endif
