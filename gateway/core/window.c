#include "gateway/core/window.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/core/limits.h"
#include "gateway/core/share.h"

struct window_table {
	unsigned char secret[WINDOW_SECRET_BYTES];
	uint64_t evicted;
	uint64_t n_buckets;
	struct window_entry entries[];
};

static size_t buckets_for(size_t entries)
{
	return entries < WINDOW_WAYS ? 1 : (entries + WINDOW_WAYS - 1) / WINDOW_WAYS;
}

size_t window_table_bytes(size_t entries)
{
	return sizeof(struct window_table) +
	       buckets_for(entries) * WINDOW_WAYS * sizeof(struct window_entry);
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

static struct window_entry *bucket(struct window_table *t, const struct window_key *key)
{
	return &t->entries[key->a % t->n_buckets * WINDOW_WAYS];
}

static int64_t next_end(const struct limit *l, int64_t now_s)
{
	return now_s - now_s % l->unit_s + limit_window_s(l);
}

/* Also ended when no window of the limit would end then: the limit was edited, or the clock was put
 * back. */
static bool has_ended(const struct window_entry *e, const struct limit *l, int64_t now_s)
{
	if (l->units == 1)
		return e->end_s != next_end(l, now_s);
	return e->end_s <= now_s || e->end_s - now_s > limit_window_s(l);
}

size_t window_entries(const struct window_table *t)
{
	return t->n_buckets * WINDOW_WAYS;
}

size_t window_index(const struct window_table *t, const struct window_entry *e)
{
	return (size_t)(e - t->entries);
}

struct window_entry *window_find(struct window_table *t, const struct window_key *key)
{
	struct window_entry *at = bucket(t, key);

	for (size_t i = 0; i < WINDOW_WAYS; i++)
		if (at[i].end_s != 0 && at[i].key.a == key->a && at[i].key.b == key->b)
			return &at[i];
	return NULL;
}

static bool is_among(const struct window_entry *e, struct window_entry *const *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (kept[i] == e)
			return true;
	return false;
}

static bool goes_first(const struct window_entry *a, const struct window_entry *b)
{
	return a->end_s != b->end_s ? a->end_s < b->end_s : a->count < b->count;
}

/* A place for a new counter; the other counters of the same request stay. */
static struct window_entry *make_room(struct window_table *t, const struct window_key *key,
	struct window_entry *const *kept, size_t n_kept, int64_t now_s)
{
	struct window_entry *at = bucket(t, key);
	struct window_entry *first = NULL;

	for (size_t i = 0; i < WINDOW_WAYS; i++)
		if (!is_among(&at[i], kept, n_kept) && (!first || goes_first(&at[i], first)))
			first = &at[i];
	t->evicted += first->end_s > now_s;
	*first = (struct window_entry){ .key = *key };
	return first;
}

static void begin(struct window_entry *e, const struct limit *l, int64_t now_s)
{
	e->count = 0;
	e->bytes = 0;
	e->end_s = next_end(l, now_s);
}

struct window_entry *window_open(
	struct window_table *t, const struct window_key *key, int64_t end_s, int64_t now_s)
{
	struct window_entry *e = window_find(t, key);

	if (!e)
		e = make_room(t, key, NULL, 0, now_s);
	if (e->end_s <= now_s)
		*e = (struct window_entry){ .key = *key, .end_s = end_s };
	return e;
}

/* What the counter says now, without changing anything. */
static void look(const struct window_entry *e, struct window_use *u, int64_t now_s)
{
	u->count = 0;
	u->bytes = 0;
	u->end_s = next_end(u->limit, now_s);
	if (e && !has_ended(e, u->limit, now_s)) {
		u->count = e->count;
		u->bytes = e->bytes;
		u->end_s = e->end_s;
	}
	u->left = u->limit->count - u->count;
	u->is_lacking = false;
}

static bool is_reached(struct share *share, struct window_use *u)
{
	const struct limit *l = u->limit;

	if (l->over_quota)
		return false;
	if (share && share_is_divided(share, l))
		return !share_has_room(share, u);
	return u->left <= 0 || (l->bytes > 0 && u->bytes >= l->bytes);
}

/* The counter, in the window that runs now. */
static struct window_entry *current(struct window_table *t, const struct window_use *u,
	struct window_entry *found, struct window_entry *const *kept, size_t n_kept, int64_t now_s)
{
	struct window_entry *e = found ? found : make_room(t, &u->key, kept, n_kept, now_s);

	if (has_ended(e, u->limit, now_s))
		begin(e, u->limit, now_s);
	return e;
}

size_t window_take(struct window_table *t, struct share *share, struct window_use *uses, size_t n,
	int64_t now_s)
{
	struct window_entry *e[WINDOW_USES];

	for (size_t i = 0; i < n; i++)
		look(window_find(t, &uses[i].key), &uses[i], now_s);
	for (size_t i = 0; i < n; i++) {
		if (is_reached(share, &uses[i])) {
			uses[i].left = 0;
			return i;
		}
	}
	/* Looked for again: a share makes counters, and others room for them. */
	for (size_t i = 0; i < n; i++)
		e[i] = window_find(t, &uses[i].key);
	for (size_t i = 0; i < n; i++) {
		e[i] = current(t, &uses[i], e[i], e, n, now_s);
		uses[i].count = ++e[i]->count;
		uses[i].left--;
		if (share)
			share_took(share, e[i], &uses[i]);
	}
	return n;
}

void window_charge(struct window_table *t, struct share *share, const struct window_use *uses,
	size_t n, int64_t bytes, int64_t now_s)
{
	for (size_t i = 0; i < n; i++) {
		struct window_entry *e =
			current(t, &uses[i], window_find(t, &uses[i].key), NULL, 0, now_s);

		e->bytes = bytes > INT64_MAX - e->bytes ? INT64_MAX : e->bytes + bytes;
		if (share)
			share_moved(share, e, &uses[i]);
	}
}
