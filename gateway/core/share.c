#include "gateway/core/share.h"

#include <string.h>

#include "gateway/core/member.h"

enum {
	UNTOLD = 8, /* limit / N through this may pass without a word */
	AHEAD = 16, /* a lease is renewed ahead while more than this is left for each replica */
	ASK_AGAIN_MS = 20, /* an answer is lost */
	DRY_MS = 250,	   /* an owner had nothing left; others may be gone meanwhile */
	REPORT_MS = 100,   /* between two words about bytes */
	HORIZON_MS = 20,   /* a lease is to last */
	LONGEST_CLOCK_MS = 60 * 1000,
};

/* ---- leases ---- */

struct lease *member_lease(struct share *s, const struct window_entry *e)
{
	struct lease *l = &s->memory->leases[window_index(s->table, e)];

	if (l->end_s != e->end_s || l->key.a != e->key.a || l->key.b != e->key.b)
		*l = (struct lease){ .key = e->key, .end_s = e->end_s, .begun_ms = s->now_ms };
	return l;
}

static int64_t members(const struct share *s)
{
	return (int64_t)s->memory->n_members;
}

/* It began before this replica came: its owner may have counted on those that were there. */
static bool is_older(const struct share *s, const struct limit *l, int64_t end_s)
{
	if (l->units > 1)
		end_s = s->now_ms / 1000; /* where it began is not known */
	return s->memory->met_ms == 0 || (end_s - limit_window_s(l)) * 1000 < s->memory->met_ms;
}

static int64_t untold(const struct share *s, const struct limit *l, int64_t end_s)
{
	return is_older(s, l, end_s) ? 0 : l->count / (UNTOLD * members(s));
}

static bool is_slow(const struct share *s, size_t member)
{
	const struct member *m = &s->memory->members[member];

	return m->asked_ms != 0 && s->now_ms - m->asked_ms >= SHARE_PATIENCE_MS;
}

/* As much as was used lately in the time that a lease is to last. */
static int64_t wanted(const struct share *s, const struct lease *l, int64_t count)
{
	int64_t used = count - l->begun_count;
	int64_t ms = s->now_ms - l->begun_ms;
	int64_t n = used;

	if (ms > LONGEST_CLOCK_MS || ms < 0)
		ms = LONGEST_CLOCK_MS;
	if (ms > 0 && used < INT64_MAX / HORIZON_MS)
		n = used * HORIZON_MS / ms;
	if (n < l->wanted)
		n = l->wanted;
	return n > 0 ? n : 1;
}

static void ask(struct share *s, size_t owner, const struct window_entry *e, struct lease *l,
	const struct limit *limit, int64_t want)
{
	struct share_item item = { .kind = SHARE_ASK,
		.key = e->key,
		.end_s = e->end_s,
		.round = l->round,
		.limit = limit->count,
		.amount = want,
		.bytes = e->bytes };

	if (l->asked_ms != 0 && s->now_ms - l->asked_ms < ASK_AGAIN_MS)
		return;
	if (!l->is_told && l->held < untold(s, limit, e->end_s))
		l->held = untold(s, limit, e->end_s);
	if (l->held < e->count)
		l->held = e->count;
	item.held = l->held;
	if (!member_send(s, owner, &item))
		return;
	l->is_told = true;
	l->window_s = limit->units > 1 ? limit_window_s(limit) : 0;
	l->asked_ms = s->now_ms;
	if (s->memory->members[owner].asked_ms == 0)
		s->memory->members[owner].asked_ms = s->now_ms;
}

static void ask_for_more(struct share *s, size_t owner, const struct window_entry *e,
	struct lease *l, const struct limit *limit)
{
	ask(s, owner, e, l, limit, wanted(s, l, e->count));
}

/* ---- requests ---- */

bool share_is_divided(const struct share *s, const struct limit *l)
{
	return s->memory->n_members > 1 && !l->over_quota && l->count >> SHARE_MOST_LOG2 == 0;
}

