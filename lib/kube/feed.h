/* One watch: list in pages, then stream, for ever. A state machine that its set (watch.c) steps.
 *
 *   begin ──► LIST ──last page──► STREAM ──ends in time──► STREAM from the version so far
 *              ▲                    │
 *              └─ 410, nonsense, ───┘
 *                 silence
 *
 * Trouble of the network repeats the same step after a pause.
 *
 * Memory is bounded by one object: pages and streams are cut up as they arrive, and each object is
 * parsed, delivered and forgotten before the next.
 */
#ifndef LIB_KUBE_FEED_H
#define LIB_KUBE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kube/kube.h"
#include "lib/kube/stream.h"

struct arena;
struct exchange;
struct wire;

/* Times and sizes, apart so that tests need not wait. */
struct feed_tuning {
	int stream_s;	/* asked from the server for one stream; varied by a quarter */
	int silence_ms; /* without as much as a bookmark (there is one a minute): the stream is dead
			 */
	int list_ms;	/* for one page */
	int pause_ms;	/* after the first failure; doubles */
	int longest_pause_ms;
	int absent_ms; /* between two looks whether an optional kind is served by now */
	int page;
};

extern const struct feed_tuning feed_default_tuning;

enum feed_state {
	FEED_LIST,
	FEED_STREAM,
};

enum {
	FEED_MAX_VERSION = 64
};

struct feed {
	/* fixed */
	struct kube *kube;
	struct wire *wire;
	struct arena *arena; /* for one object at a time */
	const struct feed_tuning *tuning;
	struct watch_spec spec;
	size_t index;
	watch_fn *fn;
	void *arg;

	/* where we are */
	enum feed_state state;
	struct exchange *exchange; /* NULL: pausing until due_us */
	int64_t due_us;
	int64_t begun_us;
	int64_t heard_us;
	unsigned int failures;		/* in a row */
	bool begun;			/* RELIST was delivered for the list under way */
	bool restart;			/* somebody wants a new list */
	bool synced;			/* a complete list was delivered once */
	char version[FEED_MAX_VERSION]; /* what the stream continues from; "" before the first list
					 */
	char *token;			/* where the next page continues; NULL: the first page */
	struct lines lines;
	struct items items;
	unsigned int delivered; /* since the last step began */
	struct err trouble;	/* code ERR_NONE: healthy */
};

void feed_init(struct feed *f);
void feed_fini(struct feed *f);

/* Takes what arrived, delivers it, starts what is due. Returns how many events were delivered. */
unsigned int feed_step(struct feed *f);

/* When feed_step has something to do even if nothing arrives. */
int64_t feed_due_us(const struct feed *f);

#endif
