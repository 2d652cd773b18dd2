/* Watches against a real API server (run under with-apiserver.sh). */
#include <signal.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/kube/feed.h"
#include "lib/kube/kube.h"
#include "lib/kube/watch.h"
#include "tests/support/unit.h"

enum {
	MAX_NAMES = 2000,
	PATIENCE_MS = 60 * 1000,
};

/* What a consumer knows of one watch: the names that exist now, as in lib/kube/kube.h. */
struct view {
	struct {
		char name[64];
		char value[64];
		bool seen; /* since the last RELIST */
		bool exists;
	} objects[MAX_NAMES];
	size_t n;
	unsigned int relists;
	unsigned int syncs;
	unsigned int upserts;
	unsigned int deletes;
	bool had_spec;
	char version[64];
	int64_t last_us;
};

struct fixture {
	struct arena *a;
	struct kube *kube;
	struct kube_ops ops;
	struct kube_watch *watch;
	struct view *views;
	struct clock_ops clock;
	struct err err;
};

#define ok(f, call)                                                                                \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %s", #call, (f)->err.msg);                                   \
	} while (0)

/* ---- the consumer ---- */

static size_t find(struct view *v, const char *name)
{
	size_t i = 0;

	while (i < v->n && !str_eq(v->objects[i].name, name))
		i++;
	assert_true(i < MAX_NAMES);
	if (i == v->n) {
		v->n++;
		(void)snprintf(v->objects[i].name, sizeof(v->objects[i].name), "%s", name);
	}
	return i;
}

static void forget_unseen(struct view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!v->objects[i].seen)
			v->objects[i].exists = false;
}

static void note(struct fixture *f, struct view *v, const struct json *object, bool exists)
{
	size_t i = find(v, json_str(json_path(object, "metadata", "name", NULL)));
	const char *value = json_str(json_path(object, "data", "key", NULL));

	assert_string_equal(json_get_str(object, "kind"), "ConfigMap");
	assert_string_equal(json_get_str(object, "apiVersion"), "v1");
	v->objects[i].exists = exists;
	v->objects[i].seen = true;
	(void)snprintf(v->objects[i].value, sizeof(v->objects[i].value), "%s", value ? value : "");
	v->had_spec = v->had_spec || json_get(object, "data");
	v->last_us = f->clock.monotonic_us(f->clock.self);
}

static void on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version)
{
	struct fixture *f = arg;
	struct view *v = &f->views[watch];

	(void)snprintf(v->version, sizeof(v->version), "%s", version);
	switch (event) {
	case WATCH_RELIST:
		v->relists++;
		for (size_t i = 0; i < v->n; i++)
			v->objects[i].seen = false;
		break;
	case WATCH_SYNCED:
		v->syncs++;
		forget_unseen(v);
		break;
	case WATCH_UPSERT:
		v->upserts++;
		note(f, v, json, true);
		break;
	case WATCH_DELETE:
		v->deletes++;
		note(f, v, json, false);
		break;
	}
}

static bool exists(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->objects[i].name, name))
			return v->objects[i].exists;
	return false;
}

static bool has_value(const struct view *v, const char *name, const char *value)
{
	for (size_t i = 0; i < v->n; i++)
		if (str_eq(v->objects[i].name, name))
			return v->objects[i].exists && str_eq(v->objects[i].value, value);
	return false;
}

static size_t count(const struct view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += v->objects[i].exists;
	return n;
}

static void run(struct fixture *f, int64_t deadline_ms)
{
	const char *trouble = kube_watch_error(f->watch);

	if (f->clock.now_ms(f->clock.self) > deadline_ms)
		fail_msg("waited too long; trouble: %s", trouble ? trouble : "none");
	ok(f, kube_watch_run(f->watch, 50, &f->err));
}

#define until(f, condition)                                                                        \
	do {                                                                                       \
		int64_t deadline_ms = (f)->clock.now_ms((f)->clock.self) + PATIENCE_MS;            \
		while (!(condition))                                                               \
			run(f, deadline_ms);                                                       \
	} while (0)

