/* Bytes on the heap with a ceiling: what arrives from the network before it is understood.
 *
 * Zero-initialised with a max is empty. Unlike struct str it gives memory back, which long-lived
 * streams need.
 */
#ifndef LIB_KUBE_BUFFER_H
#define LIB_KUBE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"

struct buffer {
	char *ptr; /* NULL while nothing was ever added; else NUL-terminated */
	size_t n;
	size_t cap;
	size_t max;
};

/* False, with nothing added, when the bytes would not fit below max. */
bool buffer_add(struct buffer *b, const char *bytes, size_t n) MUST_CHECK;

/* Empties it. Memory that a rare large object needed is released; a small block is kept for the
 * next one. */
void buffer_clear(struct buffer *b);

void buffer_free(struct buffer *b);

#endif
