/* Messages that were handed back so that their object is looked at again later.
 *
 * What a look would have waited for is mostly told by a message of its own before the time has
 * come: a build is looked at every half minute, and its end is told. Of a service whose decisions
 * are final (service.settles), a pass that asks for no further look makes those that were asked for
 * before superfluous: they are done when they come back.
 *
 * Messages are known by delivery.id, and only to the process that handed them back. What it does
 * not know is looked at, which costs a few reads. A pass that fails settles nothing.
 */
#ifndef LIB_SVC_LATER_H
#define LIB_SVC_LATER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/api/object.h"

struct arena;
struct later;

enum {
	LATER_MAX = 1024, /* the oldest is forgotten */
};

struct later *later_new(void);
void later_free(struct later *l); /* accepts NULL */

/* The message is handed back. Accepts a NULL list, and a NULL id: nothing is known of it. */
void later_add(struct later *l, struct arena *a, const char *id, struct ref ref);

/* A pass over the object has nothing left to wait for. */
void later_settle(struct later *l, struct arena *a, struct ref ref);

/* The message is back; true: there is nothing to look for any more. Forgets it. */
bool later_is_settled(struct later *l, const char *id);

#endif