/* ---- the fixture ---- */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct kube_options options = { .user_agent = "test" };

	f->a = arena_new();
	f->clock = clock_real();
	f->views = calloc(2, sizeof(*f->views));
	f->kube = kube_new(&options, &f->err);
	if (!f->kube)
		return -1;
	f->ops = kube_ops(f->kube);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kube_watch_free(f->watch);
	kube_free(f->kube);
	arena_free(f->a);
	free(f->views);
	free(f);
	return 0;
}

static void watch(struct fixture *f, const struct watch_spec *specs, size_t n)
{
	f->watch = kube_watch_new(f->kube, specs, n, on_event, f);
}

/* Every test watches its own objects: the label is the test's. */
static void watch_label(struct fixture *f, const char *label, bool metadata_only)
{
	const struct watch_spec spec = { .kind = KIND_CONFIG_MAP,
		.selector = arena_printf(f->a, "watched=%s", label),
		.metadata_only = metadata_only };

	watch(f, &spec, 1);
}

static void put(struct fixture *f, const char *label, const char *name, const char *value)
{
	struct kube_apply x = { .manager = "test", .force = true };

	x.body = json_format(f->a,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,'namespace':'default',"
		"'labels':{'watched':%s}},'data':{'key':%s}}",
		name, label, value);
	ok(f, f->ops.apply(f->ops.self, f->a, &x, 1, &f->err));
}

static void drop(struct fixture *f, const char *name)
{
	const struct ref r = { KIND_CONFIG_MAP, "default", name };

	ok(f, f->ops.remove(f->ops.self, f->a, r, NULL, &f->err));
}

static pid_t server_pid(void)
{
	FILE *in = fopen(getenv("APISERVER_PID_FILE"), "r");
	long pid = 0;

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%ld", &pid), 1);
	fclose(in);
	return (pid_t)pid;
}

static void wait_for_server(struct fixture *f)
{
	int64_t deadline_ms = f->clock.now_ms(f->clock.self) + PATIENCE_MS;

	while (!kube_ping(f->kube, &f->err)) {
		assert_true(f->clock.now_ms(f->clock.self) < deadline_ms);
		usleep(20 * 1000);
	}
}

/* Returns when the next server is ready. */
static void kill_server(struct fixture *f)
{
	pid_t before = server_pid();

	assert_int_equal(kill(before, SIGKILL), 0);
	while (server_pid() == before)
		usleep(1000);
	wait_for_server(f);
}

/* ---- tests ---- */

static void what_exists_is_listed_and_what_changes_is_told(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];

	put(f, "basic", "basic-1", "a");
	watch_label(f, "basic", false);
	until(f, kube_watch_synced(f->watch));
	assert_int_equal(v->relists, 1);
	assert_int_equal(v->syncs, 1);
	assert_true(has_value(v, "basic-1", "a"));
	put(f, "basic", "basic-1", "b");
	until(f, has_value(v, "basic-1", "b"));
	put(f, "basic", "basic-2", "c");
	until(f, has_value(v, "basic-2", "c"));
	drop(f, "basic-1");
	until(f, !exists(v, "basic-1"));
	assert_int_equal(v->deletes, 1);
	assert_int_equal(v->relists, 1);
	assert_null(kube_watch_error(f->watch));
}

static void an_object_that_loses_the_label_is_deleted_for_us(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];

	put(f, "label", "label-1", "a");
	watch_label(f, "label", false);
	until(f, exists(v, "label-1") && kube_watch_synced(f->watch));
	put(f, "other", "label-1", "a");
	until(f, !exists(v, "label-1"));
}

