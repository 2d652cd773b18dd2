/* A small service for tests of the runtime: for each Security it keeps ConfigMap "copy", made from
 * the one that spec.from names, on a cluster in memory. */
#ifndef TESTS_SUPPORT_COPIER_H
#define TESTS_SUPPORT_COPIER_H

#include "lib/svc/runtime.h"
#include "tests/support/memory.h"

struct copier {
	struct memory memory;
	struct runtime rt;
	struct arena *arena;
};

extern const struct service copier;

/* Writes something that several roots share, as it is read; its data is the root's word. */
extern const struct service sharer;

/* There is Security "shop/s", and nothing else yet. */
void copier_start(struct copier *c, struct arena *a);

/* ConfigMap "shop/original", which spec.from names. */
void copier_put_original(struct copier *c);

/* A pass over the Security. moved: the ConfigMap that the wake names; may be NULL. */
struct outcome copier_look(struct copier *c, const char *moved);

const struct json *copier_root(struct copier *c);
const struct json *copier_ready(struct copier *c); /* its condition; NULL: none */

#endif
