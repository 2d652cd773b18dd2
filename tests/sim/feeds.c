#include "tests/sim/feeds.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "tests/sim/sim.h"
#include "watcher/turn.h"

struct feed {
	const struct watch_spec *spec;
	bool must_list;
	size_t next;	/* in the history of its kind */
	int64_t due_us; /* of that one; 0: not drawn yet */
	int64_t list_us;
	int64_t version;
};

struct feeds {
	struct sim *sim;
	struct feed *list;
	size_t n;
	watch_fn *fn;
	void *arg;
};

struct feeds *feeds_new(struct sim *s, watch_fn *fn, void *arg)
{
	struct feeds *f = calloc(1, sizeof(*f));
	const struct watch_spec *specs = turn_watches(&f->n);

	if (!f || !(f->list = calloc(f->n, sizeof(*f->list))))
		abort();
	f->sim = s;
	f->fn = fn;
	f->arg = arg;
	for (size_t i = 0; i < f->n; i++)
		f->list[i] = (struct feed){ .spec = &specs[i], .must_list = true };
	feeds_relist(f);
	return f;
}

void feeds_free(struct feeds *f)
{
	if (!f)
		return;
	free(f->list);
	free(f);
}

void feeds_relist(struct feeds *f)
{
	struct sim *s = f->sim;

	for (size_t i = 0; i < f->n; i++) {
		f->list[i].must_list = true;
		f->list[i].list_us =
			s->now_us + (int64_t)chance_of(&s->chance, (uint64_t)s->trouble.lag_us);
	}
}

static const struct vec *history(const struct feeds *f, const struct feed *x)
{
	return &f->sim->store.history[x->spec->kind];
}

static bool matches(const struct feed *x, const struct json *object)
{
	return object && store_selects(x->spec->selector, object);
}

/* The next event of interest; NULL: there is none yet. */
static const struct change *head(struct feeds *f, struct feed *x)
{
	const struct vec *h = history(f, x);

	for (; x->next < h->n; x->next++) {
		const struct change *c = h->at[x->next];

		if (matches(x, c->before) || matches(x, c->after))
			return c;
	}
	return NULL;
}

static int64_t due_us(struct feeds *f, struct feed *x)
{
	struct sim *s = f->sim;
	const struct change *c;

	if (x->must_list)
		return x->list_us;
	c = head(f, x);
	if (!c)
		return INT64_MAX;
	if (x->due_us == 0)
		x->due_us = c->at_us + (int64_t)chance_of(&s->chance, (uint64_t)s->trouble.lag_us);
	return x->due_us;
}

int64_t feeds_due_us(struct feeds *f)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < f->n; i++) {
		int64_t own = due_us(f, &f->list[i]);

		due = own < due ? own : due;
	}
	return due;
}

static void deliver(struct feeds *f, size_t i, enum watch_event event, const struct json *object)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct feed *x = &f->list[i];
	char version[24];

	(void)snprintf(version, sizeof(version), "%lld", (long long)x->version);
	if (object && x->spec->metadata_only)
		object = json_format(a, "{'apiVersion':%s,'kind':%s,'metadata':%j}",
			kind_info(x->spec->kind)->api_version, kind_info(x->spec->kind)->kind,
			json_get(object, "metadata"));
	f->fn(f->arg, i, event, object, x->version ? version : "");
}

static void list_all(struct feeds *f, size_t i)
{
	struct feed *x = &f->list[i];
	struct store *store = &f->sim->store;

	deliver(f, i, WATCH_RELIST, NULL);
	vec_foreach (const struct slot *, slot, &store->slots[x->spec->kind])
		if (matches(x, slot->json))
			deliver(f, i, WATCH_UPSERT, slot->json);
	x->next = history(f, x)->n;
	x->due_us = 0;
	x->version = store->version;
	x->must_list = false;
	deliver(f, i, WATCH_SYNCED, NULL);
}

static void deliver_change(struct feeds *f, size_t i, const struct change *c)
{
	if (matches(&f->list[i], c->after))
		deliver(f, i, WATCH_UPSERT, c->after);
	else
		deliver(f, i, WATCH_DELETE, c->last ? c->last : c->after);
}

static void step(struct feeds *f, size_t i)
{
	struct sim *s = f->sim;
	struct feed *x = &f->list[i];
	const struct change *c = head(f, x);

	x->next++;
	x->due_us = 0;
	x->version = c->version;
	if (chance_hits(&s->chance, s->trouble.watch_loses))
		return;
	deliver_change(f, i, c);
	if (chance_hits(&s->chance, s->trouble.watch_doubles))
		deliver_change(f, i, c);
	if (!chance_hits(&s->chance, s->trouble.watch_breaks))
		return;
	x->must_list = true;
	x->list_us = s->now_us + (int64_t)chance_of(&s->chance, 5 * US_PER_S);
}

void feeds_run(struct feeds *f)
{
	size_t first = chance_of(&f->sim->chance, f->n);

	for (size_t k = 0; k < f->n; k++) {
		size_t i = (first + k) % f->n;

		while (due_us(f, &f->list[i]) <= f->sim->now_us) {
			if (f->list[i].must_list)
				list_all(f, i);
			else
				step(f, i);
		}
	}
}
