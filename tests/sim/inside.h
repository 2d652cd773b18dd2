/* What the files that make up a process share. */
#ifndef TESTS_SIM_INSIDE_H
#define TESTS_SIM_INSIDE_H

#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/sim/process.h"
#include "watcher/turn.h"

struct fiber;
struct feeds;

struct process {
	struct sim *sim;
	enum role role;
	const char *name;
	struct fiber *fiber; /* it gives way wherever a real process waits */
	void (*run)(void *process);
	bool alive; /* began, and did not crash since */
	struct service own;
	const struct service *service;
	struct runtime rt;
	struct arena *memory; /* of one batch */
	struct batch *batch;  /* of a service */
	int64_t pass_due_us;  /* when the first of its passes has something to do */
	struct turn turn;     /* of a watcher */
	struct feeds *feeds;
	int64_t due_us;
	enum waiting {
		WAIT_TIME,
		WAIT_BUS,   /* for a message */
		WAIT_FEEDS, /* for an event, or until due_us */
	} waiting;
	bool crashing;
};

/* Takes time; the process may be killed in it. */
void inside_travel(struct process *p);

/* The API server as this process reaches it. */
struct kube_ops inside_kube(struct process *p);

/* That an image has in our registry. */
const char *inside_digest(struct arena *a, const char *image);

#endif
