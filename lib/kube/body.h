/* An object as the body of a server-side apply: JSON that is YAML, too. */
#ifndef LIB_KUBE_BODY_H
#define LIB_KUBE_BODY_H

#include <stddef.h>

struct arena;
struct json;

/* The server reads apply bodies as YAML, which refuses some characters that JSON takes as they are,
 * and turns others (next line, line and paragraph separator) into spaces. Those are written as \u
 * escapes. */
const char *body_for_apply(struct arena *a, const struct json *object, size_t *ret_n);

#endif
