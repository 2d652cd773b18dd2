/* A replica of a service or of the watcher: the real code, behind tables of effects that take their
 * time, go wrong, and are where it can be killed.
 */
#ifndef TESTS_SIM_PROCESS_H
#define TESTS_SIM_PROCESS_H

#include <stdint.h>

struct process;
struct sim;

enum role {
	ROLE_WATCHER,
	ROLE_API,
	ROLE_BUILDER,
	ROLE_SECURITY,
	ROLE_RATELIMIT,
	ROLE_ENDPOINT,
};

struct process *process_new(struct sim *s, enum role role, const char *name);
void process_free(struct process *p);

int64_t process_due_us(struct process *p);
void process_step(struct process *p); /* until its next call */

/* The process that runs has something to say. */
void process_logs(const char *msg, const char *pairs);

#endif
