#include "watcher/index.h"

#include "lib/api/object.h"
#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "watcher/graph.h"
#include "watcher/judge.h"

enum {
	MAX_RECORDS = 4096, /* of one object; a world is smaller */
	US_PER_MS = 1000,
};

/* Decimal; 0 for anything else. */
static uint64_t number(const char *version)
{
	char *end = NULL;
	uint64_t n = version ? strtoull(version, &end, 10) : 0;

	return end && *end == '\0' ? n : 0;
}

/* FNV-1a, 64 bits. */
static uint64_t fingerprint(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const char *c = text ? text : ""; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return h;
}

static int64_t now_us(const struct index *ix)
{
	return ix->clock->monotonic_us(ix->clock->self);
}

struct index *index_new(const struct clock_ops *clock, unsigned int kinds, const char *system_ns)
{
	struct index *ix = calloc(1, sizeof(*ix));

	if (!ix)
		abort();
	ix->clock = clock;
	ix->kinds = kinds;
	ix->system_ns = system_ns;
	ix->scratch = arena_new();
	/* Another process' round must not make the same message ids. */
	ix->round = clock->random(clock->self);
	TAILQ_INIT(&ix->due);
	TAILQ_INIT(&ix->due_jobs);
	TAILQ_INIT(&ix->waiting);
	return ix;
}

void index_free(struct index *ix)
{
	if (!ix)
		return;
	graph_free(ix);
	arena_free(ix->scratch);
	free(ix);
}

static bool is_watched(const struct index *ix, enum kind kind)
{
	return kind > KIND_NONE && kind < KIND_COUNT && (ix->kinds & 1U << kind);
}

/* ---- what a status records ---- */

static bool read_dependency(const struct index *ix, const struct json *d, struct edge_spec *ret)
{
	ret->kind = kind_by_name(json_get_str(d, "kind"));
	ret->ns = json_get_str(d, "namespace");
	ret->name = json_get_str(d, "name");
	ret->recorded = number(json_get_str(d, "resourceVersion"));
	ret->role = EDGE_INPUT;
	return is_watched(ix, ret->kind) && ret->ns && ret->name;
}

static bool read_child(
	const struct index *ix, const struct json *c, const char *ns, struct edge_spec *ret)
{
	const char *version = json_get_str(c, "version");

	ret->kind = kind_by_name(json_get_str(c, "kind"));
	ret->ns = ns;
	ret->name = json_get_str(c, "name");
	ret->role = EDGE_CHILD;
	ret->recorded = judge_by_version(ret->kind) ? number(version) : fingerprint(version);
	ret->state = fingerprint(json_get_str(c, "state"));
	return is_watched(ix, ret->kind) && ret->name;
}

static void read_records(
	struct index *ix, struct root *r, const struct json *object, const char *ns)
{
	const struct json *dependencies = json_path(object, "status", "dependencies", NULL);
	const struct json *children = json_path(object, "status", "children", NULL);
	size_t most = json_len(dependencies) + json_len(children);
	struct edge_spec *specs = arena_alloc(ix->scratch, (most + 1) * sizeof(*specs));
	size_t n = 0;

	json_foreach (d, dependencies)
		n += n < MAX_RECORDS && read_dependency(ix, d, &specs[n]);
	json_foreach (c, children)
		n += n < MAX_RECORDS && read_child(ix, c, ns, &specs[n]);
	graph_set_edges(ix, r, specs, n);
}

/* Ready, and nothing left to do. */
static bool is_ready(const struct json *object)
{
	bool ready = false;

	json_foreach (c, json_path(object, "status", "conditions", NULL)) {
		if (!str_eq(json_get_str(c, "status"), "True"))
			continue;
		if (str_eq(json_get_str(c, "type"), COND_RECONCILING))
			return false;
		ready = ready || str_eq(json_get_str(c, "type"), COND_READY);
	}
	return ready;
}

static void set_uid(char uid[UID_SIZE], const struct json *object)
{
	(void)snprintf(
		uid, UID_SIZE, "%.*s", UID_SIZE - 1, meta_uid(object) ? meta_uid(object) : "");
}

/* ---- events ---- */

static void update_root(struct index *ix, struct node *n, const struct json *object)
{
	struct root *r = graph_root(ix, n);
	char uid[UID_SIZE];

	set_uid(uid, object);
	if (!str_eq(uid, r->uid) || r->gone) {
		/* New, or another one of the same name. */
		graph_not_due(ix, r);
		memcpy(r->uid, uid, sizeof(uid));
		r->gone = false;
		r->forced = false;
		r->told_generation = 0;
		r->told_deleting = false;
		r->traced_generation = 0;
		r->trace[0] = r->trace[1] = 0;
	}
	r->generation = meta_generation(object);
	r->observed = json_get_int(json_get(object, "status"), "observedGeneration", 0);
	r->deleting = meta_deleting(object);
	r->ready = is_ready(object);
	r->patient = false;
	graph_not_waiting(ix, r);
	read_records(ix, r, object, json_get_str(json_get(object, "metadata"), "namespace"));
}

