/* A growing byte string in an arena, with a ceiling given at birth.
 *
 * Always NUL-terminated, never NULL. Appending past the ceiling sets `overflow` and appends nothing
 * more: check it once at the end (str_ok) instead of at each step. Growing copies; the old bytes
 * stay in the arena until it dies.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct arena;
struct err;

struct str {
	struct arena *arena;
	char *ptr;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
};

void str_init(struct str *s, struct arena *a, size_t max_bytes);
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const void *bytes, size_t n);
void str_cut(struct str *s, size_t len); /* shortens to len bytes; longer than it is: nothing */
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Appends text percent-encoded for one URL path segment or query value (RFC 3986: all but
 * unreserved). */
void str_add_url(struct str *s, const char *text);

/* ERR_LIMIT naming `what` when something did not fit. */
MUST_CHECK bool str_ok(const struct str *s, const char *what, struct err *err);

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_eq_nocase(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_empty(const char *text); /* NULL or "" */

/* Length of the UTF-8 sequence at s, 0 when it is none (overlong forms and surrogates included). n
 * bytes are there, at least one. */
size_t utf8_sequence(const unsigned char *s, size_t n);
bool utf8_ok(const char *text, size_t n);

#endif
