#include <string.h>

#include "gateway/core/member.h"

enum {
	COUNTERS_OF_A_POOL = 32, /* few limits are near their end at a time */
	PROBE_AGAIN_MS = 10,
	RECALL_MS = 20,	     /* a lease is left alone, so that those who wait for it can use it */
	EVERYBODY_GETS = 2,  /* a lease is at most the fair share of what is left, through this */
	STRANGER_MS = 10000, /* a member that was never heard may still come */
};

size_t pool_count(size_t counters)
{
	size_t buckets = counters / COUNTERS_OF_A_POOL / POOL_WAYS;

	return (buckets > 0 ? buckets : 1) * POOL_WAYS;
}

struct pool *pools_of(struct share_memory *m)
{
	return (struct pool *)(void *)&m->leases[m->n_leases];
}

static uint32_t bit(size_t member)
{
	return UINT32_C(1) << member;
}

static struct pool *bucket(struct share *s, const struct window_key *key)
{
	size_t n = s->memory->n_pools / POOL_WAYS;

	return &pools_of(s->memory)[key->a % n * POOL_WAYS];
}

static bool is_of(const struct pool *p, const struct window_key *key)
{
	return p->end_s != 0 && p->key.a == key->a && p->key.b == key->b;
}

struct pool *pool_find(struct share *s, const struct window_key *key)
{
	struct pool *at = bucket(s, key);

	for (size_t i = 0; i < POOL_WAYS; i++)
		if (is_of(&at[i], key))
			return at[i].end_s > s->now_ms / 1000 ? &at[i] : NULL;
	return NULL;
}

/* What is known in the pool that makes room is asked for again when it is needed. */
static struct pool *make_room(struct share *s, const struct window_key *key)
{
	struct pool *at = bucket(s, key);
	struct pool *first = at;

	for (size_t i = 0; i < POOL_WAYS; i++) {
		if (is_of(&at[i], key))
			return &at[i];
		if (at[i].end_s < first->end_s)
			first = &at[i];
	}
	return first;
}

/* Of those that are not away. */
static bool are_all(const struct share *s, uint32_t bits)
{
	const struct share_memory *m = s->memory;

	for (size_t i = 1; i < SHARE_MEMBERS; i++)
		if (m->members[i].is_used && !m->members[i].is_away && !(bits & bit(i)))
			return false;
	return true;
}

bool pool_is_complete(const struct share *s, const struct pool *p)
{
	return are_all(s, p->known);
}

bool pool_waits(const struct share *s, const struct pool *p)
{
	return !are_all(s, p->declared) && s->now_ms - p->begun_ms < SHARE_PATIENCE_MS;
}

/* It may be well, and think of us what we think of it. */
static bool may_be_alone(const struct share *s, const struct member *m)
{
	return m->is_used && m->is_away &&
	       (m->heard_ms != 0 || s->now_ms - m->since_ms < STRANGER_MS);
}

/* By a member that is away: what absent does not have already. */
static int64_t held_away(const struct share *s, const struct pool *p, size_t i, int64_t least)
{
	const int64_t counted = p->absentees & bit(i) ? p->held[i] : 0;
	const bool may_hold_more = p->held[i] < least && may_be_alone(s, &s->memory->members[i]);

	return (may_hold_more ? least : p->held[i]) - counted;
}

int64_t pool_left(const struct share *s, const struct pool *p)
{
	const struct share_memory *m = s->memory;
	const int64_t alone = p->limit / (int64_t)m->n_members;
	int64_t left = p->limit - p->absent;

	for (size_t i = 0; i < SHARE_MEMBERS && left > 0; i++)
		left -= m->members[i].is_used && m->members[i].is_away ? held_away(s, p, i, alone)
								       : p->held[i];
	return left > 0 ? left : 0;
}

/* One that fell silent before another came is no member to that one. */
static bool is_absent_to(const struct member *other, const struct member *m)
{
	return m->is_used && m != other && (m->is_away || m->heard_ms < other->since_ms);
}

int64_t pool_absent(const struct share *s, const struct pool *p, size_t to)
{
	const struct member *members = s->memory->members;
	int64_t absent = p->absent;

	for (size_t i = 1; i < SHARE_MEMBERS && absent < p->limit; i++)
		if (is_absent_to(&members[to], &members[i]))
			absent += held_away(s, p, i, 0);
	return absent < p->limit ? absent : p->limit;
}

