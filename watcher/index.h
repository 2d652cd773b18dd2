/* What the watcher knows of the cluster, and what follows from it: whom to wake.
 *
 * Fed with the events of its watches, it keeps of every object a version (and of our own four
 * kinds what their status records: inputs read, children written), and compares. An object is woken
 * when
 *   - its generation is not the observed one, it is being deleted, or it is gone;
 *   - an input has a newer version than the recorded one, exists although it was recorded as
 * missing, or the reverse;
 *   - a child is not as it was recorded (spec or readiness);
 *   - a complete comparison begins (index_compare_all) and it is not Ready, or Reconciling.
 * and a Job's owner when the Job, or already its pod, ends. Each cause is told once; what was not
 * yet said to be told (index_told) is told again. Only an object that changed, or that records an
 * object which changed, is looked at.
 *
 * A record and what it is about come by different streams: a service writes a child, then the
 * status, and either may arrive first. An older input is therefore never news, and a child that
 * differs is believed when a moment has passed (at once if only its readiness differs, in an event
 * younger than the record).
 *
 * While an object is not Ready, its service is told by others what they note on its ConfigMaps:
 * that is believed later still.
 *
 * A gateway's Service has its address long before its pods are there: that is told together with
 * their becoming ready, unless they take too long.
 *
 * Process lifetime, one thread, no I/O. Nothing is compared before the first complete list of every
 * kind.
 */
#ifndef WATCHER_INDEX_H
#define WATCHER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/kind.h"
#include "lib/base/attr.h"
#include "lib/msg/wake.h"

struct arena;
struct clock_ops;
struct index;
struct json;

enum {
	INDEX_PATIENCE_MS = 150, /* how long record and child may disagree */
	INDEX_COMPANY_MS = 3000, /* how long the address and the notes of an object that is not
				    Ready wait for other news */
	INDEX_TOMBSTONE_MS =
		60 * 1000, /* a replica that does not lead remembers the dead for so long */
};

/* clock and system_ns are borrowed. kinds: bit set (1 << kind) of what will be watched. system_ns:
 * whose ConfigMaps and Secrets wake.system_mark speaks of. */
struct index *index_new(const struct clock_ops *clock, unsigned int kinds, const char *system_ns);
void index_free(struct index *ix); /* accepts NULL */

/* ---- events of the watch of one kind; version is the stream's ---- */

void index_upsert(struct index *ix, enum kind kind, const struct json *object, const char *version);
void index_delete(struct index *ix, enum kind kind, const struct json *object, const char *version);
void index_list_begins(struct index *ix, enum kind kind);
void index_list_ended(struct index *ix, enum kind kind, const char *version);

bool index_is_complete(const struct index *ix); /* every kind was listed once */

/* ---- telling ---- */

/* Leading: causes are collected to be told. Not leading: only deletions are remembered for a while.
 * Beginning to lead compares everything. */
void index_lead(struct index *ix, bool leading);

/* Forgets what was told: everything that is not settled and Ready is due again, and so is each
 * namespace's document of policies, which an object that is gone may have left behind. */
void index_compare_all(struct index *ix);

/* Lets time pass: looks again at those whose patience ended. Returns ms until it has something to
 * do again, at most `most`. */
int index_tick(struct index *ix, int most);

struct index_message {
	char *subject;
	struct wake wake;
	char *id;	  /* for deduplication: repeats only if nothing at all changed */
	void *about;	  /* internal */
	int64_t since_us; /* monotonic: when the event came that caused it */
};

/* The next thing to say, into the arena; false if there is nothing. The same again until
 * index_told. */
bool index_next(struct index *ix, struct arena *a, struct index_message *ret) MUST_CHECK;

/* The bus has stored it. No event may come between index_next and this. */
void index_told(struct index *ix, const struct index_message *m);

/* ---- figures ---- */

struct index_figures {
	size_t objects; /* known to exist */
	size_t roots;	/* of our four kinds */
	size_t records; /* inputs and children recorded by them */
	size_t due;	/* messages that wait to be told */
	size_t bytes;	/* of our own structures */
};

struct index_figures index_figures(const struct index *ix);

#endif
