/* A growing array of pointers in an arena. Zero-initialised is empty. */
#ifndef LIB_BASE_VEC_H
#define LIB_BASE_VEC_H

#include <stddef.h>

struct arena;

struct vec {
	void **at;
	size_t n;
	size_t cap;
};

void vec_add(struct arena *a, struct vec *v, void *item);

/* vec_foreach (struct object *, o, &plan->applies) { … } */
#define vec_foreach(type, var, v)                                                                  \
	for (size_t var##_i = 0; var##_i < (v)->n; var##_i = (v)->n)                               \
		for (type var = (type)(v)->at[var##_i];                                            \
			var##_i < (v)->n && ((var = (type)(v)->at[var##_i]), 1); var##_i++)

#endif