/* As another owner knows it: in place of what is known here, if it is more. */
static void learn_absent(const struct share *s, struct pool *p, int64_t amount)
{
	if (amount <= pool_absent(s, p, MEMBER_SELF))
		return;
	p->absent = amount < p->limit ? amount : p->limit;
	p->absentees = 0;
	for (size_t i = 0; i < SHARE_MEMBERS; i++)
		if (s->memory->members[i].is_used && s->memory->members[i].is_away)
			p->absentees |= bit(i);
}

int64_t pool_moved(const struct pool *p, size_t but)
{
	int64_t moved = 0;

	for (size_t i = 0; i < SHARE_MEMBERS; i++)
		if (i != but && p->moved[i] > 0)
			moved = p->moved[i] > INT64_MAX - moved ? INT64_MAX : moved + p->moved[i];
	return moved;
}

static void probe(struct share *s, struct pool *p)
{
	const struct share_item item = { .kind = SHARE_PROBE,
		.key = p->key,
		.end_s = p->end_s,
		.round = p->round,
		.limit = p->limit };

	if (p->probed_ms != 0 && s->now_ms - p->probed_ms < PROBE_AGAIN_MS)
		return;
	p->probed_ms = s->now_ms;
	for (size_t i = 1; i < SHARE_MEMBERS; i++) {
		const struct member *m = &s->memory->members[i];

		if (m->is_used && !m->is_away && !(p->declared & bit(i)))
			(void)member_send(s, i, &item);
	}
}

/* Rounds of owners that follow each other have to grow: they are told by the clock. */
static void begin_round(struct share *s, struct pool *p, int64_t behind)
{
	p->round = s->now_ms > behind ? s->now_ms : behind + 1;
	p->declared = 0;
	p->has_lent = false;
	p->begun_ms = s->now_ms;
	p->probed_ms = 0;
}

bool pool_recalls(struct share *s, struct pool *p)
{
	if (p->has_lent && s->now_ms - p->lent_ms < RECALL_MS)
		return true;
	if (p->has_lent) {
		begin_round(s, p, p->round);
		probe(s, p);
	}
	return pool_waits(s, p);
}

/* From now on this replica passes nothing but from the pool. */
static void count_own(struct share *s, struct pool *p)
{
	struct window_entry *e = window_open(s->table, &p->key, p->end_s, s->now_ms / 1000);

	if (e->end_s != p->end_s)
		return;
	member_lease(s, e)->is_told = true;
	p->held[MEMBER_SELF] = e->count;
	p->moved[MEMBER_SELF] = e->bytes;
}

/* Others may have asked another owner before. */
static void begin(struct share *s, struct pool *p)
{
	p->is_owned = true;
	p->known = 0;
	begin_round(s, p, p->round);
	count_own(s, p);
}

struct pool *pool_open(struct share *s, const struct window_key *key, int64_t end_s, int64_t limit)
{
	struct pool *p = pool_find(s, key);

	if (!p) {
		const struct window_entry *own = window_find(s->table, key);

		if (own && own->end_s > s->now_ms / 1000)
			end_s = own->end_s;
		if (end_s <= s->now_ms / 1000)
			return NULL;
		p = make_room(s, key);
		*p = (struct pool){ .key = *key, .end_s = end_s };
	}
	p->limit = limit;
	if (!p->is_owned)
		begin(s, p);
	if (!are_all(s, p->declared))
		probe(s, p);
	return p;
}

/* ---- what is said to an owner ---- */

/* A member knows of a later round, of another owner: this one has to begin behind it. */
static void learn_round(struct share *s, struct pool *p, int64_t round)
{
	if (round <= p->round)
		return;
	begin_round(s, p, round);
	probe(s, p);
}

static void learn_bytes(struct pool *p, size_t from, const struct share_item *item)
{
	if (item->bytes > p->moved[from])
		p->moved[from] = item->bytes;
}

static void lend(const struct share *s, struct pool *p, size_t to)
{
	int64_t left = pool_left(s, p);
	int64_t most = left / (EVERYBODY_GETS * (int64_t)s->memory->n_members);
	int64_t n;

	if (most == 0 && left > 0)
		most = 1;
	n = p->wanted[to] < most ? p->wanted[to] : most;
	p->held[to] += n;
	p->wanted[to] = 0;
	if (n == 0)
		return;
	p->has_lent = true;
	p->lent_ms = s->now_ms;
}

