/* Compiler attributes and scope-exit cleanup, the only dialect of C this project relies on (gcc and
 * clang). */
#ifndef LIB_BASE_ATTR_H
#define LIB_BASE_ATTR_H

#include "lib/base/banned.h"

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

/* AUTO(arena_auto) struct arena *a = arena_new(…): calls arena_auto(&a) when the scope ends. */
#define AUTO(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
