#include "lib/kube/stats.h"

static const char *const names[VERB_COUNT] = {
	[VERB_GET] = "get",
	[VERB_LIST] = "list",
	[VERB_WATCH] = "watch",
	[VERB_APPLY] = "apply",
	[VERB_CREATE] = "create",
	[VERB_DELETE] = "delete",
	[VERB_PING] = "ping",
};

void stats_count(struct stats *s, enum verb verb, int http)
{
	int group = http / 100;

	s->n[verb][group >= 0 && group < STATS_CLASSES ? group : 0]++;
}

void stats_each(const struct stats *s, void (*fn)(void *, const char *verb, int code, uint64_t n),
	void *arg)
{
	for (enum verb v = 0; v < VERB_COUNT; v++)
		for (int group = 0; group < STATS_CLASSES; group++)
			if (s->n[v][group] > 0)
				fn(arg, names[v], group * 100, s->n[v][group]);
}
