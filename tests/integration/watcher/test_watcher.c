/* The watcher against a real API server and a real bus (run under with-apiserver.sh and
 * with-nats.sh).
 *
 * Watchers run in processes of their own: this program, called with the word "watcher". What they
 * say is heard on plain subscriptions, which see every publish.
 */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/world.h"
#include "tests/support/kube.h"
#include "tests/support/nats.h"
#include "watcher/watch.h"

enum {
	SOON_MS = 5000, /* in which everything must have happened */
	QUIET_MS = 400, /* in which nothing may happen */
};

struct scene {
	struct arena *arena;
	struct kube *kube;
	struct kube_ops ops;
	struct bus *bus;
	natsSubscription *heard;
	const char *self; /* this program */
	pid_t watchers[2];
};

static int64_t now_ms(void)
{
	return link_now_us() / 1000;
}

/* ---- the cluster ---- */

static const struct json *puts_object(struct scene *s, struct json *body, bool status)
{
	struct kube_apply x = { .body = body, .manager = "test", .force = true, .status = status };
	struct err err;

	if (!s->ops.apply(s->ops.self, s->arena, &x, 1, &err))
		fail_msg("%s", err.msg);
	return x.live;
}

static const struct json *puts_config_map(struct scene *s, const char *name, int value)
{
	return puts_object(s,
		json_format(s->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,"
			"'namespace':'default'},'data':{'v':%s}}",
			name, arena_printf(s->arena, "%d", value)),
		false);
}

static const struct json *puts_api(struct scene *s, const char *name, int replicas)
{
	return puts_object(s,
		json_format(s->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,"
			"'namespace':'default'},'spec':{'replicas':%d,'definition':{"
			"'type':'swagger','swaggerConfigmapNames':[%s]}}}",
			name, replicas, arena_printf(s->arena, "%s-doc", name)),
		false);
}

static const struct json *puts_deployment(struct scene *s, const char *name, const char *image)
{
	return puts_object(s,
		json_format(s->arena,
			"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':%s,"
			"'namespace':'default','labels':{'app.kubernetes.io/part-of':'apim.wso2.com'}},"
			"'spec':{'selector':{'matchLabels':{'a':'b'}},'template':{'metadata':{"
			"'labels':{'a':'b'}},'spec':{'containers':[{'name':'c','image':%s}]}}}}",
			name, image),
		false);
}

static struct json *input(
	struct scene *s, const char *kind, const char *name, const struct json *live)
{
	return json_format(s->arena,
		"{'kind':%s,'namespace':'default','name':%s,'resourceVersion':%s}", kind, name,
		live ? meta_version(live) : "");
}

static struct json *child(struct scene *s, enum kind kind, const struct json *live)
{
	return json_format(s->arena, "{'kind':%s,'name':%s,'version':%s,'state':%s,'applied':'x'}",
		kind_info(kind)->kind, json_str(json_path(live, "metadata", "name", NULL)),
		child_version(s->arena, kind, live), child_state(s->arena, kind, live));
}

/* As a service would when it is done. The lists may be NULL. */
static void puts_status(struct scene *s, const char *name, int64_t observed, bool ready,
	const struct json *dependencies, const struct json *children)
{
	puts_object(s,
		json_prune(json_format(s->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,"
			"'namespace':'default'},'status':{'observedGeneration':%l,'conditions':[{"
			"'type':'Ready','status':%s,'reason':'Test','message':'','lastTransitionTime':"
			"'2026-11-23T12:00:00Z','observedGeneration':%l}],'dependencies':%j,'children':%j}}",
			name, observed, ready ? "True" : "False", observed, dependencies,
			children)),
		true);
}

static struct json *list_of(struct scene *s, struct json *x)
{
	struct json *list = json_array(s->arena);

	if (x)
		json_add(list, x);
	return list;
}

static void removes(struct scene *s, enum kind kind, const char *name)
{
	struct err err;

	if (!s->ops.remove(
		    s->ops.self, s->arena, (struct ref){ kind, "default", name }, NULL, &err))
		fail_msg("%s", err.msg);
}

/* ---- the watchers ---- */

