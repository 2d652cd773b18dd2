/* Inputs as they were read before, to be used again while they are known to be current.
 *
 * Many objects read the same inputs (the operator's configuration, a Security's policy), and one
 * object reads the same inputs pass after pass. An input is taken from here if nobody says
 * otherwise: not the wake (it names what moved), not the object's own status (it says which version
 * it was made from), not the clock (an input that the status does not know yet is good for
 * MEMO_NEW_MS only). A stale one does no lasting harm: its version is recorded, the watcher sees
 * that it is old and says so.
 *
 * What the status does not know yet is told by a mark where there is one: the wake says up to which
 * change of the operator's own namespace the watcher had seen (wake.system_mark), and what was read
 * for a wake with that mark, or a later one, is current; for ten minutes at most, since a
 * cluster may be set back to a backup.
 *
 * An object on its way to Ready is looked at several times: it is kept as the service that writes
 * its status left it, or as one that waits for its end has read it, and taken while the wake names
 * the same version.
 */
#ifndef LIB_SVC_MEMO_H
#define LIB_SVC_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/api/object.h"

struct arena;
struct memo;

enum {
	MEMO_ENTRIES = 512,
	MEMO_BYTES = 64 * 1024, /* of one entry's text; larger ones are read each time */
	MEMO_NEW_MS = 5000,
	MEMO_MARKED_MS = 10 * 60 * 1000,
};

struct memo *memo_new(void);
void memo_free(struct memo *c); /* accepts NULL */

/* What is known about an input without having read it. */
struct memo_hint {
	const char *recorded; /* the version that the status has, "" if it says that the input was
				 missing, NULL if it says nothing */
	uint64_t mark;	      /* 0: none */
	int64_t now_ms;
};

/* Fills o->json from memory (NULL: known to be missing). False: read it. Accepts a NULL cache. */
bool memo_get(struct memo *c, struct arena *a, struct object *o, struct memo_hint hint);

/* Copies what was read for a wake with that mark. */
void memo_put(
	struct memo *c, struct arena *a, const struct object *o, uint64_t mark, int64_t now_ms);

/* One of several passes that take turns has asked for it, and memo_put or memo_forget will follow:
 * the others wait instead of asking as well. */
void memo_expect(struct memo *c, struct arena *a, struct ref ref);
bool memo_is_expected(struct memo *c, struct arena *a, struct ref ref);

void memo_forget(struct memo *c, struct arena *a, struct ref ref);

#endif
