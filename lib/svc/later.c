#include "lib/svc/later.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/arena.h"
#include "lib/base/str.h"

struct entry {
	TAILQ_ENTRY(entry) list;
	char *id;
	char *key;
	bool settled;
};

struct later {
	TAILQ_HEAD(, entry) entries; /* oldest first */
	size_t n;
};

struct later *later_new(void)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	TAILQ_INIT(&l->entries);
	return l;
}

static void drop(struct later *l, struct entry *e)
{
	TAILQ_REMOVE(&l->entries, e, list);
	l->n--;
	free(e->id);
	free(e->key);
	free(e);
}

void later_free(struct later *l)
{
	struct entry *e;

	if (!l)
		return;
	while ((e = TAILQ_FIRST(&l->entries)))
		drop(l, e);
	free(l);
}

static struct entry *find(struct later *l, const char *id)
{
	struct entry *e;

	TAILQ_FOREACH(e, &l->entries, list)
	if (str_eq(e->id, id))
		break;
	return e;
}

void later_add(struct later *l, struct arena *a, const char *id, struct ref ref)
{
	struct entry *e;

	if (!l || !id)
		return;
	if ((e = find(l, id)))
		drop(l, e);
	e = calloc(1, sizeof(*e));
	if (!e || !(e->id = strdup(id)) || !(e->key = strdup(ref_text(a, ref))))
		abort();
	TAILQ_INSERT_TAIL(&l->entries, e, list);
	if (++l->n > LATER_MAX)
		drop(l, TAILQ_FIRST(&l->entries));
}

void later_settle(struct later *l, struct arena *a, struct ref ref)
{
	const char *key = ref_text(a, ref);
	struct entry *e;

	if (!l)
		return;
	TAILQ_FOREACH(e, &l->entries, list)
	if (str_eq(e->key, key))
		e->settled = true;
}

bool later_is_settled(struct later *l, const char *id)
{
	struct entry *e = l && id ? find(l, id) : NULL;
	bool settled = e && e->settled;

	if (e)
		drop(l, e);
	return settled;
}