static void start_watcher(struct scene *s, int which)
{
	pid_t pid = fork();

	if (pid == 0) {
		char pod[16];
		int log = open(getenv("WATCHER_LOG") ? getenv("WATCHER_LOG") : "/dev/null",
			O_WRONLY | O_CREAT | O_APPEND, 0600);

		(void)snprintf(pod, sizeof(pod), "watcher-%d", which);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setenv("NATS_URL", nats_url(), 1);
		(void)setenv("POD_NAME", pod, 1);
		(void)setenv("LISTEN_PORT", "0", 1);
		(void)dup2(log, STDERR_FILENO);
		(void)execl(s->self, s->self, "watcher", NULL);
		_exit(127);
	}
	s->watchers[which] = pid;
}

static void ends_watcher(struct scene *s, int which, int signal)
{
	int status = 0;

	if (s->watchers[which] <= 0)
		return;
	(void)kill(s->watchers[which], signal);
	(void)waitpid(s->watchers[which], &status, 0);
	s->watchers[which] = 0;
	if (signal == SIGTERM)
		assert_int_equal(status, 0); /* and no complaint of a sanitizer */
}

/* ---- what is heard ---- */

static bool is_wake(const char *subject)
{
	return str_starts(subject, "cr.") || str_starts(subject, "job.");
}

static bool hears(struct scene *s, int64_t deadline_ms, struct wake *ret, const char **ret_subject)
{
	struct err err;
	natsMsg *msg;
	int64_t left;

	for (;;) {
		left = deadline_ms - now_ms();
		if (natsSubscription_NextMsg(&msg, s->heard, left > 0 ? left : 1) != NATS_OK)
			return false;
		if (is_wake(natsMsg_GetSubject(msg)))
			break;
		natsMsg_Destroy(msg);
	}
	*ret_subject = arena_dup(s->arena, natsMsg_GetSubject(msg));
	if (!wake_decode(
		    s->arena, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), ret, &err))
		fail_msg("%s", err.msg);
	natsMsg_Destroy(msg);
	return true;
}

static struct wake expect(struct scene *s, const char *subject)
{
	int64_t deadline = now_ms() + SOON_MS;
	const char *got = "";
	struct wake w;

	if (!hears(s, deadline, &w, &got))
		fail_msg("%s was not heard", subject);
	if (!str_eq(got, subject))
		fail_msg("%s was heard (%s), %s was expected", got, w.cause, subject);
	return w;
}

static void is_quiet(struct scene *s)
{
	const char *subject = "";
	struct wake w;

	if (hears(s, now_ms() + QUIET_MS, &w, &subject))
		fail_msg("%s was heard: %s", subject, w.cause);
}

static bool moved(const struct wake *w, enum kind kind, const char *name)
{
	vec_foreach (const struct ref *, r, &w->moved)
		if (ref_eq(*r, (struct ref){ kind, "default", name }))
			return true;
	return false;
}

/* A watcher leads and is up to date when it tells of a new object. Returns how many others it told
 * of before. */
static int wait_until_it_watches(struct scene *s)
{
	int64_t deadline = now_ms() + 30000;
	const char *subject = "";
	struct wake w;
	int others = -1;

	puts_api(s, "canary", 1);
	for (; !str_eq(subject, "cr.api.default.canary"); others++)
		if (!hears(s, deadline, &w, &subject))
			fail_msg("no watcher leads");
	puts_status(s, "canary", 1, true, NULL, NULL);
	removes(s, KIND_API, "canary");
	while (hears(s, deadline, &w, &subject) && !str_eq(w.cause, "deleted"))
		;
	return others;
}

/* ---- set-up ---- */

