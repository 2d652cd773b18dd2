#include "lib/base/arena.h"

#include <stdarg.h>
#include <stdint.h>

enum {
	FIRST_BLOCK = 8 * 1024,
	LARGEST_BLOCK = 256 * 1024,
};

struct block {
	struct block *next;
	size_t size;
	size_t used;
	max_align_t data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *p;
};

struct arena {
	struct block *blocks;
	struct deferred *deferred;
	size_t used;
};

static struct block *block_new(size_t size)
{
	struct block *b = calloc(1, sizeof(*b) + size);

	if (!b)
		abort();
	b->size = size;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	return a;
}

static void run_deferred(struct arena *a)
{
	while (a->deferred) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->p);
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	run_deferred(a);
	while (a->blocks) {
		struct block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	free(a);
}

void arena_auto(struct arena **a)
{
	arena_free(*a);
}

void arena_reset(struct arena *a)
{
	struct block *keep = NULL;

	run_deferred(a);
	while (a->blocks) {
		struct block *next = a->blocks->next;

		if (!keep && a->blocks->size <= LARGEST_BLOCK)
			keep = a->blocks;
		else
			free(a->blocks);
		a->blocks = next;
	}
	if (keep) {
		memset(keep->data, 0, keep->used);
		keep->used = 0;
		keep->next = NULL;
	}
	a->blocks = keep;
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = sizeof(max_align_t);
	struct block *b = a->blocks;
	size_t want;

	if (size > SIZE_MAX - align)
		abort();
	want = (size + align - 1) / align * align;
	if (!b || b->size - b->used < want) {
		size_t grown = b ? b->size * 2 : FIRST_BLOCK;

		if (grown > LARGEST_BLOCK)
			grown = LARGEST_BLOCK;
		b = block_new(want > grown ? want : grown);
		b->next = a->blocks;
		a->blocks = b;
	}
	a->used += want;
	b->used += want;
	return (char *)b->data + b->used - want;
}

char *arena_dupn(struct arena *a, const void *bytes, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

char *arena_dup(struct arena *a, const char *text)
{
	return text ? arena_dupn(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	out = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(out, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return out;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *p)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));

	d->fn = fn;
	d->p = p;
	d->next = a->deferred;
	a->deferred = d;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
