#include "gateway/core/datagram.h"
#include "tests/support/unit.h"

enum {
	NOW_MS = 1700000040,
};

static const char secret[] = "the secret of all replicas";
static struct datagram_keys *keys;
static struct datagram sent;
static unsigned char bytes[DATAGRAM_BYTES];
static size_t n;

static int set_up(void **state)
{
	(void)state;
	keys = datagram_keys_new(secret, sizeof(secret), "gateways");
	memset(&sent, 0, sizeof(sent));
	sent.from[15] = 1;
	sent.to[15] = 2;
	sent.id = UINT64_C(0xfedcba9876543210);
	sent.sent_ms = NOW_MS;
	sent.is_guest = true;
	for (sent.n = 0; sent.n < DATAGRAM_ITEMS; sent.n++)
		sent.items[sent.n] = (struct share_item){
			.kind = (enum share_kind)(SHARE_ASK + sent.n % (SHARE_KINDS - SHARE_ASK)),
			.key = { UINT64_MAX - sent.n, sent.n },
			.end_s = NOW_MS + 60,
			.round = 7,
			.limit = 100,
			.held = (int64_t)sent.n,
			.amount = 3,
			.bytes = INT64_MAX,
		};
	n = datagram_write(keys, &sent, bytes);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	datagram_keys_free(keys);
	return 0;
}

static bool is_read_by(
	struct datagram_keys *k, unsigned char from, unsigned char to, int64_t now_ms)
{
	struct datagram got = { 0 };

	got.from[15] = from;
	got.to[15] = to;
	return datagram_read(k, bytes, n, now_ms, &got);
}

static bool is_read(void)
{
	return is_read_by(keys, 1, 2, NOW_MS);
}

static void what_is_sent_is_read(void **state)
{
	struct datagram got = { 0 };

	(void)state;
	got.from[15] = 1;
	got.to[15] = 2;
	assert_int_equal(n, DATAGRAM_BYTES);
	assert_true(datagram_read(keys, bytes, n, NOW_MS, &got));
	assert_true(got.id == sent.id);
	assert_true(got.is_guest);
	assert_int_equal(got.n, sent.n);
	for (size_t i = 0; i < sent.n; i++) {
		assert_int_equal(got.items[i].kind, sent.items[i].kind);
		assert_true(got.items[i].key.a == sent.items[i].key.a);
		assert_true(got.items[i].key.b == sent.items[i].key.b);
		assert_int_equal(got.items[i].end_s, sent.items[i].end_s);
		assert_int_equal(got.items[i].round, sent.items[i].round);
		assert_int_equal(got.items[i].limit, sent.items[i].limit);
		assert_int_equal(got.items[i].held, sent.items[i].held);
		assert_int_equal(got.items[i].amount, sent.items[i].amount);
		assert_int_equal(got.items[i].bytes, sent.items[i].bytes);
	}
}

static void nothing_may_be_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] ^= (unsigned char)(1 << bit);
			assert_false(is_read());
			bytes[i] ^= (unsigned char)(1 << bit);
		}
	assert_true(is_read());
}

static void nothing_may_be_left_out_or_added(void **state)
{
	unsigned char longer[DATAGRAM_BYTES + 1] = { 0 };
	struct datagram got = sent;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_false(datagram_read(keys, bytes, i, NOW_MS, &got));
	memcpy(longer, bytes, n);
	assert_false(datagram_read(keys, longer, n + 1, NOW_MS, &got));
}

static void another_key_is_none(void **state)
{
	struct datagram_keys *other = datagram_keys_new("another secret...", 17, "gateways");

	(void)state;
	assert_false(is_read_by(other, 1, 2, NOW_MS));
	datagram_keys_free(other);
}

static void another_gateway_with_the_same_secret_is_none(void **state)
{
	struct datagram_keys *other = datagram_keys_new(secret, sizeof(secret), "gateways2");
	unsigned char a[WINDOW_SECRET_BYTES];
	unsigned char b[WINDOW_SECRET_BYTES];

	(void)state;
	assert_false(is_read_by(other, 1, 2, NOW_MS));
	datagram_window_secret(keys, a);
	datagram_window_secret(other, b);
	assert_memory_not_equal(a, b, sizeof(a));
	datagram_keys_free(other);
}

static void it_is_good_between_two_addresses_only(void **state)
{
	(void)state;
	assert_false(is_read_by(keys, 1, 3, NOW_MS));
	assert_false(is_read_by(keys, 3, 2, NOW_MS));
	assert_false(is_read_by(keys, 2, 1, NOW_MS));
}

static void it_is_good_for_seconds(void **state)
{
	(void)state;
	assert_true(is_read_by(keys, 1, 2, NOW_MS + DATAGRAM_FRESH_MS));
	assert_false(is_read_by(keys, 1, 2, NOW_MS + DATAGRAM_FRESH_MS + 1));
	assert_true(is_read_by(keys, 1, 2, NOW_MS - DATAGRAM_FRESH_MS));
	assert_false(is_read_by(keys, 1, 2, NOW_MS - DATAGRAM_FRESH_MS - 1));
}

/* Whoever has the key may be broken. */
static void numbers_have_bounds(void **state)
{
	int64_t *const bounded[] = { &sent.items[3].end_s, &sent.items[3].round,
		&sent.items[3].limit, &sent.items[3].held, &sent.items[3].amount };

	(void)state;
	for (size_t i = 0; i < sizeof(bounded) / sizeof(*bounded); i++) {
		int64_t was = *bounded[i];

		*bounded[i] = -1;
		n = datagram_write(keys, &sent, bytes);
		assert_false(is_read());
		*bounded[i] = INT64_C(1) << SHARE_MOST_LOG2;
		n = datagram_write(keys, &sent, bytes);
		assert_false(is_read());
		*bounded[i] = was;
	}
	sent.items[3].bytes = -1;
	n = datagram_write(keys, &sent, bytes);
	assert_false(is_read());
	sent.items[3].bytes = 0;
	sent.items[3].kind = SHARE_KINDS;
	n = datagram_write(keys, &sent, bytes);
	assert_false(is_read());
	sent.items[3].kind = SHARE_ASK;
	sent.id = 0;
	n = datagram_write(keys, &sent, bytes);
	assert_false(is_read());
}

static void a_datagram_may_say_nothing(void **state)
{
	(void)state;
	sent.n = 0;
	n = datagram_write(keys, &sent, bytes);
	assert_int_equal(n, DATAGRAM_HEAD + DATAGRAM_MAC);
	assert_true(is_read());
}

static void all_replicas_name_counters_alike(void **state)
{
	struct datagram_keys *same = datagram_keys_new(secret, sizeof(secret), "gateways");
	unsigned char a[WINDOW_SECRET_BYTES];
	unsigned char b[WINDOW_SECRET_BYTES];

	(void)state;
	datagram_window_secret(keys, a);
	datagram_window_secret(same, b);
	assert_memory_equal(a, b, sizeof(a));
	datagram_keys_free(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_is_sent_is_read),
		TEST(nothing_may_be_changed),
		TEST(nothing_may_be_left_out_or_added),
		TEST(another_key_is_none),
		TEST(another_gateway_with_the_same_secret_is_none),
		TEST(it_is_good_between_two_addresses_only),
		TEST(it_is_good_for_seconds),
		TEST(numbers_have_bounds),
		TEST(a_datagram_may_say_nothing),
		TEST(all_replicas_name_counters_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
