/* A little cluster whose versions grow by one with every event, and the index that watches it.
 *
 * All is in namespace "shop". An object's uid is "uid-<name>"; `more` is JSON that follows its
 * metadata, NULL: nothing.
 */
#ifndef TESTS_SUPPORT_INDEX_H
#define TESTS_SUPPORT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/object.h"
#include "lib/base/clock.h"
#include "watcher/index.h"

struct arena;
struct json;

struct scene {
	struct arena *arena;
	struct index *index;
	struct clock_ops clock;
	int64_t now_us;
	uint64_t random;
	long version;
};

#define SCENE struct scene *s = *state

/* The state is a scene; its index leads. */
int index_begin(void **state);
int index_end(void **state);

/* ---- what happens ---- */

/* Of all kinds, or all but the last. */
void lists_begin(struct scene *s);
void lists_end(struct scene *s);
void lists_end_but_one(struct scene *s);

/* Both return the version that the event has. */
long puts_object(struct scene *s, enum kind kind, const char *name, const char *more);
long deletes(struct scene *s, enum kind kind, const char *name);

void passes(struct scene *s, int64_t ms);

/* An API as api-svc leaves it. */
struct api {
	const char *name; /* NULL: "store" */
	long generation;
	long observed;
	bool not_ready;
	bool reconciling;
	const char *dependencies; /* JSON list */
	const char *children;
	const char *uid;
};

long puts_api(struct scene *s, const struct api *api);

/* API "store" that has settled with one or two inputs, or children: y may be NULL. */
void api_reads(struct scene *s, const char *x, const char *y);
void api_has(struct scene *s, const char *x, const char *y);

extern const char deployment_new[];
extern const char deployment_up[];
extern const char deployment_bent[];

/* Deployment "store", and what its API recorded of it; all lists have ended. */
void settle_with_deployment(struct scene *s, const char *recorded, const char *live);

extern const char job_running[];
extern const char job_complete[];
extern const char job_failed[];

/* A Job of API "store". */
void puts_job(struct scene *s, const char *name, const char *more);

/* ---- texts ---- */

/* 0: "". */
const char *text(struct scene *s, long version);
struct json *json_of(struct scene *s, enum kind kind, const char *name, const char *more);

/* Records of an API: version 0, there was none; more, a child as it would be made of it. */
const char *input(struct scene *s, enum kind kind, const char *name, long version);
const char *child(struct scene *s, enum kind kind, const char *name, const char *more);
const char *list_of(struct scene *s, const char *x, const char *y);

/* ---- what is expected ---- */

/* The next message, told; NULL if there is none. */
struct index_message *told(struct scene *s);

void is_quiet(struct scene *s);
struct index_message *says(struct scene *s, const char *subject, const char *cause);

/* says, to API "store". */
struct index_message *wakes(struct scene *s, const char *cause);

/* Among what has moved. */
bool names(const struct index_message *m, enum kind kind, const char *name);

#endif