static int begin_all(void **state)
{
	const struct kube_options kube = { .user_agent = "test" };
	const struct bus_options bus = { .url = nats_url(), .name = "test" };
	struct arena *a = arena_new();
	struct scene *s = arena_alloc(a, sizeof(*s));
	char self[4096] = "";
	struct err err;

	if (!getenv("KUBECONFIG") || !getenv("APISERVER"))
		exit(getenv("CI") ? 1 : 77);
	s->arena = a;
	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	s->self = arena_dup(a, self);
	define_kinds();
	s->kube = kube_new(&kube, &err);
	s->bus = bus_new(&bus, &err);
	if (!s->kube || !s->bus)
		fail_msg("%s", err.msg);
	s->ops = kube_ops(s->kube);
	while (!bus_connected(s->bus))
		link_pause(link_now_us() + 10000);
	if (natsConnection_SubscribeSync(&s->heard, s->bus->connection, "*.>") != NATS_OK)
		return -1;
	*state = s;
	return 0;
}

static int end_all(void **state)
{
	struct scene *s = *state;

	natsSubscription_Destroy(s->heard);
	bus_free(s->bus);
	kube_free(s->kube);
	arena_free(s->arena);
	return 0;
}

static int begin(void **state)
{
	struct scene *s = *state;

	start_watcher(s, 0);
	(void)wait_until_it_watches(s);
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;
	struct vec all = { 0 };
	struct err err;

	for (int i = 0; i < 2; i++)
		ends_watcher(s, i, SIGTERM);
	(void)!s->ops.list(s->ops.self, s->arena,
		&(struct kube_query){ .kind = KIND_API, .ns = "default" }, &all, &err);
	vec_foreach (const struct object *, o, &all)
		removes(s, KIND_API, o->ref.name);
	return 0;
}

#define SCENE struct scene *s = *state

/* ---- what is woken ---- */

static void a_new_api_is_woken_and_its_status_is_not_news(void **state)
{
	SCENE;
	struct wake w;

	puts_api(s, "store", 1);
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "generation 1");
	assert_int_equal(w.generation, 1);
	assert_int_equal(strlen(w.traceparent), 55);
	puts_status(s, "store", 1, false, NULL, NULL);
	puts_status(s, "store", 1, true, NULL, NULL);
	is_quiet(s);
	puts_api(s, "store", 2);
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "generation 2");
	puts_status(s, "store", 2, true, NULL, NULL);
	removes(s, KIND_API, "store");
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "deleted");
	is_quiet(s);
}

static void a_recorded_config_map_wakes_within_a_moment_and_another_does_not(void **state)
{
	SCENE;
	const struct json *doc = puts_config_map(s, "doc", 0);
	struct wake w;
	int64_t began;

	puts_config_map(s, "other", 0);
	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_status(s, "store", 1, true, list_of(s, input(s, "ConfigMap", "doc", doc)), NULL);
	is_quiet(s);
	puts_config_map(s, "other", 1);
	is_quiet(s);
	began = now_ms();
	puts_config_map(s, "doc", 1);
	w = expect(s, "cr.api.default.store");
	assert_in_range(now_ms() - began, 0, 100);
	assert_string_equal(w.cause, "ConfigMap doc changed");
	assert_true(moved(&w, KIND_CONFIG_MAP, "doc"));
	assert_int_equal(w.moved.n, 1);
	is_quiet(s);
}

static void a_missing_input_wakes_when_it_is_made(void **state)
{
	SCENE;
	struct wake w;

	removes(s, KIND_CONFIG_MAP, "late");
	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_status(s, "store", 1, false, list_of(s, input(s, "ConfigMap", "late", NULL)), NULL);
	is_quiet(s);
	puts_config_map(s, "late", 1);
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "ConfigMap late appeared");
}

static void a_labelled_child_wakes_when_it_is_deleted_or_bent_and_not_when_written_by_us(
	void **state)
{
	SCENE;
	const struct json *live;
	struct wake w;

	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	live = puts_deployment(s, "store", "i");
	puts_status(s, "store", 1, true, NULL, list_of(s, child(s, KIND_DEPLOYMENT, live)));
	is_quiet(s);
	removes(s, KIND_DEPLOYMENT, "store");
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "Deployment store is gone");
	assert_true(moved(&w, KIND_DEPLOYMENT, "store"));
	live = puts_deployment(s, "store", "i");
	puts_status(s, "store", 1, true, NULL, list_of(s, child(s, KIND_DEPLOYMENT, live)));
	is_quiet(s);
	(void)puts_deployment(s, "store", "bent");
	w = expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "Deployment store changed");
	removes(s, KIND_DEPLOYMENT, "store");
	(void)expect(s, "cr.api.default.store");
}