static void answer(struct share *s, struct pool *p, size_t to)
{
	struct share_item item = {
		.kind = SHARE_ANSWER, .key = p->key, .end_s = p->end_s, .round = p->round
	};

	if (p->wanted[to] > 0 && pool_left(s, p) == 0 && pool_recalls(s, p))
		return;
	lend(s, p, to);
	p->asking &= ~bit(to);
	item.held = p->held[to];
	item.amount = pool_left(s, p);
	item.bytes = pool_moved(p, to);
	(void)member_send(s, to, &item);
}

/* Members in turn, so that none is always the first when little is left. */
static void answer_all(struct share *s, struct pool *p)
{
	if (!pool_is_complete(s, p))
		return;
	for (size_t i = 0; i < SHARE_MEMBERS; i++) {
		size_t to = (p->turn + i) % SHARE_MEMBERS;

		if (p->asking & bit(to))
			answer(s, p, to);
	}
	p->turn++;
}

/* What it says of earlier rounds is not less than what it holds. */
void pool_ask(struct share *s, size_t from, const struct share_item *item)
{
	struct pool *p = pool_open(s, &item->key, item->end_s, item->limit);

	if (!p)
		return;
	p->wanted[from] = 0;
	if (p->end_s == item->end_s) {
		learn_round(s, p, item->round);
		learn_bytes(p, from, item);
		/* It knows of all that it was lent. Else an answer was lost, and is told again. */
		if (item->held >= p->held[from]) {
			p->wanted[from] = item->amount;
			p->held[from] = item->held;
		}
		/* What it knows of others it says when it is asked. */
		p->declared |= p->known & bit(from);
	}
	p->asking |= bit(from);
	answer_all(s, p);
}

/* The first word in a round is what it kept; another one may have been overtaken by a lease. */
void pool_declare(struct share *s, size_t from, const struct share_item *item)
{
	struct pool *p = pool_find(s, &item->key);

	if (!p || p->end_s != item->end_s)
		return;
	learn_round(s, p, item->round);
	if (item->round != p->round)
		return;
	if (!(p->declared & bit(from)) || item->held > p->held[from])
		p->held[from] = item->held;
	p->declared |= bit(from);
	p->known |= bit(from);
	learn_bytes(p, from, item);
	learn_absent(s, p, item->amount);
	answer_all(s, p);
}

/* Others are to ask, and to know, before this replica is gone. */
void pool_hand_over(struct share *s)
{
	struct pool *all = pools_of(s->memory);

	for (size_t i = 0; i < s->memory->n_pools; i++) {
		struct pool *p = &all[i];
		struct share_item item = { .kind = SHARE_ASK,
			.key = p->key,
			.end_s = p->end_s,
			.round = p->round,
			.limit = p->limit,
			.held = p->held[MEMBER_SELF],
			.bytes = p->moved[MEMBER_SELF] };
		size_t to = member_owner(s, &p->key);

		if (p->end_s > s->now_ms / 1000 && to != MEMBER_SELF && !member_send(s, to, &item))
			return;
	}
}

void pool_drop_member(struct share *s, size_t member)
{
	struct pool *all = pools_of(s->memory);

	for (size_t i = 0; i < s->memory->n_pools; i++) {
		if (!(all[i].absentees & bit(member)))
			all[i].absent += all[i].held[member];
		if (all[i].absent > all[i].limit)
			all[i].absent = all[i].limit;
		all[i].absentees &= ~bit(member);
		all[i].held[member] = 0;
		all[i].moved[member] = 0;
		all[i].wanted[member] = 0;
		all[i].known &= ~bit(member);
		all[i].declared &= ~bit(member);
		all[i].asking &= ~bit(member);
	}
}

void pool_doubt_member(struct share *s, size_t member)
{
	struct pool *all = pools_of(s->memory);

	for (size_t i = 0; i < s->memory->n_pools; i++) {
		all[i].known &= ~bit(member);
		all[i].declared &= ~bit(member);
	}
}

/* In another round: what was said before, and comes only now, is not taken for an answer. */
void pool_doubt_all(struct share *s)
{
	struct pool *all = pools_of(s->memory);

	for (size_t i = 0; i < s->memory->n_pools; i++) {
		all[i].known = 0;
		begin_round(s, &all[i], all[i].round);
	}
}

void pool_check_owners(struct share *s)
{
	struct pool *all = pools_of(s->memory);

	for (size_t i = 0; i < s->memory->n_pools; i++)
		if (all[i].is_owned && member_owner(s, &all[i].key) != MEMBER_SELF)
			all[i].is_owned = false;
}
