#include "gateway/core/datagram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_BYTES = 32,
	CLOCK_LOG2 = 53, /* a clock's milliseconds are less than two to this */
};

static const unsigned char magic[4] = { 'A', 'P', 'L', '1' };

struct datagram_keys {
	unsigned char windows[KEY_BYTES];
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;
};

static void hmac(const void *key, size_t n, const char *text, unsigned char ret[KEY_BYTES])
{
	unsigned int len = 0;

	if (!HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), ret,
		    &len) ||
		len != KEY_BYTES)
		abort();
}

struct datagram_keys *datagram_keys_new(const void *secret, size_t n, const char *gateway)
{
	struct datagram_keys *k = calloc(1, sizeof(*k));
	unsigned char of_gateway[KEY_BYTES];
	unsigned char key[KEY_BYTES];
	char sha256[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", sha256, 0),
		OSSL_PARAM_construct_end() };

	if (!k)
		abort();
	hmac(secret, n, gateway, of_gateway);
	hmac(of_gateway, sizeof(of_gateway), "counters", k->windows);
	hmac(of_gateway, sizeof(of_gateway), "datagrams", key);
	k->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	k->mac = EVP_MAC_CTX_new(k->hmac);
	if (!k->mac || EVP_MAC_init(k->mac, key, sizeof(key), params) != 1)
		abort();
	OPENSSL_cleanse(of_gateway, sizeof(of_gateway));
	OPENSSL_cleanse(key, sizeof(key));
	return k;
}

void datagram_keys_free(struct datagram_keys *k)
{
	if (!k)
		return;
	EVP_MAC_CTX_free(k->mac);
	EVP_MAC_free(k->hmac);
	OPENSSL_cleanse(k->windows, sizeof(k->windows));
	free(k);
}

void datagram_window_secret(const struct datagram_keys *k, unsigned char ret[WINDOW_SECRET_BYTES])
{
	memcpy(ret, k->windows, WINDOW_SECRET_BYTES);
}

static void mac_of(struct datagram_keys *k, const struct datagram *d, const unsigned char *bytes,
	size_t n, unsigned char ret[KEY_BYTES])
{
	size_t len = 0;

	/* Without a key: the one that it has. */
	if (EVP_MAC_init(k->mac, NULL, 0, NULL) != 1 ||
		EVP_MAC_update(k->mac, d->from, sizeof(d->from)) != 1 ||
		EVP_MAC_update(k->mac, d->to, sizeof(d->to)) != 1 ||
		EVP_MAC_update(k->mac, bytes, n) != 1 ||
		EVP_MAC_final(k->mac, ret, &len, KEY_BYTES) != 1 || len != KEY_BYTES)
		abort();
}

static unsigned char *put(unsigned char *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(value >> (56 - 8 * i));
	return at + 8;
}

static uint64_t get(const unsigned char *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

static unsigned char *put_item(unsigned char *at, const struct share_item *item)
{
	at = put(at, (uint64_t)item->kind << 56);
	at = put(at, item->key.a);
	at = put(at, item->key.b);
	at = put(at, (uint64_t)item->end_s);
	at = put(at, (uint64_t)item->round);
	at = put(at, (uint64_t)item->limit);
	at = put(at, (uint64_t)item->held);
	at = put(at, (uint64_t)item->amount);
	return put(at, (uint64_t)item->bytes);
}

static bool is_number(uint64_t value, int log2)
{
	return value >> log2 == 0;
}

static bool get_item(const unsigned char *at, struct share_item *ret)
{
	const uint64_t kind = get(at) >> 56;

	*ret = (struct share_item){ .key = { get(at + 8), get(at + 16) },
		.end_s = (int64_t)get(at + 24),
		.round = (int64_t)get(at + 32),
		.limit = (int64_t)get(at + 40),
		.held = (int64_t)get(at + 48),
		.amount = (int64_t)get(at + 56),
		.bytes = (int64_t)get(at + 64) };
	if (kind < SHARE_ASK || kind >= SHARE_KINDS || get(at) << 8 != 0)
		return false;
	ret->kind = (enum share_kind)kind;
	for (size_t i = 24; i < 64; i += 8)
		if (!is_number(get(at + i), SHARE_MOST_LOG2))
			return false;
	return ret->bytes >= 0;
}

size_t datagram_write(
	struct datagram_keys *k, const struct datagram *d, unsigned char ret[DATAGRAM_BYTES])
{
	unsigned char mac[KEY_BYTES];
	unsigned char *at = ret + 8;

	memcpy(ret, magic, sizeof(magic));
	ret[4] = (unsigned char)(d->n >> 8);
	ret[5] = (unsigned char)d->n;
	ret[6] = d->is_guest;
	ret[7] = 0;
	at = put(at, d->id);
	at = put(at, (uint64_t)d->sent_ms);
	for (size_t i = 0; i < d->n; i++)
		at = put_item(at, &d->items[i]);
	mac_of(k, d, ret, (size_t)(at - ret), mac);
	memcpy(at, mac, DATAGRAM_MAC);
	return (size_t)(at - ret) + DATAGRAM_MAC;
}

static bool is_fresh(uint64_t sent_ms, int64_t now_ms)
{
	int64_t age;

	if (!is_number(sent_ms, CLOCK_LOG2))
		return false;
	age = now_ms - (int64_t)sent_ms;
	return age <= DATAGRAM_FRESH_MS && -age <= DATAGRAM_FRESH_MS;
}

bool datagram_read(struct datagram_keys *k, const unsigned char *bytes, size_t n, int64_t now_ms,
	struct datagram *ret)
{
	unsigned char mac[KEY_BYTES];

	if (n < DATAGRAM_HEAD + DATAGRAM_MAC || memcmp(bytes, magic, sizeof(magic)) != 0 ||
		bytes[6] > 1 || bytes[7] != 0)
		return false;
	ret->n = (size_t)bytes[4] << 8 | bytes[5];
	if (ret->n > DATAGRAM_ITEMS || n != DATAGRAM_HEAD + ret->n * DATAGRAM_ITEM + DATAGRAM_MAC)
		return false;
	mac_of(k, ret, bytes, n - DATAGRAM_MAC, mac);
	if (CRYPTO_memcmp(mac, bytes + n - DATAGRAM_MAC, DATAGRAM_MAC) != 0)
		return false;
	ret->is_guest = bytes[6] == 1;
	ret->id = get(bytes + 8);
	ret->sent_ms = (int64_t)get(bytes + 16);
	if (ret->id == 0 || !is_fresh((uint64_t)ret->sent_ms, now_ms))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (!get_item(bytes + DATAGRAM_HEAD + i * DATAGRAM_ITEM, &ret->items[i]))
			return false;
	return true;
}
