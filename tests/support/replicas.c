#include "tests/support/replicas.h"

#include "lib/base/arena.h"
#include "tests/support/unit.h"

enum {
	MINUTE = 1700000040, /* a whole one */
	COUNTERS = 256,
};

struct network net;

static const unsigned char secret[WINDOW_SECRET_BYTES] = "0123456789abcde";

int net_set_up(void **state)
{
	(void)state;
	memset(&net, 0, sizeof(net));
	net.a = arena_new();
	net.now_ms = (int64_t)MINUTE * 1000 + 1000;
	return 0;
}

int net_tear_down(void **state)
{
	(void)state;
	arena_free(net.a);
	return 0;
}

void net_begin_again(void)
{
	arena_free(net.a);
	(void)net_set_up(NULL);
}

void net_start(size_t i)
{
	struct replica *r = &net.at[i];

	memset(r->address, 0, ADDRESS_BYTES);
	r->address[10] = r->address[11] = 0xff;
	r->address[12] = 10;
	r->address[15] = (unsigned char)(i + 1);
	memset(&r->share, 0, sizeof(r->share));
	r->share.table = window_table_init(
		arena_alloc(net.a, window_table_bytes(COUNTERS)), COUNTERS, secret);
	r->share.memory = share_memory_init(arena_alloc(net.a, share_memory_bytes(COUNTERS)),
		COUNTERS, ++net.next_id, r->address, net.now_ms);
	r->share.now_ms = net.now_ms;
	r->is_up = true;
	if (i >= net.n)
		net.n = i + 1;
}

void net_list(void)
{
	unsigned char addresses[NET_MOST][ADDRESS_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < net.n; i++)
		if (net.at[i].is_up || net.at[i].is_cached)
			memcpy(addresses[n++], net.at[i].address, ADDRESS_BYTES);
	for (size_t i = 0; i < net.n; i++) {
		net.at[i].share.now_ms = net.now_ms;
		if (net.at[i].is_up)
			assert_true(share_list(&net.at[i].share,
				(const unsigned char(*)[ADDRESS_BYTES])addresses, n));
	}
}

/* ---- the network ---- */

static unsigned int dice(void)
{
	net.chance = net.chance * UINT64_C(6364136223846793005) + 1;
	return (unsigned int)(net.chance >> 33) % 100;
}

static void put(size_t from, size_t to, const struct share_item *item)
{
	if (net.n_wire < NET_WIRE)
		net.wire[net.n_wire++] = (struct flying){ from, to, *item };
}

static void send_all(size_t from)
{
	struct share *s = &net.at[from].share;

	for (size_t i = 0; i < s->n_out; i++)
		for (size_t to = 0; to < net.n; to++) {
			if (memcmp(net.at[to].address, s->out[i].to, ADDRESS_BYTES) != 0)
				continue;
			net.n_said += s->out[i].item.kind != SHARE_NOTHING;
			if (net.chance == 0 || dice() >= 20)
				put(from, to, &s->out[i].item);
			if (net.chance != 0 && dice() < 20)
				put(from, to, &s->out[i].item);
		}
	s->n_out = 0;
}

static void arrive(const struct flying *f)
{
	struct replica *to = &net.at[f->to];
	size_t from;

	if (!to->is_up || to->is_cut || net.at[f->from].is_cut)
		return;
	to->share.now_ms = net.now_ms;
	from = share_hear(&to->share, net.at[f->from].address, share_id(&net.at[f->from].share),
		share_is_guest(&net.at[f->from].share));
	if (from != SHARE_NOBODY)
		share_receive(&to->share, from, &f->item);
}

void net_deliver(void)
{
	bool busy = true;

	for (size_t i = 0; i < net.n; i++)
		send_all(i);
	while (busy) {
		size_t n = net.n_wire;

		busy = false;
		net.n_wire = 0;
		for (size_t i = 0; i < n; i++) {
			struct flying f = net.wire[i];

			if (net.at[f.to].is_frozen || (net.chance != 0 && dice() < 30)) {
				net.wire[net.n_wire++] = f;
				continue;
			}
			arrive(&f);
			busy = true;
		}
		for (size_t i = 0; i < net.n; i++)
			send_all(i);
	}
}

void net_pass_time(int64_t ms)
{
	for (int64_t end = net.now_ms + ms; net.now_ms < end;) {
		net.now_ms += end - net.now_ms < 100 ? end - net.now_ms : 100;
		for (size_t i = 0; i < net.n; i++) {
			net.at[i].share.now_ms = net.now_ms;
			if (net.at[i].is_up && !net.at[i].is_frozen)
				share_tick(&net.at[i].share);
		}
		net_deliver();
	}
}

void net_come(size_t i)
{
	net_start(i);
	net_list();
}

void net_leave(size_t i, int64_t ms)
{
	net.at[i].share.is_leaving = true;
	net_pass_time(ms);
	net.at[i].is_up = false;
	net_list();
}

void net_meet(size_t n)
{
	for (size_t i = 0; i < n; i++)
		net_start(i);
	net_list();
	net_pass_time(1000);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(share_members(&net.at[i].share), n);
		assert_int_equal(share_members_away(&net.at[i].share), 0);
	}
	net_pass_time(60000); /* to a window that begins after that */
	net.n_said = 0;
}

/* ---- requests ---- */

struct limit net_limit(int64_t count)
{
	return (struct limit){ .name = "l", .count = count, .unit_s = 60, .units = 1 };
}

enum tried {
	REFUSED,
	LACKING,
	PASSED,
};

static enum tried try_once(size_t i, const struct limit *l, uint64_t key, bool may_wait)
{
	struct share *s = &net.at[i].share;
	struct window_use u = { .key = { key, key * 31 }, .limit = l };

	s->now_ms = net.now_ms;
	s->may_wait = may_wait;
	if (window_take(s->table, s, &u, 1, net.now_ms / 1000) == 1)
		return PASSED;
	if (u.is_lacking)
		return LACKING;
	assert_int_equal(u.left, 0); /* so much a client is told that it may still do */
	return REFUSED;
}

bool net_passes_at_once(size_t i, const struct limit *l, uint64_t key)
{
	return try_once(i, l, key, false) == PASSED;
}

bool net_passes(size_t i, const struct limit *l, uint64_t key)
{
	for (int64_t waited = 0;; waited++) {
		enum tried tried = try_once(i, l, key, waited < SHARE_PATIENCE_MS);

		if (tried == PASSED) {
			net_deliver();
			return true;
		}
		if (tried == REFUSED)
			return false;
		net_deliver();
		net.now_ms++;
		if (waited % 100 == 99)
			net_pass_time(1);
	}
}

int64_t net_passing(size_t from, size_t n, const struct limit *l, uint64_t key, int64_t tries)
{
	int64_t passed = 0;

	for (int64_t i = 0; i < tries; i++, net.now_ms++)
		passed += net_passes(from + (size_t)i % n, l, key);
	return passed;
}

uint64_t net_key_of(size_t owner)
{
	const struct limit one = net_limit(1);

	for (uint64_t key = 1000;; key++) {
		size_t before = net.n_said;
		struct share *s = &net.at[owner].share;

		(void)try_once(owner, &one, key, true);
		for (size_t i = 0; i < s->n_out; i++)
			if (s->out[i].item.kind == SHARE_PROBE)
				before = SIZE_MAX;
		s->n_out = 0;
		if (before == SIZE_MAX) {
			net_pass_time(60000); /* a new window, in which nobody knows of this */
			net.n_said = 0;
			return key;
		}
	}
}
