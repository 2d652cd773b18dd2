/* The watcher against a real API server and a real bus: under with-apiserver.sh and with-nats.sh.
 *
 * Watchers run in processes of their own: the test's own program, called with the word "watcher".
 * What they say is heard on a plain subscription, which hears every publish. Everything stands in
 * namespace "default". What cannot be done fails the test. */
#ifndef TESTS_SUPPORT_WATCHED_H
#define TESTS_SUPPORT_WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/kube/kube.h"
#include "lib/msg/wake.h"
#include "lib/plan/world.h"

struct json;
struct __natsSubscription;

enum {
	WATCHED_SOON_MS = 5000, /* in which everything must have happened */
	WATCHED_QUIET_MS = 400, /* in which nothing may happen */
};

struct watched {
	struct arena *arena;
	struct kube *kube;
	struct kube_ops ops;
	struct bus *bus;
	struct __natsSubscription *heard;
	const char *self; /* this program */
	pid_t watchers[2];
};

int64_t watched_now_ms(void);

/* ---- the cluster ---- */

const struct json *watched_put(struct watched *s, struct json *body, bool status);
const struct json *watched_put_config_map(struct watched *s, const char *name, int value);
const struct json *watched_put_api(struct watched *s, const char *name, int replicas);
const struct json *watched_put_deployment(struct watched *s, const char *name, const char *image);

/* As a service would when it is done. The lists may be NULL. */
void watched_put_status(struct watched *s, const char *name, int64_t observed, bool ready,
	const struct json *dependencies, const struct json *children);

/* What a status says of an input or a child; live NULL: it is missing. */
struct json *watched_input(
	struct watched *s, const char *kind, const char *name, const struct json *live);
struct json *watched_child(struct watched *s, enum kind kind, const struct json *live);
struct json *watched_list(struct watched *s, struct json *x);

void watched_remove(struct watched *s, enum kind kind, const char *name);

/* ---- the watchers, of which there may be two ---- */

void watched_start(struct watched *s, int which);
void watched_end(struct watched *s, int which, int signal);

/* A watcher leads and is up to date when it tells of a new object. Returns how many others it told
 * of before. */
int watched_wait(struct watched *s);

/* ---- what they say ---- */

bool watched_hear(
	struct watched *s, int64_t deadline_ms, struct wake *ret, const char **ret_subject);

/* That, and nothing before it. */
struct wake watched_expect(struct watched *s, const char *subject);
void watched_is_quiet(struct watched *s);
bool watched_moved(const struct wake *w, enum kind kind, const char *name);

/* ---- the frame: one watcher for each test, which ends without a complaint ---- */

int watched_begin(void **state);
int watched_finish(void **state);
#define WATCHED(test) cmocka_unit_test_setup_teardown(test, watched_begin, watched_finish)

/* Of a group; begin with `if (argc > 1) return watcher_main(1, argv);` for the watchers. */
int watched_set_up(void **state);
int watched_tear_down(void **state);

#endif