static const char *owner_name(const struct json *job)
{
	json_foreach (o, json_path(job, "metadata", "ownerReferences", NULL))
		if (json_get_bool(o, "controller", false) &&
			str_eq(json_get_str(o, "kind"), kind_info(KIND_API)->kind))
			return json_get_str(o, "name");
	return meta_label(job, LABEL_OWNER);
}

static enum job_state job_state(const char *state)
{
	if (str_eq(state, "Complete"))
		return JOB_COMPLETE;
	return str_eq(state, "Failed") ? JOB_FAILED : JOB_RUNNING;
}

static void update_job(
	struct index *ix, struct node *n, const struct json *object, const char *state)
{
	const char *owner = owner_name(object);
	struct job *j = graph_job(ix, n);
	enum job_state before = j->state;
	char uid[UID_SIZE];

	set_uid(uid, object);
	if (!str_eq(uid, j->uid)) {
		before = JOB_RUNNING;
		j->pod_ended = false;
		j->pod_told = false;
		graph_not_due_job(ix, j);
		memcpy(j->uid, uid, sizeof(uid));
	}
	j->gone = false;
	j->state = job_state(state);
	if (owner)
		graph_own_job(ix, j,
			graph_node(ix, KIND_API,
				json_get_str(json_get(object, "metadata"), "namespace"), owner));
	if (j->state == before || j->state == JOB_RUNNING || !judge_is_active(ix))
		return;
	/* Whoever was told that its pod has ended looks until there is a result. */
	if (j->state == JOB_COMPLETE && j->pod_told)
		return;
	j->since_us = now_us(ix);
	graph_due_job(ix, j);
}

/* Its containers say so up to a second before its phase does. */
static bool pod_has_ended(const struct json *pod)
{
	const struct json *containers = json_path(pod, "status", "containerStatuses", NULL);
	const char *phase = json_str(json_path(pod, "status", "phase", NULL));

	if (str_eq(phase, "Succeeded") || str_eq(phase, "Failed"))
		return true;
	json_foreach (c, containers)
		if (!json_path(c, "state", "terminated", NULL))
			return false;
	return json_len(containers) > 0;
}

/* The Job controller counts pods once a second: who waits for a Job is told when its pod has ended.
 * Nothing is kept of pods. */
static void see_pod(struct index *ix, const struct json *pod)
{
	const char *name = meta_label(pod, "batch.kubernetes.io/job-name");
	struct node *n = name ? graph_find(ix, KIND_JOB, ref_of(pod).ns, name) : NULL;

	if (!n || !n->job || n->job->state != JOB_RUNNING || n->job->pod_ended)
		return;
	if (!pod_has_ended(pod))
		return;
	n->job->pod_ended = true;
	if (!judge_is_active(ix))
		return;
	n->job->since_us = now_us(ix);
	graph_due_job(ix, n->job);
}

static void look_at_users(struct index *ix, struct node *n)
{
	struct edge *e;

	LIST_FOREACH(e, &n->users, user)
	judge_root(ix, e->root);
}

static void advance(struct index *ix, enum kind kind, const char *version)
{
	uint64_t v = number(version);

	if (v > ix->stream[kind])
		ix->stream[kind] = v;
}

static void mark(struct index *ix, enum kind kind, uint64_t version)
{
	if ((kind == KIND_CONFIG_MAP || kind == KIND_SECRET) && version > ix->system_mark)
		ix->system_mark = version;
}

static void mark_change(struct index *ix, const struct node *n)
{
	if (strlen(ix->system_ns) == n->ns_len && memcmp(ix->system_ns, n->key, n->ns_len) == 0)
		mark(ix, n->kind, n->version);
}

/* Adds an object to its collection, or takes it out again. */
static void toggle(struct index *ix, const struct node *n)
{
	struct node *all =
		graph_node(ix, n->kind, arena_dupn(ix->scratch, n->key, n->ns_len), ALL_NAMES);

	all->version ^= collection_part(node_name(n), n->version);
	all->present = all->version != 0;
	look_at_users(ix, all);
	graph_release(ix, all);
}

