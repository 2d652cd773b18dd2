#include "lib/kube/buffer.h"

enum {
	FIRST_BLOCK = 4 * 1024,
	KEPT_BLOCK = 32 * 1024,
};

bool buffer_add(struct buffer *b, const char *bytes, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_BLOCK;

	if (n > b->max || b->n > b->max - n)
		return false;
	while (cap - b->n <= n)
		cap *= 2;
	if (cap != b->cap) {
		b->ptr = realloc(b->ptr, cap);
		if (!b->ptr)
			abort();
		b->cap = cap;
	}
	if (n > 0)
		memcpy(b->ptr + b->n, bytes, n);
	b->n += n;
	b->ptr[b->n] = '\0';
	return true;
}

void buffer_clear(struct buffer *b)
{
	if (b->cap > KEPT_BLOCK)
		buffer_free(b);
	b->n = 0;
	if (b->ptr)
		b->ptr[0] = '\0';
}

void buffer_free(struct buffer *b)
{
	free(b->ptr);
	b->ptr = NULL;
	b->n = 0;
	b->cap = 0;
}
