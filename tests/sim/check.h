/* What must hold: at every write, and when all is quiet. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "lib/api/object.h"
#include "lib/base/vec.h"

struct arena;
struct change;
struct sim;

/* No service forces its way into a field of another one; taken: "manager path". */
void check_taken(struct sim *s, const char *service, struct ref ref, const struct vec *taken);

/* Generations that statuses and children speak of never go back or ahead; never two unfinished Jobs
 * for one input. */
void check_change(struct sim *s, const struct change *c);

/* Faults have ceased and time ran on: every status speaks of the present and is Ready, every
 * record is true, every child is recorded and every recorded child is there, no owner is dead. */
void check_quiet(struct sim *s);

/* A line per object, without what may differ from run to run: versions, times, how an image came to
 * be, names of ports. */
char *check_dump(struct sim *s, struct arena *a);

#endif
