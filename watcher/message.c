#include <inttypes.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "watcher/graph.h"
#include "watcher/index.h"
#include "watcher/judge.h"

/* What a message is about: behind struct index_message.about. */
struct about {
	struct root *root;
	struct job *job;
};

static const char *const job_ends[] = {
	[JOB_RUNNING] = "is gone",
	[JOB_COMPLETE] = "is complete",
	[JOB_FAILED] = "has failed",
};

static struct ref *node_ref(struct arena *a, const struct node *n)
{
	struct ref *r = arena_alloc(a, sizeof(*r));

	*r = (struct ref){ n->kind, arena_dupn(a, n->key, n->ns_len), arena_dup(a, node_name(n)) };
	return r;
}

static const char *version_text(struct arena *a, const struct node *n)
{
	return n->version ? arena_printf(a, "%" PRIu64, n->version) : "";
}

/* ---- trace ---- */

/* One trace from a change to Ready: a new one for a new generation, and when there is none. */
static const char *trace(struct index *ix, struct arena *a, struct root *r)
{
	bool change = r->generation != r->observed && r->generation != r->traced_generation;

	if (change || (r->trace[0] | r->trace[1]) == 0)
		for (size_t i = 0; i < ARRAY_LEN(r->trace); i++)
			r->trace[i] = ix->clock->random(ix->clock->self) | 1;
	r->traced_generation = r->generation;
	return arena_printf(a, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01", r->trace[0],
		r->trace[1], r->trace[2]);
}

/* ---- cause, in words ---- */

static const char *edge_words(struct arena *a, const struct edge *e, size_t others)
{
	const struct node *n = e->node;
	const char *what = "changed";

	if (!n->present)
		what = "is gone";
	else if (e->role == EDGE_INPUT && e->recorded == 0)
		what = "appeared";
	else if (e->role == EDGE_CHILD && !judge_by_version(n->kind) && n->spec == e->recorded)
		what = "changed its state";
	if (others > 0)
		return arena_printf(a, "%s %s %s, and %zu more", kind_info(n->kind)->kind,
			node_name(n), what, others);
	return arena_printf(a, "%s %s %s", kind_info(n->kind)->kind, node_name(n), what);
}

static const char *cause(
	struct arena *a, const struct root *r, const struct edge *first, size_t moved)
{
	if (r->gone)
		return "deleted";
	if (r->deleting)
		return "being deleted";
	if (r->generation != r->observed)
		return arena_printf(a, "generation %" PRId64, r->generation);
	if (first)
		return edge_words(a, first, moved - 1);
	return "not settled yet";
}

/* ---- messages ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
	return h * UINT64_C(0xff51afd7ed558ccd);
}

static void about_root(struct index *ix, struct arena *a, struct root *r, struct index_message *ret)
{
	const struct node *n = r->node;
	const struct edge *first = NULL;
	struct wake *w = &ret->wake;
	uint64_t moved = 0;

	w->ref = *node_ref(a, n);
	for (size_t i = 0; i < r->n_edges; i++) {
		const struct edge *e = &r->edges[i];

		if (!judge_is_moved(ix, e))
			continue;
		first = first ? first : e;
		vec_add(a, &w->moved, node_ref(a, e->node));
		/* The version too: what is gone, made again and gone again is news again. */
		moved = mix(mix(mix(moved, (uint64_t)(uintptr_t)e->node), e->node->version),
			judge_knowledge(e));
	}
	w->uid = arena_dup(a, r->uid);
	w->generation = r->generation;
	w->resource_version = version_text(a, n);
	w->cause = cause(a, r, first, w->moved.n);
	w->traceparent = trace(ix, a, r);
	w->system_mark = ix->system_mark;
	ret->since_us = r->since_us;
	ret->subject = subject_for(
		a, arena_printf(a, "cr.%s", kind_info(n->kind)->token), w->ref.ns, w->ref.name);
	ret->id = arena_printf(a, "%s/%s/%s%016" PRIx64 "/%016" PRIx64, r->uid, w->resource_version,
		r->gone ? "gone" : "", moved, ix->round);
}

static void about_job(struct index *ix, struct arena *a, struct job *j, struct index_message *ret)
{
	struct root *owner = j->owner->root;
	struct wake *w = &ret->wake;

	w->ref = *node_ref(a, j->owner);
	w->uid = arena_dup(a, owner->uid);
	w->generation = owner->generation;
	w->resource_version = version_text(a, j->owner);
	w->cause = arena_printf(a, "Job %s %s", node_name(j->node),
		j->pod_ended && !j->gone && j->state == JOB_RUNNING ? "has ended its pod"
								    : job_ends[j->state]);
	w->traceparent = trace(ix, a, owner);
	w->system_mark = ix->system_mark;
	vec_add(a, &w->moved, node_ref(a, j->node));
	ret->since_us = j->since_us;
	ret->subject = subject_for(a, "job", w->ref.ns, node_name(j->node));
	ret->id = arena_printf(a, "%s/%s/%d/%016" PRIx64, j->uid, version_text(a, j->node),
		(int)j->state, ix->round);
}

/* A Job whose API is gone has nobody to tell. */
static struct job *next_job(struct index *ix)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&ix->due_jobs))) {
		if (j->owner && j->owner->root && !j->owner->root->gone)
			return j;
		graph_not_due_job(ix, j);
		if (j->gone)
			graph_drop_job(ix, j);
	}
	return NULL;
}

bool index_next(struct index *ix, struct arena *a, struct index_message *ret)
{
	struct about *about = arena_alloc(a, sizeof(*about));

	*ret = (struct index_message){ .about = about };
	if (!judge_is_active(ix))
		return false;
	about->job = next_job(ix);
	if (about->job) {
		about_job(ix, a, about->job, ret);
		return true;
	}
	about->root = TAILQ_FIRST(&ix->due);
	if (!about->root)
		return false;
	about_root(ix, a, about->root, ret);
	return true;
}

static void told_root(struct index *ix, struct root *r)
{
	if (r->gone) {
		graph_drop_root(ix, r);
		return;
	}
	for (size_t i = 0; i < r->n_edges; i++)
		if (judge_is_moved(ix, &r->edges[i]))
			r->edges[i].told = judge_knowledge(&r->edges[i]);
	r->told_generation = r->generation;
	r->told_deleting = r->deleting;
	r->forced = false;
	r->patient = false;
	judge_root(ix, r);
}

void index_told(struct index *ix, const struct index_message *m)
{
	const struct about *about = m->about;

	if (about->root)
		told_root(ix, about->root);
	if (!about->job)
		return;
	about->job->pod_told = about->job->pod_ended;
	graph_not_due_job(ix, about->job);
	if (about->job->gone)
		graph_drop_job(ix, about->job);
}
