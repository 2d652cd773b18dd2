/* How many requests were answered how: plain counters by verb and class of status. */
#ifndef LIB_KUBE_STATS_H
#define LIB_KUBE_STATS_H

#include <stdint.h>

enum verb {
	VERB_GET,
	VERB_LIST,
	VERB_WATCH,
	VERB_APPLY,
	VERB_CREATE,
	VERB_DELETE,
	VERB_PING,
	VERB_COUNT,
};

enum {
	STATS_CLASSES = 6
};

struct stats {
	uint64_t n[VERB_COUNT][STATS_CLASSES]; /* class 0: no answer; 2: 2xx; … */
};

/* http: the status, 0 if there was no answer. */
void stats_count(struct stats *s, enum verb verb, int http);

/* Calls fn for every pair above zero; code is 0, 200, 300, 400 or 500. */
void stats_each(const struct stats *s, void (*fn)(void *, const char *verb, int code, uint64_t n),
	void *arg);

#endif
