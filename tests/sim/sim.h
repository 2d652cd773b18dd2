/* A cluster with the whole operator in one process: API server, bus and registry in memory, every
 * service and the watcher as fibers that give up control at every call, a clock that jumps to the
 * next thing to happen.
 *
 * Everything that happens follows from two numbers: the script (what users do) and the seed (when
 * things happen and what goes wrong). Invariants are checked at every write (check.h).
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "tests/sim/chance.h"
#include "tests/sim/jetstream.h"
#include "tests/support/store.h"

struct process;
struct sim;

#define SYSTEM_NS "wso2-system"

enum {
	US_PER_MS = 1000,
	US_PER_S = 1000 * 1000,
	ACK_WAIT_S = 10,
	RELIST_S = 100,
	MAX_PROCESSES = 16,
	MAX_TEXT = 512,
};

/* What goes wrong, in one seed: chances in ten thousand. */
struct trouble {
	uint32_t call_fails;  /* of a call to the API server */
	uint32_t crash;	      /* at a call */
	uint32_t stall;	      /* a call takes longer than the bus waits for acknowledgement */
	uint32_t bus_fails;   /* of a call to the bus */
	uint32_t bus_loses;   /* a message, at a fetch */
	uint32_t bus_doubles; /* likewise */
	uint32_t watch_loses; /* an event */
	uint32_t watch_doubles;
	uint32_t watch_breaks; /* 410 */
	uint32_t build_fails;
	uint32_t registry_fails;
	uint32_t wipe;	 /* the bus loses everything, per second */
	int64_t call_us; /* the longest that a call usually takes */
	int64_t lag_us;	 /* that an event usually takes */
};

/* Something that happens at its time. */
struct task {
	int64_t due_us;
	uint64_t order;
	void (*run)(struct sim *s, struct task *t);
	struct ref ref;
	const char *uid;
	int64_t number;
	const void *data;
};

struct sim {
	struct arena *arena; /* of the whole run */
	uint64_t seed;
	uint64_t script;
	bool trace;
	struct chance chance; /* of what goes wrong and how long it takes */
	struct chance ids;    /* of what the product asks for */
	struct trouble trouble;
	int64_t now_us;
	struct store store;
	struct jetstream bus;
	struct vec images; /* char *: in the registry */
	struct vec tasks;  /* struct task *, a heap by due_us, order */
	uint64_t order;
	struct process *processes[MAX_PROCESSES];
	size_t n_processes;
	int64_t bus_back_us; /* not before then the bus answers */
	uint64_t steps;
	uint64_t writes; /* by us, without Lease and Events */
	int64_t last_write_us;
	char violation[MAX_TEXT]; /* the first; "" while all is well */
};

struct sim *sim_new(uint64_t script, uint64_t seed, const struct trouble *t, bool trace);
void sim_free(struct sim *s);

/* Runs until then, or until an invariant does not hold. False: it does not. */
bool sim_run(struct sim *s, int64_t until_us) MUST_CHECK;

void sim_at(struct sim *s, int64_t due_us, struct task t);
void sim_trace(struct sim *s, const char *who, const char *fmt, ...) PRINTF_LIKE(3, 4);
void sim_violated(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
