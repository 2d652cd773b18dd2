#include "gateway/core/member.h"

#include <string.h>

enum {
	GONE_MS = 1200,	    /* silence of a guest */
	FORGIVEN_MS = 1000, /* an answer that did not come, by a member that is heard */
};

size_t share_memory_bytes(size_t counters)
{
	return sizeof(struct share_memory) + counters * sizeof(struct lease) +
	       pool_count(counters) * sizeof(struct pool);
}

struct share_memory *share_memory_init(void *memory, size_t counters, uint64_t id,
	const unsigned char address[ADDRESS_BYTES], int64_t now_ms)
{
	struct share_memory *m = memory;
	struct member *self = &m->members[MEMBER_SELF];

	m->id = id;
	m->n_leases = counters;
	m->n_pools = pool_count(counters);
	m->n_members = 1;
	memcpy(self->address, address, ADDRESS_BYTES);
	self->is_used = true;
	self->is_listed = true;
	self->is_guest = true;
	self->id = id;
	self->heard_ms = now_ms;
	return m;
}

uint64_t share_id(const struct share *s)
{
	return s->memory->id;
}

size_t share_members(const struct share *s)
{
	return s->memory->n_members;
}

size_t share_members_away(const struct share *s)
{
	return s->memory->n_away;
}

const unsigned char *share_address(const struct share *s)
{
	return s->memory->members[MEMBER_SELF].address;
}

bool share_is_met(const struct share *s)
{
	return s->memory->is_met;
}

bool share_is_guest(const struct share *s)
{
	return s->memory->members[MEMBER_SELF].is_guest;
}

uint64_t share_alone(const struct share *s)
{
	return s->memory->alone;
}

void share_refuse(struct share *s)
{
	s->memory->refused++;
}

uint64_t share_refused(const struct share *s)
{
	return s->memory->refused;
}

uint64_t share_news(const struct share *s)
{
	return s->memory->news;
}

/* ---- who is there ---- */

static bool is_silent(const struct share *s, const struct member *m)
{
	const int64_t most = m->is_guest ? GONE_MS : SHARE_AWAY_MS;

	return m->heard_ms == 0 || s->now_ms - m->heard_ms > most;
}

static size_t find(const struct share *s, const unsigned char address[ADDRESS_BYTES])
{
	size_t i = 0;

	while (i < SHARE_MEMBERS &&
		(!s->memory->members[i].is_used ||
			memcmp(s->memory->members[i].address, address, ADDRESS_BYTES) != 0))
		i++;
	return i;
}

static void count(struct share *s)
{
	struct share_memory *m = s->memory;

	m->news++;
	m->n_members = 0;
	m->n_away = 0;
	for (size_t i = 0; i < SHARE_MEMBERS; i++) {
		m->n_members += m->members[i].is_used;
		m->n_away += m->members[i].is_used && m->members[i].is_away;
	}
	pool_check_owners(s);
	if (s->is_leaving && m->members[MEMBER_SELF].is_guest)
		pool_hand_over(s);
}

static size_t add(struct share *s, const unsigned char address[ADDRESS_BYTES])
{
	size_t i = 0;

	while (i < SHARE_MEMBERS && s->memory->members[i].is_used)
		i++;
	if (i == SHARE_MEMBERS)
		return SHARE_NOBODY;
	s->memory->members[i] =
		(struct member){ .is_used = true, .is_away = true, .since_ms = s->now_ms };
	memcpy(s->memory->members[i].address, address, ADDRESS_BYTES);
	return i;
}

static bool is_due(int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
	if (*last_ms != 0 && now_ms >= *last_ms && now_ms - *last_ms < every_ms)
		return false;
	*last_ms = now_ms;
	return true;
}

static void beat(struct share *s)
{
	static const struct share_item nothing = { .kind = SHARE_NOTHING };

	for (size_t i = 1; i < SHARE_MEMBERS; i++)
		if (s->memory->members[i].is_used)
			(void)member_send(s, i, &nothing);
}

/* True: it counts in another way than before. */
static bool look_at(struct share *s, size_t i)
{
	struct member *m = &s->memory->members[i];
	bool was_away = m->is_away;

	if (!m->is_used)
		return false;
	m->is_away = is_silent(s, m);
	if (m->is_away || s->now_ms - m->asked_ms > FORGIVEN_MS)
		m->asked_ms = 0;
	if (!m->is_away || m->is_listed)
		return m->is_away != was_away;
	pool_drop_member(s, i);
	m->is_used = false;
	return true;
}

