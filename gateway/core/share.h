/* One limit for many replicas of a gateway.
 *
 * Every counter has one owner among the replicas: the live one that comes first by a hash of key
 * and address, so all agree without talking. In each window
 *
 *   - a replica passes a small part (limit / 8N) without telling anybody: whoever stays far below a
 *     limit costs no message and no wait. Not in a window that began before the replica came;
 *   - beyond half of that it asks the owner for a lease, ahead of need, and again when half of the
 *     lease is used. The owner hands out what is asked for, at most half of a fair share of what is
 *     left and at least one, so leases shrink and the last requests are given one by one;
 *   - before its first word about a window an owner asks all others what they passed. What they had
 *     left of the small part is void then, and what an owner before it handed out comes back. The
 *     same when it has nothing left: what lies unused anywhere is handed out again;
 *   - a replica that holds nothing lets a request wait for the answer. An owner that is silent for
 *     SHARE_PATIENCE_MS is not waited for: what passes then is 1 / N of what was left when it was
 *     heard last, or of the limit.
 *
 * Replicas are those that the name of a Service has, and those that were heard in the last seconds.
 * One that is listed and silent is away: it owns nothing, and limit / N is kept for it, because it
 * may be well and alone (not for long if it was never heard: it does not start). One that comes is
 * a guest and owns nothing before it has met the others; then it asks them what they hold, and what
 * they know of others that it never met. So what passes is
 * never more than the limit, but for what an owner itself passed before it was lost, and the small
 * parts of those that were killed.
 *
 * All that is said is a total of a window ("holds 120"), never a change ("20 more"), and belongs to
 * a round of questions: what is lost is said again, what comes twice or late changes nothing.
 *
 * The block of memory is shared by the workers of a gateway and lives as long as its counters. As
 * with those there are no locks: whoever shares the block lets one in at a time.
 */
#ifndef GATEWAY_CORE_SHARE_H
#define GATEWAY_CORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/limits.h"
#include "gateway/core/window.h"
#include "lib/base/attr.h"

struct share_memory;

enum {
	SHARE_MEMBERS = 32,   /* replicas; more than these are not met */
	SHARE_OUT = 256,      /* items that wait to be sent */
	SHARE_MOST_LOG2 = 48, /* limits of more than two to this are none: nobody gets that far */
	SHARE_NOBODY = SHARE_MEMBERS,

	SHARE_PATIENCE_MS = 250, /* an owner may take before requests do not wait for it */
	SHARE_BEAT_MS = 500,	 /* a replica is heard that often at least */
	SHARE_AWAY_MS = 2500,	 /* not heard for so long: away */
};

enum share_kind {
	SHARE_NOTHING, /* only: I am here */
	SHARE_ASK,     /* to an owner: I hold, I want */
	SHARE_ANSWER,  /* from it: you hold, so much is left */
	SHARE_PROBE,   /* from an owner: keep what you passed, give back the rest */
	SHARE_DECLARE, /* to it: I hold */
	SHARE_KINDS,
};

struct share_item {
	enum share_kind kind;
	struct window_key key;
	int64_t end_s;	/* of the window */
	int64_t round;	/* of the owner's questions; what is said in an earlier one is void */
	int64_t limit;	/* ASK, PROBE */
	int64_t held;	/* requests that the replica may pass in this window, in total */
	int64_t amount; /* ASK: wanted. ANSWER: left. DECLARE: held by replicas that are not here */
	int64_t bytes;	/* ASK, DECLARE: moved here. ANSWER: moved by all others */
};

struct share_out {
	unsigned char to[ADDRESS_BYTES];
	struct share_item item;
};

/* One worker's view of it. */
struct share {
	struct share_memory *memory;
	struct window_table *table;
	int64_t now_ms;	 /* set before every call; the clock's, UTC */
	bool may_wait;	 /* the request in hand can be decided again a moment later */
	bool is_leaving; /* this replica will end: others are to own what it owns */
	size_t n_out;	 /* what is to be sent; the owner of this struct empties it */
	struct share_out out[SHARE_OUT];
};

size_t share_memory_bytes(size_t counters);

/* Zeroed memory of that many bytes → a replica that knows of no other. id: another one after every
 * loss of the memory. */
struct share_memory *share_memory_init(void *memory, size_t counters, uint64_t id,
	const unsigned char address[ADDRESS_BYTES], int64_t now_ms);

/* ---- members: number 0 is this replica ---- */

uint64_t share_id(const struct share *s);
const unsigned char *share_address(const struct share *s);
size_t share_members(const struct share *s); /* with those that are away */
size_t share_members_away(const struct share *s);

/* What the name of the Service has now. More than SHARE_MEMBERS: false. */
bool share_list(struct share *s, const unsigned char (*addresses)[ADDRESS_BYTES], size_t n);

/* It could not be looked up: those that were listed are. Whoever was not heard may be there. */
void share_list_failed(struct share *s);

/* One of these was called, and the others were heard or had time to be: before that, a replica
 * knows too little to serve. */
bool share_is_met(const struct share *s);

/* A member by its address, which is heard now: it becomes one if it was none. SHARE_NOBODY: there
 * are too many, or it is this replica. */
size_t share_hear(
	struct share *s, const unsigned char address[ADDRESS_BYTES], uint64_t id, bool is_guest);

/* This replica has not met the others yet, or will end: it owns nothing, and says so. */
bool share_is_guest(const struct share *s);

/* Now and then: who is away, who is gone; all others hear of this one. */
void share_tick(struct share *s);

/* True every so many milliseconds, for one of the workers. */
bool share_looks_up(struct share *s, int64_t every_ms);

/* Another number: some lease came, or members changed. */
uint64_t share_news(const struct share *s);

/* Requests that passed without the word of their counter's owner, which did not answer: as long as
 * no replica is lost, only by these can more pass than the limit. */
uint64_t share_alone(const struct share *s);

/* Datagrams that were nobody's. */
void share_refuse(struct share *s);
uint64_t share_refused(const struct share *s);

/* ---- what is said ---- */

/* An item that a member sent. Answers stand in out. */
void share_receive(struct share *s, size_t from, const struct share_item *item);

/* ---- for window.c ---- */

/* There are others, with whom a limit of so many is shared. */
bool share_is_divided(const struct share *s, const struct limit *l);

/* Whether the use may be counted once more; else it is reached, or u->is_lacking. */
bool share_has_room(struct share *s, struct window_use *u);

/* It was counted. */
void share_took(struct share *s, struct window_entry *e, const struct window_use *u);

/* Its requests moved something. */
void share_moved(struct share *s, struct window_entry *e, const struct window_use *u);

#endif
