/* Any bytes as a datagram, and any items of a replica that has the key and is broken: nothing is
 * believed that was not sent, no number overflows, and this replica passes no more than the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/core/datagram.h"
#include "lib/base/arena.h"

enum {
	NOW_S = 1700000040,
	COUNTERS = 64,
	LIMIT = 50,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct limit limit = { .name = "l", .count = LIMIT, .unit_s = 60, .units = 1 };
static const unsigned char addresses[2][ADDRESS_BYTES] = { { 1 }, { 2 } };

static void begin(struct arena *a, struct share *s)
{
	static const unsigned char secret[WINDOW_SECRET_BYTES];

	*s = (struct share){ .now_ms = (int64_t)NOW_S * 1000 };
	s->table =
		window_table_init(arena_alloc(a, window_table_bytes(COUNTERS)), COUNTERS, secret);
	s->memory = share_memory_init(
		arena_alloc(a, share_memory_bytes(COUNTERS)), COUNTERS, 1, addresses[0], s->now_ms);
	(void)share_list(s, addresses, 2);
}

static int64_t take(struct share *s, size_t tries)
{
	int64_t passed = 0;

	while (tries-- > 0) {
		struct window_use u = { .key = { tries % 3, 1 }, .limit = &limit };

		s->n_out = 0;
		passed += u.key.a == 0 && window_take(s->table, s, &u, 1, s->now_ms / 1000) == 1;
	}
	return passed;
}

/* The MAC that the bytes would need. */
static size_t sign(struct datagram_keys *k, const uint8_t *data, size_t n, int64_t now_ms,
	unsigned char *bytes)
{
	struct datagram d = { .id = 2, .sent_ms = now_ms };

	memcpy(d.from, addresses[1], ADDRESS_BYTES);
	memcpy(d.to, addresses[0], ADDRESS_BYTES);
	while (d.n < DATAGRAM_ITEMS && n >= 12) {
		struct share_item *item = &d.items[d.n++];

		/* Small numbers and great ones. */
		*item = (struct share_item){
			.kind = (enum share_kind)(SHARE_ASK + data[0] % (SHARE_KINDS - SHARE_ASK)),
			.key = { data[1] % 3, 1 },
			.end_s = NOW_S + data[2] - 10,
			.round = (int64_t)data[3] << (data[4] % 40),
			.limit = (int64_t)data[5] << (data[6] % 40),
			.held = (int64_t)data[7] << (data[8] % 40),
			.amount = (int64_t)data[9] << (data[10] % 40),
			.bytes = (int64_t)data[11] << (data[11] % 55),
		};
		data += 12;
		n -= 12;
	}
	return datagram_write(k, &d, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static struct datagram_keys *keys;
	static struct share s;
	unsigned char bytes[DATAGRAM_BYTES];
	struct datagram d = { 0 };
	int64_t passed = 0;

	if (!keys)
		keys = datagram_keys_new("a secret of replicas", 20, "gateways");
	if (datagram_read(keys, data, n, (int64_t)NOW_S * 1000, &d))
		abort(); /* made without the key */
	begin(a, &s);
	while (n >= 12) {
		size_t most = n < 48 ? n : 48;
		size_t len = sign(keys, data, most, s.now_ms, bytes);
		size_t from;

		memcpy(d.from, addresses[1], ADDRESS_BYTES);
		memcpy(d.to, addresses[0], ADDRESS_BYTES);
		if (!datagram_read(keys, bytes, len, s.now_ms, &d))
			abort();
		from = share_hear(&s, d.from, d.id, data[3] & 1);
		for (size_t i = 0; i < d.n; i++)
			share_receive(&s, from, &d.items[i]);
		s.may_wait = data[0] & 1;
		passed += take(&s, data[1]);
		s.now_ms += data[2];
		share_tick(&s);
		data += most;
		n -= most;
	}
	if (passed > LIMIT && s.now_ms / 1000 < NOW_S + 60 - NOW_S % 60)
		abort();
	return 0;
}