void index_upsert(struct index *ix, enum kind kind, const struct json *object, const char *version)
{
	struct ref ref = ref_of(object);
	uint64_t v = number(meta_version(object));
	struct node *n;

	if (!is_watched(ix, kind) || !ref.ns || !ref.name)
		return;
	advance(ix, kind, version);
	if (kind == KIND_POD) {
		see_pod(ix, object);
		return;
	}
	n = graph_node(ix, kind, ref.ns, ref.name);
	n->list = ix->list[kind];
	if (n->present && n->version == v)
		return;
	if (judge_is_collected(kind) && n->present)
		toggle(ix, n);
	n->present = true;
	n->version = v;
	mark_change(ix, n);
	if (judge_is_collected(kind))
		toggle(ix, n);
	if (!judge_by_version(kind)) {
		const char *state = child_state(ix->scratch, kind, object);

		n->spec = fingerprint(child_version(ix->scratch, kind, object));
		n->state = fingerprint(state);
		if (kind == KIND_JOB)
			update_job(ix, n, object, state);
	}
	if (kind_is_ours(kind)) {
		update_root(ix, n, object);
		judge_root(ix, n->root);
	}
	look_at_users(ix, n);
	arena_reset(ix->scratch);
}

/* What is deleted while nobody leads is told by whoever leads soon after. */
static void bury_root(struct index *ix, struct root *r)
{
	graph_set_edges(ix, r, NULL, 0);
	graph_not_waiting(ix, r);
	graph_not_due(ix, r);
	r->gone = true;
	r->since_us = now_us(ix);
	graph_due(ix, r);
}

static void bury_job(struct index *ix, struct job *j)
{
	if (j->state != JOB_RUNNING && !j->is_due) {
		graph_drop_job(ix, j);
		return;
	}
	j->gone = true;
	j->since_us = now_us(ix);
	graph_due_job(ix, j);
}

static void gone(struct index *ix, struct node *n, uint64_t version)
{
	n->owned++; /* stays until the end of this function */
	if (judge_is_collected(n->kind))
		toggle(ix, n);
	n->present = false;
	n->version = version > n->version ? version : n->version;
	mark_change(ix, n);
	if (n->root)
		bury_root(ix, n->root);
	if (n->job)
		bury_job(ix, n->job);
	look_at_users(ix, n);
	n->owned--;
	graph_release(ix, n);
}

void index_delete(struct index *ix, enum kind kind, const struct json *object, const char *version)
{
	struct ref ref = ref_of(object);
	uint64_t v = number(meta_version(object));
	struct node *n;

	if (!is_watched(ix, kind) || !ref.ns || !ref.name)
		return;
	advance(ix, kind, version);
	n = graph_find(ix, kind, ref.ns, ref.name);
	if (n && n->present)
		gone(ix, n, v > number(version) ? v : number(version));
}

void index_list_begins(struct index *ix, enum kind kind)
{
	if (is_watched(ix, kind))
		ix->list[kind]++;
}

/* What the list did not name is gone. Burying may free other nodes, so the dead are pinned first.
 */
static void sweep(struct index *ix, enum kind kind)
{
	struct vec dead = { 0 };

	for (struct node *n = ix->nodes[kind]; n; n = n->hh.next) {
		if (!n->present || n->list == ix->list[kind] || str_eq(node_name(n), ALL_NAMES))
			continue;
		n->owned++;
		vec_add(ix->scratch, &dead, n);
	}
	vec_foreach (struct node *, n, &dead) {
		n->owned--;
		gone(ix, n, ix->stream[kind]);
	}
	arena_reset(ix->scratch);
}

void index_list_ended(struct index *ix, enum kind kind, const char *version)
{
	bool complete = index_is_complete(ix);

	if (!is_watched(ix, kind))
		return;
	advance(ix, kind, version);
	sweep(ix, kind);
	/* What was deleted before we began to watch left no trace. */
	if (!(ix->listed & 1U << kind))
		mark(ix, kind, number(version));
	ix->listed |= 1U << kind;
	if (!complete && index_is_complete(ix))
		index_compare_all(ix);
}

bool index_is_complete(const struct index *ix)
{
	return (ix->listed & ix->kinds) == ix->kinds;
}

/* ---- leading and comparing ---- */

static void forget_told(struct root *r)
{
	r->told_generation = 0;
	r->told_deleting = false;
	for (size_t i = 0; i < r->n_edges; i++)
		r->edges[i].told = 0;
}

