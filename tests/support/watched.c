#include "tests/support/watched.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/kube.h"
#include "tests/support/nats.h"
#include "tests/support/unit.h"

int64_t watched_now_ms(void)
{
	return link_now_us() / 1000;
}

/* ---- the cluster ---- */

const struct json *watched_put(struct watched *s, struct json *body, bool status)
{
	struct kube_apply x = { .body = body, .manager = "test", .force = true, .status = status };
	struct err err;

	if (!s->ops.apply(s->ops.self, s->arena, &x, 1, &err))
		fail_msg("%s", err.msg);
	return x.live;
}

const struct json *watched_put_config_map(struct watched *s, const char *name, int value)
{
	return watched_put(s,
		json_format(s->arena,
			"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':%s,"
			"'namespace':'default'},'data':{'v':%s}}",
			name, arena_printf(s->arena, "%d", value)),
		false);
}

const struct json *watched_put_api(struct watched *s, const char *name, int replicas)
{
	return watched_put(s,
		json_format(s->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,"
			"'namespace':'default'},'spec':{'replicas':%d,'definition':{"
			"'type':'swagger','swaggerConfigmapNames':[%s]}}}",
			name, replicas, arena_printf(s->arena, "%s-doc", name)),
		false);
}

const struct json *watched_put_deployment(struct watched *s, const char *name, const char *image)
{
	return watched_put(s,
		json_format(s->arena,
			"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':%s,"
			"'namespace':'default','labels':{'app.kubernetes.io/part-of':'apim.wso2.com'}},"
			"'spec':{'selector':{'matchLabels':{'a':'b'}},'template':{'metadata':{"
			"'labels':{'a':'b'}},'spec':{'containers':[{'name':'c','image':%s}]}}}}",
			name, image),
		false);
}

struct json *watched_input(
	struct watched *s, const char *kind, const char *name, const struct json *live)
{
	return json_format(s->arena,
		"{'kind':%s,'namespace':'default','name':%s,'resourceVersion':%s}", kind, name,
		live ? meta_version(live) : "");
}

struct json *watched_child(struct watched *s, enum kind kind, const struct json *live)
{
	return json_format(s->arena, "{'kind':%s,'name':%s,'version':%s,'state':%s,'applied':'x'}",
		kind_info(kind)->kind, json_str(json_path(live, "metadata", "name", NULL)),
		child_version(s->arena, kind, live), child_state(s->arena, kind, live));
}

void watched_put_status(struct watched *s, const char *name, int64_t observed, bool ready,
	const struct json *dependencies, const struct json *children)
{
	watched_put(s,
		json_prune(json_format(s->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':%s,"
			"'namespace':'default'},'status':{'observedGeneration':%l,'conditions':[{"
			"'type':'Ready','status':%s,'reason':'Test','message':'','lastTransitionTime':"
			"'2026-11-23T12:00:00Z','observedGeneration':%l}],'dependencies':%j,'children':%j}}",
			name, observed, ready ? "True" : "False", observed, dependencies,
			children)),
		true);
}

struct json *watched_list(struct watched *s, struct json *x)
{
	struct json *list = json_array(s->arena);

	if (x)
		json_add(list, x);
	return list;
}

void watched_remove(struct watched *s, enum kind kind, const char *name)
{
	struct err err;

	if (!s->ops.remove(
		    s->ops.self, s->arena, (struct ref){ kind, "default", name }, NULL, &err))
		fail_msg("%s", err.msg);
}

/* ---- the watchers ---- */

void watched_start(struct watched *s, int which)
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

void watched_end(struct watched *s, int which, int signal)
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

bool watched_hear(
	struct watched *s, int64_t deadline_ms, struct wake *ret, const char **ret_subject)
{
	struct err err;
	natsMsg *msg;
	int64_t left;

	for (;;) {
		left = deadline_ms - watched_now_ms();
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

struct wake watched_expect(struct watched *s, const char *subject)
{
	int64_t deadline = watched_now_ms() + WATCHED_SOON_MS;
	const char *got = "";
	struct wake w;

	if (!watched_hear(s, deadline, &w, &got))
		fail_msg("%s was not heard", subject);
	if (!str_eq(got, subject))
		fail_msg("%s was heard (%s), %s was expected", got, w.cause, subject);
	return w;
}

void watched_is_quiet(struct watched *s)
{
	const char *subject = "";
	struct wake w;

	if (watched_hear(s, watched_now_ms() + WATCHED_QUIET_MS, &w, &subject))
		fail_msg("%s was heard: %s", subject, w.cause);
}

bool watched_moved(const struct wake *w, enum kind kind, const char *name)
{
	vec_foreach (const struct ref *, r, &w->moved)
		if (ref_eq(*r, (struct ref){ kind, "default", name }))
			return true;
	return false;
}

int watched_wait(struct watched *s)
{
	int64_t deadline = watched_now_ms() + 30000;
	const char *subject = "";
	struct wake w;
	int others = -1;

	watched_put_api(s, "canary", 1);
	for (; !str_eq(subject, "cr.api.default.canary"); others++)
		if (!watched_hear(s, deadline, &w, &subject))
			fail_msg("no watcher leads");
	watched_put_status(s, "canary", 1, true, NULL, NULL);
	watched_remove(s, KIND_API, "canary");
	while (watched_hear(s, deadline, &w, &subject) && !str_eq(w.cause, "deleted"))
		;
	return others;
}

/* ---- set-up ---- */

int watched_set_up(void **state)
{
	const struct kube_options kube = { .user_agent = "test" };
	const struct bus_options bus = { .url = nats_url(), .name = "test" };
	struct arena *a = arena_new();
	struct watched *s = arena_alloc(a, sizeof(*s));
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

int watched_tear_down(void **state)
{
	struct watched *s = *state;

	natsSubscription_Destroy(s->heard);
	bus_free(s->bus);
	kube_free(s->kube);
	arena_free(s->arena);
	return 0;
}

int watched_begin(void **state)
{
	struct watched *s = *state;

	watched_start(s, 0);
	(void)watched_wait(s);
	return 0;
}

int watched_finish(void **state)
{
	struct watched *s = *state;
	struct vec all = { 0 };
	struct err err;

	for (int i = 0; i < 2; i++)
		watched_end(s, i, SIGTERM);
	(void)!s->ops.list(s->ops.self, s->arena,
		&(struct kube_query){ .kind = KIND_API, .ns = "default" }, &all, &err);
	vec_foreach (const struct object *, o, &all)
		watched_remove(s, KIND_API, o->ref.name);
	return 0;
}

#define SCENE struct watched *s = *state