static void several_pages_are_one_list(void **state)
{
	struct fixture *f = *state;
	const struct feed_tuning small = { .stream_s = 60,
		.silence_ms = 60000,
		.list_ms = 10000,
		.pause_ms = 10,
		.longest_pause_ms = 1000,
		.page = 7 };

	for (int i = 0; i < 50; i++)
		put(f, "pages", arena_printf(f->a, "pages-%d", i), "x");
	watch_label(f, "pages", false);
	watch_tune(f->watch, &small);
	until(f, kube_watch_synced(f->watch));
	assert_int_equal(count(&f->views[0]), 50);
	assert_int_equal(f->views[0].upserts, 50);
	assert_int_equal(f->views[0].relists, 1);
}

static void metadata_alone_carries_the_real_kind(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];

	put(f, "meta", "meta-1", "a");
	watch_label(f, "meta", true);
	until(f, kube_watch_synced(f->watch));
	put(f, "meta", "meta-2", "b");
	until(f, exists(v, "meta-2"));
	drop(f, "meta-1");
	until(f, !exists(v, "meta-1"));
	assert_false(v->had_spec);
}

static void watches_of_one_set_are_told_apart(void **state)
{
	struct fixture *f = *state;
	const struct watch_spec specs[] = {
		{ .kind = KIND_CONFIG_MAP, .selector = "watched=left", .metadata_only = false },
		{ .kind = KIND_CONFIG_MAP, .selector = "watched=right", .metadata_only = true },
	};

	watch(f, specs, 2);
	until(f, kube_watch_synced(f->watch));
	put(f, "left", "left-1", "a");
	put(f, "right", "right-1", "a");
	until(f, exists(&f->views[0], "left-1") && exists(&f->views[1], "right-1"));
	assert_false(exists(&f->views[0], "right-1"));
	assert_false(exists(&f->views[1], "left-1"));
}

static void a_relist_on_demand_keeps_what_exists(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];

	put(f, "relist", "relist-1", "a");
	watch_label(f, "relist", false);
	until(f, kube_watch_synced(f->watch));
	kube_watch_relist(f->watch);
	until(f, v->syncs == 2);
	assert_int_equal(v->relists, 2);
	assert_true(exists(v, "relist-1"));
	put(f, "relist", "relist-2", "a");
	until(f, exists(v, "relist-2"));
}

/* The server ends every stream after a while, with a bookmark just before; the next one goes on
 * from there. */
static void a_stream_that_ends_in_time_goes_on_without_a_list(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];
	const struct feed_tuning brief = { .stream_s = 4,
		.silence_ms = 60000,
		.list_ms = 10000,
		.pause_ms = 10,
		.longest_pause_ms = 1000,
		.page = 100 };

	watch_label(f, "brief", false);
	watch_tune(f->watch, &brief);
	until(f, kube_watch_synced(f->watch));
	int64_t end_ms = f->clock.now_ms(f->clock.self) + 12000;
	while (f->clock.now_ms(f->clock.self) < end_ms) {
		put(f, "not-brief", "elsewhere", arena_printf(f->a, "%d", rand()));
		run(f, end_ms + 1000);
	}
	put(f, "brief", "brief-1", "a");
	until(f, exists(v, "brief-1"));
	assert_int_equal(v->relists, 1);
}

static void a_killed_server_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];

	put(f, "kill", "kill-1", "a");
	put(f, "kill", "kill-2", "a");
	watch_label(f, "kill", false);
	until(f, kube_watch_synced(f->watch));
	assert_int_equal(kill(server_pid(), SIGKILL), 0);
	until(f, kube_watch_error(f->watch));
	wait_for_server(f);
	drop(f, "kill-1");
	put(f, "kill", "kill-2", "b");
	put(f, "kill", "kill-3", "c");
	until(f, !exists(v, "kill-1") && has_value(v, "kill-2", "b") && exists(v, "kill-3"));
	until(f, !kube_watch_error(f->watch));
}

/* What happened while nobody watched, and is compacted away: 410, and a list that tells the
 * difference. */
