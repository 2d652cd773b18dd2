/* gateway-usage, which runs beside nginx when usage is to be published. A gateway serves as well
 * without it: when it ends, it is started again. */
#ifndef GATEWAY_LAUNCHER_COMPANION_H
#define GATEWAY_LAUNCHER_COMPANION_H

#include <stdint.h>
#include <sys/types.h>

struct settings;

struct companion {
	const struct settings *settings;
	pid_t pid;	  /* 0: it does not run */
	int64_t start_ms; /* monotonic: when it is to be started; -1: not */
};

void companion_init(struct companion *c, const struct settings *s);

/* Starts it if it is time to. */
void companion_run(struct companion *c, int64_t now_ms);

/* When companion_run has to be called again, unless something happens; -1: never. */
int64_t companion_due_ms(const struct companion *c);

/* A child has ended, this one or another. */
void companion_ended(struct companion *c, pid_t pid, int status, int64_t now_ms);

/* Lets it publish what it has; after a few seconds it is ended all the same. */
void companion_stop(struct companion *c);

#endif
