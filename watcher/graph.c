#include "watcher/graph.h"

#include <stdlib.h>

#include "lib/base/attr.h"

enum {
	MAX_KEY = 63 + 1 + 253
};

static void *allocate(struct index *ix, size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	ix->bytes += size;
	return p;
}

static void release(struct index *ix, void *p, size_t size)
{
	ix->bytes -= size;
	free(p);
}

/* ---- nodes ---- */

static size_t node_size(size_t key_len)
{
	return sizeof(struct node) + key_len + 1;
}

/* Names come from the API server, which bounds them; a longer one in a status text is cut and
 * matches nothing. */
static size_t make_key(char key[MAX_KEY + 1], const char *ns, const char *name, size_t *ret_ns_len)
{
	int n = snprintf(key, MAX_KEY + 1, "%s/%s", ns, name);
	const char *slash = strchr(key, '/');

	*ret_ns_len = slash ? (size_t)(slash - key) : 0;
	return n > MAX_KEY ? MAX_KEY : (size_t)n;
}

struct node *graph_find(const struct index *ix, enum kind kind, const char *ns, const char *name)
{
	char key[MAX_KEY + 1];
	size_t ns_len;
	size_t len = make_key(key, ns, name, &ns_len);
	struct node *n = NULL;

	HASH_FIND(hh, ix->nodes[kind], key, len, n);
	return n;
}

struct node *graph_node(struct index *ix, enum kind kind, const char *ns, const char *name)
{
	char key[MAX_KEY + 1];
	size_t ns_len;
	size_t len = make_key(key, ns, name, &ns_len);
	struct node *n = NULL;

	HASH_FIND(hh, ix->nodes[kind], key, len, n);
	if (n)
		return n;
	n = allocate(ix, node_size(len));
	LIST_INIT(&n->users);
	n->kind = (uint8_t)kind;
	n->ns_len = (uint16_t)ns_len;
	memcpy(n->key, key, len + 1);
	HASH_ADD_KEYPTR(hh, ix->nodes[kind], n->key, len, n);
	return n;
}

void graph_release(struct index *ix, struct node *n)
{
	if (n->present || n->root || n->job || n->owned || !LIST_EMPTY(&n->users))
		return;
	HASH_DEL(ix->nodes[n->kind], n);
	release(ix, n, node_size(strlen(n->key)));
}

const char *node_name(const struct node *n)
{
	return n->key + n->ns_len + 1;
}

/* ---- roots ---- */

struct root *graph_root(struct index *ix, struct node *n)
{
	if (!n->root) {
		n->root = allocate(ix, sizeof(*n->root));
		n->root->node = n;
	}
	return n->root;
}

static void drop_edges(struct index *ix, struct edge *edges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		LIST_REMOVE(&edges[i], user);
		graph_release(ix, edges[i].node);
	}
	ix->n_edges -= n;
	release(ix, edges, n * sizeof(*edges));
}

void graph_drop_root(struct index *ix, struct root *r)
{
	struct node *n = r->node;

	graph_not_due(ix, r);
	graph_not_waiting(ix, r);
	drop_edges(ix, r->edges, r->n_edges);
	n->root = NULL;
	release(ix, r, sizeof(*r));
	graph_release(ix, n);
}

static uint64_t told_before(const struct root *r, const struct edge *e)
{
	for (size_t i = 0; i < r->n_edges; i++)
		if (r->edges[i].node == e->node && r->edges[i].role == e->role)
			return r->edges[i].told;
	return 0;
}

void graph_set_edges(struct index *ix, struct root *r, const struct edge_spec *specs, size_t n)
{
	struct edge *edges = allocate(ix, n * sizeof(*edges));

	for (size_t i = 0; i < n; i++) {
		struct edge *e = &edges[i];

		e->root = r;
		e->node = graph_node(ix, specs[i].kind, specs[i].ns, specs[i].name);
		e->recorded = specs[i].recorded;
		e->state = specs[i].state;
		e->role = specs[i].role;
		e->told = told_before(r, e);
		LIST_INSERT_HEAD(&e->node->users, e, user);
	}
	ix->n_edges += n;
	drop_edges(ix, r->edges, r->n_edges);
	r->edges = edges;
	r->n_edges = n;
}

/* ---- jobs ---- */

struct job *graph_job(struct index *ix, struct node *n)
{
	if (!n->job) {
		n->job = allocate(ix, sizeof(*n->job));
		n->job->node = n;
	}
	return n->job;
}

void graph_own_job(struct index *ix, struct job *j, struct node *owner)
{
	struct node *before = j->owner;

	owner->owned++;
	j->owner = owner;
	if (before) {
		before->owned--;
		graph_release(ix, before);
	}
}

void graph_drop_job(struct index *ix, struct job *j)
{
	struct node *n = j->node;

	graph_not_due_job(ix, j);
	if (j->owner) {
		j->owner->owned--;
		graph_release(ix, j->owner);
	}
	n->job = NULL;
	release(ix, j, sizeof(*j));
	graph_release(ix, n);
}

/* ---- queues ---- */

void graph_due(struct index *ix, struct root *r)
{
	if (r->is_due)
		return;
	r->is_due = true;
	ix->n_due++;
	TAILQ_INSERT_TAIL(&ix->due, r, due);
}

void graph_not_due(struct index *ix, struct root *r)
{
	if (!r->is_due)
		return;
	r->is_due = false;
	ix->n_due--;
	TAILQ_REMOVE(&ix->due, r, due);
}

void graph_due_job(struct index *ix, struct job *j)
{
	if (j->is_due)
		return;
	j->is_due = true;
	ix->n_due++;
	TAILQ_INSERT_TAIL(&ix->due_jobs, j, due);
}

void graph_not_due_job(struct index *ix, struct job *j)
{
	if (!j->is_due)
		return;
	j->is_due = false;
	ix->n_due--;
	TAILQ_REMOVE(&ix->due_jobs, j, due);
}

void graph_wait(struct index *ix, struct root *r, int64_t until_us)
{
	struct root *before;

	if (r->is_waiting && r->waiting_until_us <= until_us)
		return;
	graph_not_waiting(ix, r);
	r->is_waiting = true;
	r->waiting_until_us = until_us;
	/* Nearly always the last. */
	TAILQ_FOREACH_REVERSE(before, &ix->waiting, root_list, waiting)
	if (before->waiting_until_us <= until_us)
		break;
	if (before)
		TAILQ_INSERT_AFTER(&ix->waiting, before, r, waiting);
	else
		TAILQ_INSERT_HEAD(&ix->waiting, r, waiting);
}

void graph_not_waiting(struct index *ix, struct root *r)
{
	if (!r->is_waiting)
		return;
	r->is_waiting = false;
	TAILQ_REMOVE(&ix->waiting, r, waiting);
}

void graph_free(struct index *ix)
{
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		/* Present nodes stay while roots and jobs let go of them. */
		for (struct node *n = ix->nodes[kind]; n; n = n->hh.next)
			n->present = true;
	}
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		for (struct node *n = ix->nodes[kind]; n; n = n->hh.next) {
			if (n->root)
				graph_drop_root(ix, n->root);
			if (n->job)
				graph_drop_job(ix, n->job);
		}
	}
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		struct node *n, *next;

		HASH_ITER(hh, ix->nodes[kind], n, next)
		{
			n->present = false;
			graph_release(ix, n);
		}
	}
}