static bool has_bytes(struct window_use *u, int64_t elsewhere)
{
	const struct limit *l = u->limit;

	return l->bytes == 0 || (u->bytes < l->bytes && elsewhere < l->bytes - u->bytes);
}

/* Without a word of the others: of what was left when they were heard last, or of all. */
static bool has_own_part(const struct share *s, const struct lease *l, struct window_use *u)
{
	int64_t most = l && l->answered_ms != 0 ? l->alone : u->limit->count / members(s);

	u->left = most - u->count;
	u->is_alone = u->left > 0;
	return u->is_alone;
}

static bool lacks(const struct share *s, struct window_use *u)
{
	u->is_lacking = s->may_wait;
	return false;
}

static bool owner_has_room(struct share *s, struct window_use *u)
{
	struct pool *p = pool_open(s, &u->key, u->end_s, u->limit->count);

	if (!p)
		return has_own_part(s, NULL, u);
	if (!has_bytes(u, pool_moved(p, MEMBER_SELF)))
		return false;
	if (!pool_is_complete(s, p)) {
		if (s->may_wait && pool_waits(s, p))
			return lacks(s, u);
		return pool_left(s, p) > 0 && has_own_part(s, NULL, u);
	}
	u->left = pool_left(s, p);
	if (u->left > 0)
		return true;
	return pool_recalls(s, p) ? lacks(s, u) : false;
}

static bool lease_has_room(
	struct share *s, size_t owner, const struct window_entry *e, struct window_use *u)
{
	struct lease *l = member_lease(s, e);

	if (!has_bytes(u, l->elsewhere))
		return false;
	if (u->count < l->held) {
		u->left = l->held - u->count + l->left;
		return true;
	}
	if (l->is_dry && s->now_ms - l->answered_ms < DRY_MS)
		return false;
	if (l->wanted < UINT32_MAX)
		l->wanted++;
	ask_for_more(s, owner, e, l, u->limit);
	if (l->is_dry)
		return false;
	return s->may_wait && !is_slow(s, owner) ? lacks(s, u) : has_own_part(s, l, u);
}

bool share_has_room(struct share *s, struct window_use *u)
{
	struct window_entry *e = window_find(s->table, &u->key);
	bool is_told = false;
	size_t owner;

	u->is_alone = false;
	if (u->left <= 0)
		return false;
	member_be_awake(s);
	if (e && e->end_s == u->end_s)
		is_told = member_lease(s, e)->is_told;
	else
		e = NULL;
	if (!is_told && u->count < untold(s, u->limit, u->end_s) && has_bytes(u, 0))
		return true;
	owner = member_owner(s, &u->key);
	if (owner == MEMBER_SELF)
		return owner_has_room(s, u);
	if (!e) {
		/* What is there is over by the limit's windows, if not by itself: edited, or the
		   clock was put back. */
		e = window_find(s->table, &u->key);
		if (e)
			e->end_s = 0;
		e = window_open(s->table, &u->key, u->end_s, s->now_ms / 1000);
	}
	return lease_has_room(s, owner, e, u);
}

void share_took(struct share *s, struct window_entry *e, const struct window_use *u)
{
	struct lease *l;
	size_t owner;

	if (!share_is_divided(s, u->limit))
		return;
	s->memory->alone += u->is_alone;
	l = member_lease(s, e);
	l->wanted = 0;
	if (!l->is_told && e->count * 2 < untold(s, u->limit, e->end_s))
		return;
	owner = member_owner(s, &e->key);
	if (owner == MEMBER_SELF) {
		struct pool *p = pool_open(s, &e->key, e->end_s, u->limit->count);

		if (p)
			p->held[MEMBER_SELF] = e->count;
	} else if (l->is_told && e->count > l->held) {
		l->asked_ms = 0; /* it passed without an answer: that is told each time */
		ask_for_more(s, owner, e, l, u->limit);
	} else if (!l->is_told) {
		ask_for_more(s, owner, e, l, u->limit);
	} else if (l->left > AHEAD * members(s) && (l->held - e->count) * 2 <= l->grant) {
		ask_for_more(s, owner, e, l, u->limit);
	}
	if (l->held < e->count)
		l->held = e->count;
}