static void look_at_all(struct share *s)
{
	struct share_memory *m = s->memory;
	bool are_heard = true;
	bool changed = false;
	bool had_time;

	for (size_t i = 1; i < SHARE_MEMBERS; i++) {
		changed = look_at(s, i) || changed;
		are_heard = are_heard && (!m->members[i].is_used || m->members[i].heard_ms != 0);
	}
	if (changed)
		count(s);
	had_time = m->listed_ms != 0 && s->now_ms - m->listed_ms >= SHARE_AWAY_MS;
	if (m->is_met || !((m->is_listed && are_heard) || had_time))
		return;
	m->is_met = true;
	m->met_ms = s->now_ms;
}

/* All others hear of it at once. */
static void come_or_leave(struct share *s)
{
	struct member *self = &s->memory->members[MEMBER_SELF];
	bool is_guest = s->is_leaving || !s->memory->is_met;

	if (self->is_guest == is_guest)
		return;
	self->is_guest = is_guest;
	count(s);
	beat(s);
}

void member_be_awake(struct share *s)
{
	struct share_memory *m = s->memory;
	bool stood_still = m->awake_ms != 0 && s->now_ms - m->awake_ms >= SHARE_PATIENCE_MS;

	m->awake_ms = s->now_ms;
	if (stood_still)
		pool_doubt_all(s);
}

void share_tick(struct share *s)
{
	member_be_awake(s);
	look_at_all(s);
	come_or_leave(s);
	if (is_due(&s->memory->beat_ms, s->now_ms, SHARE_BEAT_MS))
		beat(s);
}

static void be_looked_up(struct share *s)
{
	if (s->memory->listed_ms == 0)
		s->memory->listed_ms = s->now_ms;
}

/* Whom a replica comes to is to hear of it at once. */
static void be_listed(struct share *s)
{
	struct share_memory *m = s->memory;

	if (!m->is_listed)
		m->beat_ms = 0;
	m->is_listed = true;
}

/* They may be there all the same, and look this one up. */
void share_list_failed(struct share *s)
{
	be_looked_up(s);
}

bool share_list(struct share *s, const unsigned char (*addresses)[ADDRESS_BYTES], size_t n)
{
	struct share_memory *m = s->memory;
	bool all = true;

	for (size_t i = 1; i < SHARE_MEMBERS; i++)
		m->members[i].is_listed = false;
	for (size_t i = 0; i < n; i++) {
		size_t at = find(s, addresses[i]);

		if (at == SHARE_NOBODY && (at = add(s, addresses[i])) != SHARE_NOBODY)
			count(s);
		if (at != SHARE_NOBODY)
			m->members[at].is_listed = true;
		all = all && at != SHARE_NOBODY;
	}
	look_at_all(s);
	be_looked_up(s);
	be_listed(s);
	return all;
}

size_t share_hear(
	struct share *s, const unsigned char address[ADDRESS_BYTES], uint64_t id, bool is_guest)
{
	size_t at = find(s, address);
	struct member *m;

	if (at == MEMBER_SELF)
		return SHARE_NOBODY;
	member_be_awake(s);
	if (at == SHARE_NOBODY && (at = add(s, address)) == SHARE_NOBODY)
		return SHARE_NOBODY;
	m = &s->memory->members[at];
	m->heard_ms = s->now_ms;
	if (m->id == id && !m->is_away && m->is_guest == is_guest)
		return at;
	if (m->id != id && m->id != 0) {
		pool_drop_member(s, at); /* begun anew: it does not know what it had */
		m->since_ms = s->now_ms;
	}
	if (m->is_away)
		pool_doubt_member(s, at);
	m->id = id;
	m->is_away = false;
	m->is_guest = is_guest;
	count(s);
	s->memory->beat_ms = 0; /* whoever comes hears of us at once */
	return at;
}

bool share_looks_up(struct share *s, int64_t every_ms)
{
	return is_due(&s->memory->looked_up_ms, s->now_ms, every_ms);
}

/* ---- who owns what ---- */

static uint64_t mixed(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Keys are secret hashes: nobody can choose whose they are. */
static uint64_t weight(const struct window_key *key, const struct member *m)
{
	uint64_t halves[2];

	memcpy(halves, m->address, sizeof(halves));
	return mixed(mixed(key->a ^ halves[0]) ^ mixed(key->b ^ halves[1]));
}

size_t member_owner(const struct share *s, const struct window_key *key)
{
	const struct share_memory *m = s->memory;
	size_t owner = MEMBER_SELF;
	uint64_t most = 0;

	for (size_t i = 0; i < SHARE_MEMBERS; i++) {
		const struct member *at = &m->members[i];
		uint64_t w;

		if (!at->is_used || at->is_away || at->is_guest)
			continue;
		w = weight(key, at);
		if (w >= most) {
			most = w;
			owner = i;
		}
	}
	return owner;
}

bool member_send(struct share *s, size_t to, const struct share_item *item)
{
	if (s->n_out == SHARE_OUT)
		return false;
	s->out[s->n_out].item = *item;
	memcpy(s->out[s->n_out++].to, s->memory->members[to].address, ADDRESS_BYTES);
	return true;
}
