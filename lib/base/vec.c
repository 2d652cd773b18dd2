#include "lib/base/vec.h"

#include <string.h>

#include "lib/base/arena.h"

void vec_add(struct arena *a, struct vec *v, void *item)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		void **grown = arena_alloc(a, cap * sizeof(*grown));

		if (v->n > 0)
			memcpy(grown, v->at, v->n * sizeof(*grown));
		v->at = grown;
		v->cap = cap;
	}
	v->at[v->n++] = item;
}
