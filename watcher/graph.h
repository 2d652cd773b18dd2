/* The structures behind index.h: nodes for objects, edges from an object of ours to each object
 * that its status records. Internal to the watcher's pure part.
 */
#ifndef WATCHER_GRAPH_H
#define WATCHER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* The default hash falls through a switch in a way that clang warns of. */
#define HASH_FUNCTION(key, len, hash) HASH_FNV(key, len, hash)
#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "lib/api/kind.h"

struct arena;
struct clock_ops;
struct root;

LIST_HEAD(edge_list, edge);
TAILQ_HEAD(root_list, root);
TAILQ_HEAD(job_list, job);

enum {
	UID_SIZE = 40
};

/* An object, existing or recorded as missing. Freed when nothing refers to it. */
struct node {
	UT_hash_handle hh;	/* in index.nodes[kind], by key */
	struct edge_list users; /* records of it */
	struct root *root;	/* of our own kinds */
	struct job *job;	/* of Jobs */
	uint64_t version; /* resourceVersion as last seen, its deletion included; 0: never seen */
	uint64_t spec;	  /* fingerprint of child_version, of kinds that are watched whole */
	uint64_t state;	  /* of child_state */
	uint32_t owned;	  /* Jobs that it owns */
	uint32_t list;	  /* number of the list that it was last seen in or since */
	uint8_t kind;
	bool present;
	uint16_t ns_len;
	char key[]; /* "ns/name" */
};

enum edge_role {
	EDGE_INPUT,
	EDGE_CHILD,
};

/* One line of status.dependencies or status.children. */
struct edge {
	LIST_ENTRY(edge) user; /* in node->users */
	struct root *root;
	struct node *node;
	uint64_t recorded; /* resourceVersion (0: missing), or fingerprint of child_version */
	uint64_t state;	   /* fingerprint of child_state, of the same kinds as the node's */
	uint64_t told;	   /* judge_knowledge() that was told last; 0: none */
	enum edge_role role;
};

/* An object of ours. */
struct root {
	struct node *node;
	TAILQ_ENTRY(root) due;	   /* in index.due */
	TAILQ_ENTRY(root) waiting; /* in index.waiting, oldest first */
	bool is_due;
	bool is_waiting;
	bool patient; /* has waited: what is unsure counts */
	bool gone;    /* a tombstone: deleted, to be told */
	bool deleting;
	bool ready;
	bool forced; /* due whatever was told */
	bool told_deleting;
	int64_t generation;
	int64_t observed;
	int64_t told_generation;
	int64_t traced_generation; /* that the trace was made for */
	int64_t waiting_until_us;
	int64_t since_us; /* of the event that made it due */
	uint64_t trace[3];
	size_t n_edges;
	struct edge *edges;
	char uid[UID_SIZE];
};

enum job_state {
	JOB_RUNNING,
	JOB_COMPLETE,
	JOB_FAILED,
};

/* A Job of ours. */
struct job {
	struct node *node;
	struct node *owner; /* of kind API */
	TAILQ_ENTRY(job) due;
	bool is_due;
	bool gone;
	bool pod_ended; /* told before the Job controller has counted it */
	bool pod_told;
	enum job_state state;
	int64_t since_us;
	char uid[UID_SIZE];
};

struct index {
	const struct clock_ops *clock;
	struct arena *scratch; /* of one event */
	unsigned int kinds;    /* bit set: watched */
	const char *system_ns;
	uint64_t system_mark; /* the last change in it */
	unsigned int listed;  /* bit set: listed at least once */
	bool leading;
	uint64_t round; /* of complete comparisons; begins anywhere, part of message ids */
	struct node *nodes[KIND_COUNT];
	uint64_t stream[KIND_COUNT]; /* resourceVersion that the stream has reached */
	uint32_t list[KIND_COUNT];   /* number of the present list */
	struct root_list due;
	struct job_list due_jobs;
	struct root_list waiting;
	size_t n_due;
	size_t n_edges;
	size_t bytes;
};

/* ---- nodes ---- */

/* NULL if nothing is known of it. */
struct node *graph_find(const struct index *ix, enum kind kind, const char *ns, const char *name);

/* Made if need be. */
struct node *graph_node(struct index *ix, enum kind kind, const char *ns, const char *name);

/* Frees it if nothing is known of it and nothing refers to it. */
void graph_release(struct index *ix, struct node *n);

const char *node_name(const struct node *n);

/* ---- roots and jobs ---- */

struct root *graph_root(struct index *ix, struct node *n); /* made if need be */
void graph_drop_root(struct index *ix, struct root *r);	   /* with its edges; may free the node */
struct job *graph_job(struct index *ix, struct node *n);
void graph_own_job(struct index *ix, struct job *j, struct node *owner);
void graph_drop_job(struct index *ix, struct job *j);

struct edge_spec {
	enum kind kind;
	const char *ns;
	const char *name;
	uint64_t recorded;
	uint64_t state;
	enum edge_role role;
};

/* Replaces the records; what was told of an unchanged target stays told. */
void graph_set_edges(struct index *ix, struct root *r, const struct edge_spec *specs, size_t n);

/* ---- queues ---- */

void graph_due(struct index *ix, struct root *r);
void graph_not_due(struct index *ix, struct root *r);
void graph_due_job(struct index *ix, struct job *j);
void graph_not_due_job(struct index *ix, struct job *j);
void graph_wait(struct index *ix, struct root *r, int64_t until_us); /* the earlier end counts */
void graph_not_waiting(struct index *ix, struct root *r);

void graph_free(struct index *ix);

#endif
