/* The memory that share.h is about: replicas, leases, and what an owner knows. */
#ifndef GATEWAY_CORE_MEMBER_H
#define GATEWAY_CORE_MEMBER_H

#include "gateway/core/share.h"

enum {
	MEMBER_SELF = 0,
	POOL_WAYS = 4, /* places that a key may have */
};

struct member {
	unsigned char address[ADDRESS_BYTES];
	uint64_t id;	  /* 0: not heard yet */
	int64_t since_ms; /* a member, with that id */
	int64_t heard_ms; /* 0: never */
	int64_t asked_ms; /* an ask waits for its answer since; 0: none */
	bool is_used;	  /* the slot has a member */
	bool is_listed;	  /* the Service's name has it */
	bool is_away;
	bool is_guest; /* it said so: it has just come or will end, and owns nothing */
};

/* What this replica knows as the owner of a key, in one window. */
struct pool {
	struct window_key key;
	int64_t end_s; /* 0: never used */
	int64_t limit;
	int64_t absent;	    /* held by replicas that are no members any more, and by absentees */
	uint32_t absentees; /* members that were away when another owner told of absent */
	bool is_owned;	    /* by this replica, since what follows was begun */
	int64_t round;
	int64_t begun_ms;  /* the round */
	int64_t probed_ms; /* those who have not declared were asked */
	uint32_t known;	   /* a bit for each member that has said what it holds */
	uint32_t declared; /* in this round */
	uint32_t asking;   /* and waits for an answer */
	bool has_lent;	   /* in this round: something may lie unused */
	int64_t lent_ms;   /* last */
	size_t turn;	   /* of members, when all are answered */
	int64_t wanted[SHARE_MEMBERS];
	int64_t held[SHARE_MEMBERS];  /* never less than they believe to hold */
	int64_t moved[SHARE_MEMBERS]; /* bytes */
};

/* What a replica knows about a counter of its own, beside the counter; same place in its array.
 * Good for the key and window that it names. */
struct lease {
	struct window_key key;
	int64_t end_s;
	int64_t round;	     /* that was heard of last */
	int64_t window_s;    /* of several units: its owner says when it ends; else 0 */
	int64_t held;	     /* may pass here, in total */
	int64_t grant;	     /* what came last */
	int64_t left;	     /* at the owner, as it said last */
	int64_t alone;	     /* may pass here if the owner falls silent */
	int64_t elsewhere;   /* bytes that others moved */
	int64_t asked_ms;    /* 0: nothing is asked */
	int64_t answered_ms; /* the last answer */
	int64_t begun_ms;    /* of the use that the next ask is about */
	int64_t begun_count;
	uint32_t wanted; /* requests that found nothing since */
	bool is_told;	 /* somebody knows what is held here: no more than that passes */
	bool is_dry;	 /* the owner has nothing left */
};

struct share_memory {
	uint64_t id;
	uint64_t news;
	uint64_t refused;
	uint64_t alone;
	bool is_listed;	   /* the name was looked up */
	bool is_met;	   /* and those that it has were heard, or had the time */
	int64_t listed_ms; /* first, or tried */
	int64_t met_ms;
	int64_t beat_ms;
	int64_t awake_ms; /* something was done last */
	int64_t looked_up_ms;
	size_t n_members;
	size_t n_away;
	struct member members[SHARE_MEMBERS];
	size_t n_leases;
	size_t n_pools;
	struct lease leases[]; /* behind them the pools */
};

/* The member that owns the key: of those that are there and stay. */
size_t member_owner(const struct share *s, const struct window_key *key);

struct lease *member_lease(struct share *s, const struct window_entry *e);

/* Before anything is relied on: whether this replica stood still so long that others went on
 * without it. */
void member_be_awake(struct share *s);

/* False: out is full. */
bool member_send(struct share *s, size_t to, const struct share_item *item);

/* ---- pool.c: the owner's part ---- */

size_t pool_count(size_t counters);
struct pool *pools_of(struct share_memory *m);

/* The pool of the key's window, made and completed as far as possible: asks who has not declared.
 * NULL: that window is over. */
struct pool *pool_open(struct share *s, const struct window_key *key, int64_t end_s, int64_t limit);

/* Of the window that runs; NULL: none. */
struct pool *pool_find(struct share *s, const struct window_key *key);

/* What all members hold is known, but for those that are away. */
bool pool_is_complete(const struct share *s, const struct pool *p);

/* Members were asked, and should have answered by now. */
bool pool_waits(const struct share *s, const struct pool *p);

/* Requests that may still be handed out; not below 0. */
int64_t pool_left(const struct share *s, const struct pool *p);

/* Nothing is left: whether something may come back. Asks for it. */
bool pool_recalls(struct share *s, struct pool *p);

/* Held by those that are not here for that member, as far as is known. */
int64_t pool_absent(const struct share *s, const struct pool *p, size_t to);

/* Bytes that all but one member moved. */
int64_t pool_moved(const struct pool *p, size_t but);

/* What is said to an owner, and the answer. */
void pool_ask(struct share *s, size_t from, const struct share_item *item);
void pool_declare(struct share *s, size_t from, const struct share_item *item);

/* This replica owns nothing any more: whoever does is told what it passed, and will ask the rest.
 */
void pool_hand_over(struct share *s);

/* The member is no more, or not the one that it was. */
void pool_drop_member(struct share *s, size_t member);

/* It was away: others may have lent to it. All: this replica was, and others passed what they had
 * not been lent. */
void pool_doubt_member(struct share *s, size_t member);
void pool_doubt_all(struct share *s);

/* Keys may have other owners now. */
void pool_check_owners(struct share *s);

#endif
