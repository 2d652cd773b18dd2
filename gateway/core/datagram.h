/* What replicas say to each other (share.h), as bytes.
 *
 *    0  "APL1"
 *    4  number of items, 2 bytes; 1 byte: 1 if the sender is a guest, else 0; 1 byte of zero
 *    8  id of the sender's memory
 *   16  the sender's clock in ms
 *   24  items of 72 bytes: kind and 7 bytes of zero, key, end, round, limit, held, amount, bytes
 *   ..  MAC, 16 bytes
 *
 * Numbers are big-endian. The MAC (HMAC-SHA-256, its first half) covers the addresses of sender and
 * receiver too, which are not sent: a datagram is good for the pair of replicas that it was made
 * for. It is good for DATAGRAM_FRESH_MS; within that time a second copy says nothing new, since all
 * that is said are totals. Without the key nothing can be said, and nothing is answered.
 */
#ifndef GATEWAY_CORE_DATAGRAM_H
#define GATEWAY_CORE_DATAGRAM_H

#include "gateway/core/share.h"
#include "lib/base/attr.h"

struct datagram_keys; /* of one gateway, made from a secret that others may have, too */

enum {
	DATAGRAM_ITEMS = 16, /* fits into the smallest packet that IPv6 has */
	DATAGRAM_HEAD = 24,
	DATAGRAM_ITEM = 72,
	DATAGRAM_MAC = 16,
	DATAGRAM_BYTES = DATAGRAM_HEAD + DATAGRAM_ITEMS * DATAGRAM_ITEM + DATAGRAM_MAC,
	DATAGRAM_FRESH_MS = 5000, /* clocks of replicas differ by less than that */
	DATAGRAM_LEAST_SECRET = 16,
	DATAGRAM_MOST_SECRET = 1024,
};

struct datagram {
	unsigned char from[ADDRESS_BYTES];
	unsigned char to[ADDRESS_BYTES];
	uint64_t id;
	int64_t sent_ms;
	bool is_guest;
	size_t n;
	struct share_item items[DATAGRAM_ITEMS];
};

/* gateway: the name that its replicas have in common. Those of another one have other keys. */
struct datagram_keys *datagram_keys_new(const void *secret, size_t n, const char *gateway);
void datagram_keys_free(struct datagram_keys *k); /* accepts NULL */

/* Keys of counters are to be the same in all replicas. */
void datagram_window_secret(const struct datagram_keys *k, unsigned char ret[WINDOW_SECRET_BYTES]);

/* The number of bytes. */
size_t datagram_write(
	struct datagram_keys *k, const struct datagram *d, unsigned char ret[DATAGRAM_BYTES]);

/* ret->from and ret->to are given: between whom it came. False: it is nobody's. */
bool datagram_read(struct datagram_keys *k, const unsigned char *bytes, size_t n, int64_t now_ms,
	struct datagram *ret) MUST_CHECK;

#endif