static void a_forgotten_version_is_made_good_by_a_list(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];
	char *compact = arena_printf(f->a,
		"r=$(curl -sf $ETCD/v3/kv/range -d '{\"key\":\"AA==\"}' | sed 's/.*\"revision\":\"\\([0-9]*\\)\".*/\\1/') && "
		"curl -sf $ETCD/v3/kv/compaction -d \"{\\\"revision\\\":\\\"$r\\\",\\\"physical\\\":true}\" >/dev/null");

	put(f, "gone", "gone-1", "a");
	put(f, "gone", "gone-2", "a");
	watch_label(f, "gone", false);
	until(f, kube_watch_synced(f->watch));
	/* Versions are those of the whole store: ours falls behind what the next server begins
	 * with. */
	for (int i = 0; i < 5; i++)
		put(f, "not-gone", "elsewhere", arena_printf(f->a, "%d", i));
	kill_server(f);
	/* Our stream is dead, but we do not look: these are changes that we miss. */
	drop(f, "gone-1");
	put(f, "gone", "gone-3", "a");
	put(f, "gone", "gone-2", "b");
	assert_int_equal(system(compact), 0);
	assert_int_equal(v->relists, 1);
	until(f, v->syncs == 2);
	assert_int_equal(v->relists, 2);
	assert_false(exists(v, "gone-1"));
	assert_true(exists(v, "gone-3"));
	assert_true(has_value(v, "gone-2", "b"));
	put(f, "gone", "gone-2", "c");
	until(f, has_value(v, "gone-2", "c"));
	assert_null(kube_watch_error(f->watch));
}

static int by_size(const void *x, const void *y)
{
	const int64_t *a = x;
	const int64_t *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void changes_arrive_at_once(void **state)
{
	struct fixture *f = *state;
	struct view *v = &f->views[0];
	int64_t late_us[101];

	watch_label(f, "fast", false);
	until(f, kube_watch_synced(f->watch));
	for (size_t i = 0; i < ARRAY_LEN(late_us); i++) {
		char *value = arena_printf(f->a, "%zu", i);

		put(f, "fast", "fast-1", value);
		int64_t written_us = f->clock.monotonic_us(f->clock.self);
		until(f, has_value(v, "fast-1", value));
		late_us[i] = v->last_us - written_us;
	}
	qsort(late_us, ARRAY_LEN(late_us), sizeof(late_us[0]), by_size);
	print_message("event after the write was acknowledged: median %.2f ms, worst %.2f ms\n",
		(double)late_us[50] / 1e3, (double)late_us[100] / 1e3);
	assert_true(late_us[50] < 20 * 1000);
}

static void trouble_is_told_and_not_fatal(void **state)
{
	struct fixture *f = *state;
	const struct watch_spec specs[] = {
		{ .kind = KIND_API, .selector = NULL, .metadata_only = false },
		{ .kind = KIND_CONFIG_MAP, .selector = "watched=trouble", .metadata_only = false }
	};

	watch(f, specs, 2);
	put(f, "trouble", "trouble-1", "a");
	until(f, exists(&f->views[1], "trouble-1"));
	until(f, kube_watch_error(f->watch));
	assert_non_null(strstr(kube_watch_error(f->watch), "list apis"));
	assert_false(kube_watch_synced(f->watch));
}

#define a_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		a_test(what_exists_is_listed_and_what_changes_is_told),
		a_test(an_object_that_loses_the_label_is_deleted_for_us),
		a_test(several_pages_are_one_list),
		a_test(metadata_alone_carries_the_real_kind),
		a_test(watches_of_one_set_are_told_apart),
		a_test(a_relist_on_demand_keeps_what_exists),
		a_test(changes_arrive_at_once),
		a_test(trouble_is_told_and_not_fatal),
		a_test(a_stream_that_ends_in_time_goes_on_without_a_list),
		a_test(a_killed_server_is_waited_for),
		a_test(a_forgotten_version_is_made_good_by_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
