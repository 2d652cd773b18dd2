#include "watcher/judge.h"

#include "lib/base/clock.h"
#include "watcher/graph.h"
#include "watcher/index.h"

enum {
	US_PER_MS = 1000
};

bool judge_is_active(const struct index *ix)
{
	return ix->leading && (ix->listed & ix->kinds) == ix->kinds;
}

bool judge_is_collected(enum kind kind)
{
	return kind == KIND_REFERENCE_GRANT;
}

bool judge_by_version(enum kind kind)
{
	return kind_is_ours(kind) || kind == KIND_CONFIG_MAP || kind == KIND_SECRET ||
	       kind == KIND_ISTIO_GATEWAY || judge_is_collected(kind);
}

uint64_t judge_knowledge(const struct edge *e)
{
	const struct node *n = e->node;
	uint64_t known = n->present ? n->version : ~n->version;

	/* Only a change of what is compared is news: most events of a Deployment are not. */
	if (n->present && !judge_by_version(n->kind) && e->role == EDGE_CHILD)
		known = n->spec ^ (n->state << 1 | n->state >> 63);
	return known ? known : 1;
}

static enum verdict judge_version(const struct index *ix, const struct edge *e)
{
	const struct node *n = e->node;
	uint64_t known = n->present ? n->version : 0;

	if (known == e->recorded)
		return VERDICT_SETTLED;
	/* Which of two versions of a collection is the later one cannot be seen. */
	if (judge_is_collected(n->kind))
		return VERDICT_UNSURE;
	/* Of other kinds only ours are seen: what never was may be there. */
	if (n->version == 0 && !judge_by_version(n->kind))
		return VERDICT_SETTLED;
	if (known == 0)
		return ix->stream[n->kind] >= e->recorded ? VERDICT_MOVED : VERDICT_UNSURE;
	return known > e->recorded ? VERDICT_MOVED : VERDICT_BEHIND;
}

/* A child that we wrote ourselves differs until the status that records it has come as well. */
static enum verdict judge_child(const struct index *ix, const struct edge *e)
{
	const struct node *n = e->node;
	enum verdict v;

	if (judge_by_version(n->kind)) {
		v = judge_version(ix, e);
		return v == VERDICT_MOVED ? VERDICT_UNSURE : v;
	}
	if (!n->present || n->spec != e->recorded)
		return VERDICT_UNSURE;
	if (n->state == e->state)
		return VERDICT_SETTLED;
	if (n->kind == KIND_SERVICE && !e->root->ready)
		return VERDICT_LATER;
	return n->version > e->root->node->version ? VERDICT_MOVED : VERDICT_UNSURE;
}

enum verdict judge_edge(const struct index *ix, const struct edge *e)
{
	return e->role == EDGE_CHILD ? judge_child(ix, e) : judge_version(ix, e);
}

bool judge_is_moved(const struct index *ix, const struct edge *e)
{
	enum verdict v = judge_edge(ix, e);

	/* What was told may be in a message that this one replaces. A record from the future stays
	 * ahead only if the cluster was set back: a complete comparison tells. */
	return v == VERDICT_MOVED || v == VERDICT_LATER ||
	       (v == VERDICT_UNSURE && (e->root->patient || e->told == judge_knowledge(e))) ||
	       (v == VERDICT_BEHIND && e->root->forced);
}

static bool is_current(const struct root *r)
{
	return !r->gone && !r->deleting && r->generation == r->observed;
}

bool judge_is_settled(const struct index *ix, const struct root *r)
{
	if (!is_current(r) || !r->ready)
		return false;
	for (size_t i = 0; i < r->n_edges; i++)
		if (judge_edge(ix, &r->edges[i]) != VERDICT_SETTLED)
			return false;
	return true;
}

/* A note on a ConfigMap of an object that is not Ready yet is told to its service by whoever made
 * it, and the status that records it follows. */
static int patience_ms(const struct edge *e)
{
	bool noted = e->role == EDGE_CHILD && judge_by_version(e->node->kind);

	return noted && !e->root->ready ? INDEX_COMPANY_MS : INDEX_PATIENCE_MS;
}

static void shorten(int *wait_ms, int ms)
{
	*wait_ms = *wait_ms && *wait_ms < ms ? *wait_ms : ms;
}

/* What has to be told of the records; *ret_wait_ms: how long something has to be waited for. */
static bool edges_want(const struct index *ix, struct root *r, int *ret_wait_ms)
{
	bool want = false;

	*ret_wait_ms = 0;
	for (size_t i = 0; i < r->n_edges; i++) {
		struct edge *e = &r->edges[i];
		enum verdict v = judge_edge(ix, e);

		if (v == VERDICT_SETTLED)
			e->told = 0;
		else if (e->told == judge_knowledge(e))
			continue;
		else if (v == VERDICT_UNSURE && !r->patient)
			shorten(ret_wait_ms, patience_ms(e));
		else if (v == VERDICT_LATER && !r->patient)
			shorten(ret_wait_ms, INDEX_COMPANY_MS);
		else if (v != VERDICT_BEHIND)
			want = true;
	}
	return want;
}

static bool root_wants(const struct root *r)
{
	return r->forced || r->gone || (r->deleting && !r->told_deleting) ||
	       (r->generation != r->observed && r->told_generation != r->generation);
}

void judge_root(struct index *ix, struct root *r)
{
	int64_t now_us = ix->clock->monotonic_us(ix->clock->self);
	int wait_ms = 0;
	bool want;

	if (!judge_is_active(ix))
		return;
	want = edges_want(ix, r, &wait_ms);
	want = root_wants(r) || want;
	if (want && !r->is_due)
		r->since_us = now_us;
	if (want)
		graph_due(ix, r);
	else
		graph_not_due(ix, r);
	if (wait_ms > 0)
		graph_wait(ix, r, now_us + (int64_t)wait_ms * US_PER_MS);
	else
		graph_not_waiting(ix, r);
	if (judge_is_settled(ix, r))
		r->trace[0] = r->trace[1] = 0;
}