static void compare_root(struct index *ix, struct root *r)
{
	bool unsure = false;

	if (r->gone)
		return;
	forget_told(r);
	for (size_t i = 0; i < r->n_edges; i++)
		unsure = unsure || judge_edge(ix, &r->edges[i]) == VERDICT_UNSURE;
	/* If only something unsure is wrong, it is waited for as usual. */
	r->forced = !judge_is_settled(ix, r) && !(unsure && r->ready);
	judge_root(ix, r);
}

static void compare_job(struct index *ix, struct job *j)
{
	struct root *owner = j->owner ? j->owner->root : NULL;

	if (j->gone || j->state == JOB_RUNNING || !owner || judge_is_settled(ix, owner))
		return;
	j->since_us = now_us(ix);
	graph_due_job(ix, j);
}

/* A RateLimiting whose end nobody was told of has left its policies in the document of its
 * namespace. Any name will do to have that rendered again. */
static void compare_policies(struct index *ix, const struct node *document)
{
	struct node *any = graph_node(ix, KIND_RATE_LIMITING,
		arena_dupn(ix->scratch, document->key, document->ns_len), POLICIES_CONFIG_MAP);
	struct root *r;

	if (any->present)
		return;
	r = graph_root(ix, any);
	(void)snprintf(r->uid, UID_SIZE, "%016llx", (unsigned long long)fingerprint(any->key));
	bury_root(ix, r);
}

void index_compare_all(struct index *ix)
{
	ix->round++;
	if (!judge_is_active(ix))
		return;
	for (enum kind kind = KIND_API; kind <= KIND_RATE_LIMITING; kind++)
		for (struct node *n = ix->nodes[kind]; n; n = n->hh.next)
			if (n->root)
				compare_root(ix, n->root);
	for (struct node *n = ix->nodes[KIND_JOB]; n; n = n->hh.next)
		if (n->job)
			compare_job(ix, n->job);
	for (struct node *n = ix->nodes[KIND_CONFIG_MAP]; n; n = n->hh.next)
		if (n->present && str_eq(node_name(n), POLICIES_CONFIG_MAP))
			compare_policies(ix, n);
	arena_reset(ix->scratch);
}

/* All but the dead leave the queue. */
static void stop_leading(struct index *ix)
{
	struct root *r, *next_root;
	struct job *j, *next_job;

	for (r = TAILQ_FIRST(&ix->due); r; r = next_root) {
		next_root = TAILQ_NEXT(r, due);
		if (!r->gone)
			graph_not_due(ix, r);
	}
	for (j = TAILQ_FIRST(&ix->due_jobs); j; j = next_job) {
		next_job = TAILQ_NEXT(j, due);
		if (!j->gone)
			graph_not_due_job(ix, j);
	}
	while ((r = TAILQ_FIRST(&ix->waiting)))
		graph_not_waiting(ix, r);
}

void index_lead(struct index *ix, bool leading)
{
	if (leading == ix->leading)
		return;
	ix->leading = leading;
	if (leading)
		index_compare_all(ix);
	else
		stop_leading(ix);
}

/* ---- time ---- */

static void forget_the_dead(struct index *ix, int64_t now)
{
	int64_t before = now - (int64_t)INDEX_TOMBSTONE_MS * US_PER_MS;
	struct root *r;
	struct job *j;

	while ((r = TAILQ_FIRST(&ix->due)) && r->since_us < before)
		graph_drop_root(ix, r);
	while ((j = TAILQ_FIRST(&ix->due_jobs)) && j->since_us < before)
		graph_drop_job(ix, j);
}

int index_tick(struct index *ix, int most)
{
	int64_t now = now_us(ix);
	struct root *r;

	if (!ix->leading)
		forget_the_dead(ix, now);
	while ((r = TAILQ_FIRST(&ix->waiting)) && r->waiting_until_us <= now) {
		graph_not_waiting(ix, r);
		r->patient = true;
		judge_root(ix, r);
	}
	if (judge_is_active(ix) && ix->n_due > 0)
		return 0;
	if (r && r->waiting_until_us - now < (int64_t)most * US_PER_MS)
		return (int)((r->waiting_until_us - now + US_PER_MS - 1) / US_PER_MS);
	return most;
}

struct index_figures index_figures(const struct index *ix)
{
	struct index_figures f = { .records = ix->n_edges, .due = ix->n_due, .bytes = ix->bytes };

	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		for (const struct node *n = ix->nodes[kind]; n; n = n->hh.next) {
			f.objects += n->present;
			f.roots += n->root && !n->root->gone;
		}
		f.bytes += ix->nodes[kind]
				   ? HASH_OVERHEAD(hh, ix->nodes[kind]) -
					     HASH_COUNT(ix->nodes[kind]) * sizeof(UT_hash_handle)
				   : 0;
	}
	return f;
}
