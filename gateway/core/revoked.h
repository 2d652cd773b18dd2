/* Tokens that count no longer although nothing else is wrong with them: by their `jti`.
 *
 * A text with one id per line; blank lines and those that begin with "#" are skipped. Pure: whoever
 * has the text gives it, and gives another one when it changes. A token without an id cannot be
 * revoked.
 */
#ifndef GATEWAY_CORE_REVOKED_H
#define GATEWAY_CORE_REVOKED_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct revoked;

enum {
	REVOKED_MAX_BYTES = 16 * 1024 * 1024
};

/* Keeps pointers into text. */
struct revoked *revoked_read(struct arena *a, const char *text, size_t n);

bool revoked_has(const struct revoked *r, const char *id); /* r NULL: nothing is revoked */
size_t revoked_count(const struct revoked *r);

#endif
