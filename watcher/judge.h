/* Whether what is recorded still is what is known: the comparison itself. Internal to the watcher's
 * pure part. */
#ifndef WATCHER_JUDGE_H
#define WATCHER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/api/kind.h"

struct edge;
struct index;
struct root;

enum verdict {
	VERDICT_SETTLED,
	VERDICT_BEHIND, /* the record is newer than what the streams have brought */
	VERDICT_UNSURE, /* different, but perhaps the record is on its way */
	VERDICT_LATER,	/* news that can wait for more important ones */
	VERDICT_MOVED,
};

/* Compared by resourceVersion, everywhere: our own kinds, ConfigMaps, Secrets, Istio's Gateways. Of
 * others only what we made is watched; as children they are compared by fingerprint, and as inputs
 * they are no news when they are not seen. */
bool judge_by_version(enum kind kind);

/* Kinds of which all objects of a namespace together are an input (ALL_NAMES). */
bool judge_is_collected(enum kind kind);

enum verdict judge_edge(const struct index *ix, const struct edge *e);

/* The edge is to be named as moved. */
bool judge_is_moved(const struct index *ix, const struct edge *e);

/* What is known of an edge's target, as a number: differs when anything of it does. Never 0. */
uint64_t judge_knowledge(const struct edge *e);

/* Puts the root into the queue or takes it out, as it deserves. */
void judge_root(struct index *ix, struct root *r);

/* Nothing differs and the object says that it is Ready. */
bool judge_is_settled(const struct index *ix, const struct root *r);

/* Comparing makes sense: this replica leads, and every kind was listed. */
bool judge_is_active(const struct index *ix);

#endif
