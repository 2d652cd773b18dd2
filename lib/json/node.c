#include "lib/json/node.h"

#include "lib/base/arena.h"

/* cJSON's allocation hooks take no context, so the arena of the call in progress stands here. */
static struct arena *current;

static void *arena_malloc(size_t n)
{
	return arena_alloc(current, n);
}

static void arena_no_free(void *p)
{
	(void)p;
}

void json_use(struct arena *a)
{
	cJSON_Hooks hooks = { .malloc_fn = arena_malloc, .free_fn = arena_no_free };

	if (!current)
		cJSON_InitHooks(&hooks);
	current = a;
}

static int by_key(const void *x, const void *y)
{
	const cJSON *const *a = x;
	const cJSON *const *b = y;

	return strcmp((*a)->string, (*b)->string);
}

const cJSON **json_sorted(struct arena *a, const cJSON *object, size_t *ret_n)
{
	size_t n = json_len((const struct json *)object);
	const cJSON **members = arena_alloc(a, (n + 1) * sizeof(const cJSON *));
	size_t i = 0;

	for (const cJSON *m = object->child; m; m = m->next)
		members[i++] = m;
	qsort(members, n, sizeof(const cJSON *), by_key);
	*ret_n = n;
	return members;
}
