/* Replicas of a gateway in one process that share their limits (gateway/core/share.h), on a network
 * of which every datagram may be lost, doubled or late. Time passes when a test says so. */
#ifndef TESTS_SUPPORT_REPLICAS_H
#define TESTS_SUPPORT_REPLICAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/datagram.h"
#include "gateway/core/share.h"

enum {
	NET_MOST = 6,
	NET_WIRE = 4096,
};

struct replica {
	struct share share;
	unsigned char address[ADDRESS_BYTES];
	bool is_up;
	bool is_cut;	/* from all others */
	bool is_frozen; /* does nothing; what comes waits */
	bool is_cached; /* the name has it though it is not up */
};

struct flying {
	size_t from, to;
	struct share_item item;
};

struct network {
	struct arena *a;
	struct replica at[NET_MOST];
	size_t n;
	int64_t now_ms;
	struct flying wire[NET_WIRE];
	size_t n_wire;
	size_t n_said;	 /* items but for "I am here" */
	uint64_t chance; /* 0: the network does what it should */
	uint64_t next_id;
};

extern struct network net;

int net_set_up(void **state);
int net_tear_down(void **state);
void net_begin_again(void);

/* One at that place, with no memory of what was there before. */
void net_start(size_t i);

/* The name says who there is. */
void net_list(void);

/* One starts, and the name has it. */
void net_come(size_t i);

/* One is told to end, has so much time, and ends: the name has it no more. */
void net_leave(size_t i, int64_t ms);

/* Until nothing flies any more, but for what is late. */
void net_deliver(void);
void net_pass_time(int64_t ms);

/* So many start, meet, and are in a window that nobody has used. */
void net_meet(size_t n);

/* ---- requests ---- */

struct limit net_limit(int64_t count); /* in a minute */
bool net_passes(size_t i, const struct limit *l, uint64_t key);

/* The same for a request that must not wait. */
bool net_passes_at_once(size_t i, const struct limit *l, uint64_t key);

/* How many of those tries pass that come in turn to n of them. */
int64_t net_passing(size_t from, size_t n, const struct limit *l, uint64_t key, int64_t tries);

/* Of a counter whose owner is that replica: nobody else has to be asked. */
uint64_t net_key_of(size_t owner);

#define ON_A_NETWORK(test) cmocka_unit_test_setup_teardown(test, net_set_up, net_tear_down)

#endif