void share_moved(struct share *s, struct window_entry *e, const struct window_use *u)
{
	struct lease *l;
	size_t owner;

	if (!share_is_divided(s, u->limit))
		return;
	l = member_lease(s, e);
	owner = member_owner(s, &e->key);
	if (owner == MEMBER_SELF) {
		struct pool *p = pool_open(s, &e->key, e->end_s, u->limit->count);

		if (p)
			p->moved[MEMBER_SELF] = e->bytes;
	} else if (s->now_ms - l->answered_ms >= REPORT_MS) {
		ask(s, owner, e, l, u->limit, 0);
	}
}

/* ---- what others say ---- */

/* Windows of several units begin with the first request anywhere: the owner's counts. */
static bool adopt_window(struct share *s, struct window_entry *e, struct lease *l, int64_t end_s)
{
	int64_t now_s = s->now_ms / 1000;

	if (e->end_s == end_s)
		return true;
	if (e->end_s <= now_s || end_s <= now_s || l->window_s == 0 || end_s - now_s > l->window_s)
		return false;
	e->end_s = end_s;
	l->end_s = end_s;
	return true;
}

static void take_answer(struct share *s, size_t from, const struct share_item *item)
{
	struct window_entry *e = window_find(s->table, &item->key);
	struct lease *l = e ? member_lease(s, e) : NULL;

	if (!e || from != member_owner(s, &item->key) || !adopt_window(s, e, l, item->end_s))
		return;
	s->memory->members[from].asked_ms = 0;
	if (item->round < l->round)
		return;
	l->round = item->round;
	if (item->held > l->held) {
		l->grant = item->held - (l->held > e->count ? l->held : e->count);
		l->held = item->held;
		l->wanted = 0;
	}
	l->left = item->amount;
	l->alone = l->held + l->left / members(s);
	l->elsewhere = item->bytes;
	l->asked_ms = 0;
	l->answered_ms = s->now_ms;
	l->is_dry = item->amount == 0 && l->held <= e->count;
	l->begun_ms = s->now_ms;
	l->begun_count = e->count;
}

/* Keeps what was passed. Asked in an earlier round than was heard of: nothing changes, but the
 * owner hears of it. */
static void keep_used(struct lease *l, const struct window_entry *e, int64_t round)
{
	if (round > l->round || l->held < e->count)
		l->held = e->count;
	if (round > l->round)
		l->round = round;
	l->is_told = true;
}

static void declare(struct share *s, size_t to, const struct share_item *item)
{
	const int64_t now_s = s->now_ms / 1000;
	struct share_item word = {
		.kind = SHARE_DECLARE, .key = item->key, .end_s = item->end_s, .round = item->round
	};

	if (item->end_s > now_s) {
		struct window_entry *e = window_open(s->table, &item->key, item->end_s, now_s);
		struct lease *l = member_lease(s, e);
		const struct pool *p = pool_find(s, &item->key);

		if (adopt_window(s, e, l, item->end_s)) {
			keep_used(l, e, item->round);
			word.round = l->round;
			word.held = l->held;
			word.bytes = e->bytes;
			word.amount = p && p->end_s == item->end_s ? pool_absent(s, p, to) : 0;
		}
	}
	(void)member_send(s, to, &word);
}

void share_receive(struct share *s, size_t from, const struct share_item *item)
{
	if (from == MEMBER_SELF || from >= SHARE_MEMBERS || !s->memory->members[from].is_used)
		return;
	switch (item->kind) {
	case SHARE_ASK:
		if (member_owner(s, &item->key) == MEMBER_SELF)
			pool_ask(s, from, item);
		break;
	case SHARE_ANSWER:
		take_answer(s, from, item);
		break;
	case SHARE_PROBE:
		declare(s, from, item);
		break;
	case SHARE_DECLARE:
		pool_declare(s, from, item);
		break;
	case SHARE_NOTHING:
	case SHARE_KINDS:
		break;
	}
	if (item->kind == SHARE_ANSWER || item->kind == SHARE_DECLARE)
		s->memory->news++;
}