static void the_end_of_a_job_is_told(void **state)
{
	SCENE;
	struct wake w;

	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_object(s,
		json_format(s->arena,
			"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'store-kaniko',"
			"'namespace':'default','labels':{'app.kubernetes.io/part-of':'apim.wso2.com',"
			"'apim.wso2.com/owner':'store','apim.wso2.com/owner-kind':'api'}},'spec':{"
			"'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'c',"
			"'image':'i'}]}}}}"),
		false);
	is_quiet(s);
	puts_object(s,
		json_format(s->arena,
			"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'store-kaniko',"
			"'namespace':'default'},'status':{'startTime':'2026-11-23T12:00:00Z',"
			"'conditions':[{'type':'FailureTarget','status':'True','lastTransitionTime':"
			"'2026-11-23T12:00:00Z'},{'type':'Failed','status':'True','lastTransitionTime':"
			"'2026-11-23T12:00:00Z'}]}}"),
		true);
	w = expect(s, "job.default.store-kaniko");
	assert_int_equal(w.ref.kind, KIND_API);
	assert_string_equal(w.ref.name, "store");
	assert_true(moved(&w, KIND_JOB, "store-kaniko"));
	removes(s, KIND_JOB, "store-kaniko");
	is_quiet(s);
}

/* ---- restarts and faults ---- */

static void a_restart_with_nothing_changed_says_nothing(void **state)
{
	SCENE;
	const struct json *doc = puts_config_map(s, "doc", 0);
	const struct json *live = puts_deployment(s, "settled", "i");

	puts_api(s, "settled", 1);
	(void)expect(s, "cr.api.default.settled");
	puts_status(s, "settled", 1, true, list_of(s, input(s, "ConfigMap", "doc", doc)),
		list_of(s, child(s, KIND_DEPLOYMENT, live)));
	is_quiet(s);
	ends_watcher(s, 0, SIGTERM);
	start_watcher(s, 0);
	assert_int_equal(wait_until_it_watches(s), 0);
	is_quiet(s);
	ends_watcher(s, 0, SIGKILL);
	puts_config_map(s, "doc", 7); /* while nobody looks */
	start_watcher(s, 0);
	(void)expect(s, "cr.api.default.settled");
	removes(s, KIND_DEPLOYMENT, "settled");
	(void)expect(s, "cr.api.default.settled");
}

static void a_standby_takes_over_what_was_not_told(void **state)
{
	SCENE;
	int64_t began;

	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_status(s, "store", 1, true, NULL, NULL);
	start_watcher(s, 1);
	is_quiet(s);
	ends_watcher(s, 0, SIGTERM);
	began = now_ms();
	puts_api(s, "store", 2);
	(void)expect(s, "cr.api.default.store");
	print_message("taken over in %d ms\n", (int)(now_ms() - began));
	assert_in_range(now_ms() - began, 0, 4000);
	is_quiet(s);
}

static void a_wiped_bus_is_made_whole_and_the_unsettled_are_woken_again(void **state)
{
	SCENE;
	int64_t began, deadline;
	const char *subject;
	struct wake w;

	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_api(s, "settled", 1);
	(void)expect(s, "cr.api.default.settled");
	puts_status(s, "settled", 1, true, NULL, NULL);
	is_quiet(s);
	nats_kill();
	nats_wipe();
	nats_start();
	/* Our own ears have to be connected again before we can hear; the stream keeps it for us.
	 */
	began = now_ms();
	for (deadline = began + SOON_MS; now_ms() < deadline;) {
		AUTO(arena_auto) struct arena *a = arena_new();
		const struct json *answer;
		struct err err;
		int64_t code;

		if (link_ask_api(s->bus, a, "$JS.API.STREAM.MSG.GET.WORK",
			    "{\"last_by_subj\":\"cr.api.default.store\"}", &answer, &code, &err))
			break;
		link_pause(link_now_us() + 20000);
	}
	if (now_ms() >= deadline)
		fail_msg("the unsettled API was not woken again");
	print_message("woken again %d ms after the wiped bus was back\n", (int)(now_ms() - began));
	while (hears(s, now_ms() + QUIET_MS, &w, &subject))
		assert_string_equal(subject, "cr.api.default.store");
}

