/* Memory that dies together: one arena per event, per request or per program run.
 *
 * Allocation never fails (out of memory aborts: every external size is bounded first, and a service
 * is a restartable pod on an at-least-once bus). Memory is zeroed. Foreign objects join an arena
 * through arena_defer and are released in reverse order. An arena is used from one thread.
 */
#ifndef LIB_BASE_ARENA_H
#define LIB_BASE_ARENA_H

#include <stddef.h>

#include "lib/base/attr.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* accepts NULL */
void arena_auto(struct arena **a);

/* Releases everything allocated so far (deferred calls included) and keeps one block for reuse. */
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t size);
char *arena_dup(struct arena *a, const char *text);		/* NULL stays NULL */
char *arena_dupn(struct arena *a, const void *bytes, size_t n); /* adds a terminating NUL */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Calls fn(p) when the arena is freed or reset. */
void arena_defer(struct arena *a, void (*fn)(void *), void *p);

/* Bytes handed out since creation or the last reset. */
size_t arena_used(const struct arena *a);

#endif
