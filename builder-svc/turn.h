/* Whose turn it is, as the world shows it: how many builds are under way in the whole cluster, who
 * waits for a place, who leaves one. Who of them comes first says queue.h. */
#ifndef BUILDER_SVC_TURN_H
#define BUILDER_SVC_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/vec.h"

struct needs;
struct scene;
struct world;
struct world_list;

/* On ConfigMap `<api>-dockerfile`, while the build waits for its turn: "queued". */
#define LABEL_BUILD_STATE "apim.wso2.com/build-state"

/* How many builds may be under way at a time in the whole cluster. */
size_t turn_places(const struct scene *s);

/* Whether this one may begin. */
bool turn_has_come(const struct scene *s);

int64_t turn_waits_since(const struct scene *s); /* now, if it has not waited yet */

/* This pass ends a build that took a place. */
bool turn_frees_a_place(const struct scene *s);

/* struct ref *: the APIs whose turn has come with that. */
struct vec turn_next(const struct scene *s);

/* All builds that run; NULL: not read. */
const struct world_list *turn_jobs(const struct world *w);
void turn_needs_jobs(struct needs *n);

/* What turn_has_come has to know. */
void turn_needs(const struct scene *s, struct needs *n);

/* What turn_next has to know, if the pass frees a place: somebody may wait for it. */
void turn_needs_successors(const struct scene *s, struct needs *n);

#endif