static void asks_api(struct scene *s, const char *subject, const char *question)
{
	const struct json *answer;
	struct err err;
	int64_t code;

	if (!link_ask_api(s->bus, s->arena, subject, question, &answer, &code, &err))
		fail_msg("%s", err.msg);
}

/* It has what one of ours should have: that is told, and stops no wake. */
static void a_stream_of_another_version_keeps_nobody_from_being_woken(void **state)
{
	SCENE;

	ends_watcher(s, 0, SIGTERM);
	asks_api(s, "$JS.API.STREAM.DELETE.USAGE", "");
	asks_api(s, "$JS.API.STREAM.CREATE.CALLS",
		"{\"name\":\"CALLS\",\"subjects\":[\"evt.usage.>\"]}");
	start_watcher(s, 0);
	(void)wait_until_it_watches(s);
	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	asks_api(s, "$JS.API.STREAM.DELETE.CALLS", "");
}

static void what_happens_while_the_bus_is_away_is_told_when_it_is_back(void **state)
{
	SCENE;
	const char *subject = "";
	struct wake w;

	nats_kill();
	puts_api(s, "store", 1);
	puts_api(s, "short-lived", 1);
	removes(s, KIND_API, "short-lived");
	nats_start();
	for (int64_t deadline = now_ms() + 20000; !str_eq(subject, "cr.api.default.store");)
		if (!hears(s, now_ms() + 500, &w, &subject)) {
			/* It may have been told before our own ears were connected again: settle
			 * nothing, and let a comparison tell it again. */
			nats_restart();
			if (now_ms() > deadline)
				fail_msg("what happened meanwhile was lost");
		}
}

/* ---- figures ---- */

static int by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static void events_are_told_in_milliseconds(void **state)
{
	enum {
		EDITS = 200
	};
	SCENE;
	int64_t us[EDITS];
	const struct json *doc = puts_config_map(s, "doc", 0);

	puts_api(s, "store", 1);
	(void)expect(s, "cr.api.default.store");
	puts_status(s, "store", 1, true, list_of(s, input(s, "ConfigMap", "doc", doc)), NULL);
	is_quiet(s);
	for (int i = 0; i < EDITS; i++) {
		puts_config_map(s, "doc", i + 1);
		/* From the API server's answer to the edit, which is a little after the event
		 * itself. */
		us[i] = link_now_us();
		(void)expect(s, "cr.api.default.store");
		us[i] = link_now_us() - us[i];
	}
	qsort(us, EDITS, sizeof(us[0]), by_value);
	print_message("edit answered → wake heard: p50 %d us, p99 %d us\n", (int)us[EDITS / 2],
		(int)us[EDITS * 99 / 100]);
	assert_in_range(us[EDITS * 99 / 100], 0, 100000);
}

int main(int argc, char **argv)
{
#define WATCHED(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		WATCHED(a_new_api_is_woken_and_its_status_is_not_news),
		WATCHED(a_recorded_config_map_wakes_within_a_moment_and_another_does_not),
		WATCHED(a_missing_input_wakes_when_it_is_made),
		WATCHED(a_labelled_child_wakes_when_it_is_deleted_or_bent_and_not_when_written_by_us),
		WATCHED(the_end_of_a_job_is_told),
		WATCHED(a_restart_with_nothing_changed_says_nothing),
		WATCHED(a_standby_takes_over_what_was_not_told),
		WATCHED(a_wiped_bus_is_made_whole_and_the_unsettled_are_woken_again),
		WATCHED(a_stream_of_another_version_keeps_nobody_from_being_woken),
		WATCHED(what_happens_while_the_bus_is_away_is_told_when_it_is_back),
		WATCHED(events_are_told_in_milliseconds),
	};

	if (argc > 1 && str_eq(argv[1], "watcher"))
		return watcher_main(1, argv);
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
