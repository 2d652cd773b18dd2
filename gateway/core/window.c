#include "gateway/core/window.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/core/limits.h"

struct entry {
	struct window_key key;
	int64_t end_s; /* 0: never used */
	int64_t count;
	int64_t bytes;
};

struct window_table {
	unsigned char secret[WINDOW_SECRET_BYTES];
	uint64_t evicted;
	uint64_t n_buckets;
	struct entry entries[];
};

static size_t buckets_for(size_t entries)
{
	return entries < WINDOW_WAYS ? 1 : (entries + WINDOW_WAYS - 1) / WINDOW_WAYS;
}

size_t window_table_bytes(size_t entries)
{
	return sizeof(struct window_table) +
	       buckets_for(entries) * WINDOW_WAYS * sizeof(struct entry);
}

struct window_table *window_table_init(
	void *memory, size_t entries, const unsigned char secret[WINDOW_SECRET_BYTES])
{
	struct window_table *t = memory;

	t->n_buckets = buckets_for(entries);
	memcpy(t->secret, secret, WINDOW_SECRET_BYTES);
	return t;
}

const unsigned char *window_table_secret(const struct window_table *t)
{
	return t->secret;
}

uint64_t window_table_evicted(const struct window_table *t)
{
	return t->evicted;
}

static struct entry *bucket(struct window_table *t, const struct window_key *key)
{
	return &t->entries[key->a % t->n_buckets * WINDOW_WAYS];
}

/* Also ended when it would last longer than its limit's windows do: the limit was edited, or the
 * clock was put back. */
static bool has_ended(const struct entry *e, int64_t window_s, int64_t now_s)
{
	return e->end_s <= now_s || e->end_s - now_s > window_s;
}

static struct entry *find(struct window_table *t, const struct window_key *key)
{
	struct entry *at = bucket(t, key);

	for (size_t i = 0; i < WINDOW_WAYS; i++)
		if (at[i].end_s != 0 && at[i].key.a == key->a && at[i].key.b == key->b)
			return &at[i];
	return NULL;
}

static bool is_among(const struct entry *e, struct entry *const *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (kept[i] == e)
			return true;
	return false;
}

static bool goes_first(const struct entry *a, const struct entry *b)
{
	return a->end_s != b->end_s ? a->end_s < b->end_s : a->count < b->count;
}

/* A place for a new counter; the other counters of the same request stay. */
static struct entry *make_room(struct window_table *t, const struct window_key *key,
	struct entry *const *kept, size_t n_kept, int64_t now_s)
{
	struct entry *at = bucket(t, key);
	struct entry *first = NULL;

	for (size_t i = 0; i < WINDOW_WAYS; i++)
		if (!is_among(&at[i], kept, n_kept) && (!first || goes_first(&at[i], first)))
			first = &at[i];
	t->evicted += first->end_s > now_s;
	*first = (struct entry){ .key = *key };
	return first;
}

static void begin(struct entry *e, const struct limit *l, int64_t now_s)
{
	e->count = 0;
	e->bytes = 0;
	e->end_s = now_s - now_s % l->unit_s + limit_window_s(l);
}

/* What the counter says now, without changing anything. */
static void look(const struct entry *e, struct window_use *u, int64_t now_s)
{
	int64_t window_s = limit_window_s(u->limit);

	u->count = 0;
	u->bytes = 0;
	u->end_s = now_s - now_s % u->limit->unit_s + window_s;
	if (e && !has_ended(e, window_s, now_s)) {
		u->count = e->count;
		u->bytes = e->bytes;
		u->end_s = e->end_s;
	}
}

static bool is_reached(const struct window_use *u)
{
	const struct limit *l = u->limit;

	if (l->over_quota)
		return false;
	return u->count >= l->count || (l->bytes > 0 && u->bytes >= l->bytes);
}

/* The counter, in the window that runs now. */
static struct entry *current(struct window_table *t, const struct window_use *u,
	struct entry *found, struct entry *const *kept, size_t n_kept, int64_t now_s)
{
	struct entry *e = found ? found : make_room(t, &u->key, kept, n_kept, now_s);

	if (has_ended(e, limit_window_s(u->limit), now_s))
		begin(e, u->limit, now_s);
	return e;
}

size_t window_take(struct window_table *t, struct window_use *uses, size_t n, int64_t now_s)
{
	struct entry *e[WINDOW_USES];

	for (size_t i = 0; i < n; i++) {
		e[i] = find(t, &uses[i].key);
		look(e[i], &uses[i], now_s);
	}
	for (size_t i = 0; i < n; i++)
		if (is_reached(&uses[i]))
			return i;
	for (size_t i = 0; i < n; i++) {
		e[i] = current(t, &uses[i], e[i], e, n, now_s);
		uses[i].count = ++e[i]->count;
	}
	return n;
}

void window_charge(struct window_table *t, const struct window_use *uses, size_t n, int64_t bytes,
	int64_t now_s)
{
	for (size_t i = 0; i < n; i++) {
		struct entry *e = current(t, &uses[i], find(t, &uses[i].key), NULL, 0, now_s);

		e->bytes = bytes > INT64_MAX - e->bytes ? INT64_MAX : e->bytes + bytes;
	}
}
