/* Straight-line code that gives way while it waits: several fibers take turns in one thread.
 *
 * A fiber runs on a stack of its own from fiber_start or fiber_resume until it calls fiber_wait or
 * its function returns. One may start others: they give way to it. Nothing runs at the same time as
 * anything else, so what fibers share needs no locks; but between a fiber_wait and its return
 * others have run.
 *
 * Who waits for something outside (lib/kube does) calls fiber_wait while there is a fiber, and
 * looks again when it returns; whoever resumes the fibers waits for all of them.
 */
#ifndef LIB_BASE_FIBER_H
#define LIB_BASE_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_new(void);
void fiber_free(struct fiber *f); /* accepts NULL; it must not be in the middle of something */

/* Both return true while the fiber waits, false once its function has returned: then it can be
 * started again. */
bool fiber_start(struct fiber *f, void (*fn)(void *arg), void *arg);
bool fiber_resume(struct fiber *f);

/* Ends one that waits where it is, as a crash would: nothing that it holds is released. */
void fiber_drop(struct fiber *f);

/* Called by code that may run in a fiber or outside of one. */
struct fiber *fiber_self(void); /* NULL: outside */
bool fiber_inside(void);
void fiber_wait(void); /* inside only */

/* Gives the memory of its stack back until it is started again. */
void fiber_rest(struct fiber *f);

#endif
