/* Counters of fixed windows in one block of memory that several processes may share.
 *
 * The block holds no pointers and has a fixed size. A counter is found by a key of 128 bits; it
 * belongs to one window and begins anew after its end, so nothing has to be cleaned up. Where all
 * places that a key may have are taken by windows that still run, the one that ends first makes
 * room (of those the one with the smallest count), and that is told in `evicted`: what was counted
 * there is forgotten. Flooding the table with new keys therefore costs other short windows at most,
 * before it costs long or busy ones.
 *
 * No locks: whoever shares a block lets one in at a time. Nothing here blocks or takes memory.
 */
#ifndef GATEWAY_CORE_WINDOW_H
#define GATEWAY_CORE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit;
struct share;
struct window_table;

enum {
	WINDOW_WAYS = 8, /* places that a key may have */
	WINDOW_USES = 4, /* counters that one request may need */
	WINDOW_SECRET_BYTES = 16,
};

struct window_key {
	uint64_t a, b;
};

/* Rounded up to what the table can be made of. */
size_t window_table_bytes(size_t entries);

/* Zeroed memory of that many bytes, aligned for uint64_t → an empty table. The secret is kept in it
 * for whoever makes keys. */
struct window_table *window_table_init(
	void *memory, size_t entries, const unsigned char secret[WINDOW_SECRET_BYTES]);

const unsigned char *window_table_secret(const struct window_table *t);
uint64_t window_table_evicted(const struct window_table *t);

/* One counter that a request needs. */
struct window_use {
	struct window_key key;
	const struct limit *limit;

	/* what window_take found */
	int64_t count; /* with this request if it was counted */
	int64_t bytes;
	int64_t end_s;	 /* of the window */
	int64_t left;	 /* that may still pass, as far as it is known here: 0 if this may not */
	bool is_lacking; /* not reached: other replicas have to be asked first */
	bool is_alone;	 /* not reached as far as is known here: they did not answer */
};

/* Counts one request everywhere or nowhere: n when it was counted, else the index of the first use
 * whose limit is reached, or is_lacking. n is at most WINDOW_USES. share NULL: nobody else counts
 * for these limits. */
size_t window_take(struct window_table *t, struct share *share, struct window_use *uses, size_t n,
	int64_t now_s);

/* Adds to what the requests of the counters moved, in the window that runs now. */
void window_charge(struct window_table *t, struct share *share, const struct window_use *uses,
	size_t n, int64_t bytes, int64_t now_s);

/* ---- for share.h ---- */

struct window_entry {
	struct window_key key;
	int64_t end_s; /* 0: never used */
	int64_t count;
	int64_t bytes;
};

size_t window_entries(const struct window_table *t);
size_t window_index(const struct window_table *t, const struct window_entry *e);

/* NULL: there is none. Its window may have ended. */
struct window_entry *window_find(struct window_table *t, const struct window_key *key);

/* The counter in a window that ends then: begun anew if it was in an earlier one. */
struct window_entry *window_open(
	struct window_table *t, const struct window_key *key, int64_t end_s, int64_t now_s);

#endif
