/* deploy/bus/nats.conf allows each user exactly what it does. */
#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/bus/link.h"
#include "lib/bus/topology.h"
#include "tests/support/unit.h"

static const char *const services[] = { "security-svc", "ratelimit-svc", "endpoint-svc", "api-svc",
	"builder-svc" };

/* A subject that the watcher publishes for each of them. */
static const char *const wakes[] = { "cr.security.shop.x", "cr.ratelimiting.shop.x",
	"cr.targetendpoint.shop.x", "cr.api.shop.x", "job.shop.x" };

struct server {
	struct arena *arena;
	const char *url;
	const char *dir;
	pid_t pid;
};

static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		abort();
	(void)close(fd);
	return ntohs(at.sin_port);
}

static const char *program(void)
{
	static const char *const built = "build/tools/bin/nats-server";

	return access(built, X_OK) == 0 ? built : "nats-server";
}

static struct bus *as(const struct server *s, const char *user, const char *password)
{
	struct bus_options o = { .url = s->url, .user = user, .password = password, .name = user };
	struct err err;

	if (str_ends(user, "-svc"))
		o.consumer = user;
	return bus_new(&o, &err);
}

/* The passwords that the server gets: "<user>-secret". */
static struct bus *user(const struct server *s, const char *name)
{
	struct bus *b = as(s, name, arena_printf(s->arena, "%s-secret", name));

	for (int64_t deadline = link_now_us() + 10000000; !bus_connected(b);) {
		if (link_now_us() > deadline)
			fail_msg("%s does not connect", name);
		link_pause(link_now_us() + 10000);
	}
	return b;
}

static void set_passwords(void)
{
	static const char *const names[][2] = { { "WATCHER_PASSWORD", "watcher-secret" },
		{ "SECURITY_SVC_PASSWORD", "security-svc-secret" },
		{ "RATELIMIT_SVC_PASSWORD", "ratelimit-svc-secret" },
		{ "ENDPOINT_SVC_PASSWORD", "endpoint-svc-secret" },
		{ "API_SVC_PASSWORD", "api-svc-secret" },
		{ "BUILDER_SVC_PASSWORD", "builder-svc-secret" },
		{ "GATEWAY_PASSWORD", "gateway-secret" },
		{ "OBSERVER_PASSWORD", "observer-secret" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)setenv(names[i][0], names[i][1], 1);
}

/* The shipped file with a store of our own. */
static const char *own_conf(struct arena *a, const char *dir)
{
	static const char shipped[] = "deploy/bus/nats.conf", store[] = "store_dir: /data";
	const char *path = arena_printf(a, "%s/nats.conf", dir);
	FILE *in = fopen(shipped, "re"), *out = fopen(path, "we");
	char text[32 * 1024] = "";
	char *at;

	if (!in || !out)
		fail_msg("run this from the root of the tree");
	(void)!fread(text, 1, sizeof(text) - 1, in);
	at = strstr(text, store);
	if (!at)
		fail_msg("%s names no %s", shipped, store);
	(void)fprintf(out, "%.*sstore_dir: \"%s/store\"%s", (int)(at - text), text, dir,
		at + strlen(store));
	(void)fclose(in);
	(void)fclose(out);
	return path;
}

static int start(void **state)
{
	struct arena *a = arena_new();
	struct server *s = arena_alloc(a, sizeof(*s));
	char *port = arena_printf(a, "%d", free_port());
	char *dir = arena_dup(a, "/tmp/nats-permissions.XXXXXX");
	const char *conf;
	struct bus *watcher;
	struct err err;

	if (!mkdtemp(dir))
		abort();
	conf = own_conf(a, dir);
	set_passwords();
	s->arena = a;
	s->dir = dir;
	s->url = arena_printf(a, "nats://127.0.0.1:%s", port);
	s->pid = fork();
	if (s->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!freopen(arena_printf(a, "%s/log", dir), "w", stderr);
		(void)execlp(program(), "nats-server", "-c", conf, "-a", "127.0.0.1", "-p", port,
			"-m", arena_printf(a, "%d", free_port()), NULL);
		_exit(127);
	}
	*state = s;
	watcher = user(s, "watcher");
	if (!bus_ensure_topology(watcher, 1, &err))
		fail_msg("%s", err.msg);
	bus_free(watcher);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int stop(void **state)
{
	struct server *s = *state;

	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	(void)nftw(s->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(s->arena);
	return 0;
}

static bool can_publish(struct bus *b, const char *subject, struct err *err)
{
	struct bus_ops ops = bus_ops(b);
	struct bus_message m = { .subject = subject, .data = "x", .n = 1 };

	*err = (struct err){ .msg = "" };
	return ops.publish(ops.self, &m, err);
}

static void is_denied(struct bus *b, const char *subject)
{
	struct err err;
	int64_t began = link_now_us();

	if (can_publish(b, subject, &err))
		fail_msg("%s was accepted", subject);
	if (err.code != ERR_DENIED || !strstr(err.msg, subject))
		fail_msg("%s: %s (%s)", subject, err.msg, err_code_name(err.code));
	assert_in_range(link_now_us() - began, 0, 500000); /* not a timeout */
}

static void is_allowed(struct bus *b, const char *subject)
{
	struct err err;

	if (!can_publish(b, subject, &err))
		fail_msg("%s: %s", subject, err.msg);
}

static void the_watcher_wakes_and_ensures_the_topology_again(void **state)
{
	struct bus *watcher = user(*state, "watcher");
	struct err err;

	assert_true(bus_ensure_topology(watcher, 1, &err));
	for (size_t i = 0; i < ARRAY_LEN(wakes); i++)
		is_allowed(watcher, wakes[i]);
	is_denied(watcher, "build.request.shop.x");
	is_denied(watcher, "evt.build.started.shop.x");
	is_denied(watcher, "$JS.API.STREAM.DELETE.WORK");
	is_denied(watcher, "$JS.API.STREAM.CREATE.OTHER");
	bus_free(watcher);
}

static void each_service_works_off_its_own_consumer(void **state)
{
	struct server *s = *state;
	struct bus *watcher = user(s, "watcher");

	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		struct bus *b = user(s, services[i]);
		struct bus_ops ops = bus_ops(b);
		struct vec got = { 0 };
		uint64_t waiting, in_hand;
		struct err err = { .msg = "" };

		is_allowed(watcher, wakes[i]);
		if (!ops.fetch(ops.self, s->arena, 1, 2000, &got, &err) || got.n != 1)
			fail_msg("%s: %s", services[i], err.msg);
		assert_true(bus_backlog(b, &waiting, &in_hand, &err));
		assert_int_equal(in_hand, 1);
		assert_true(ops.working(ops.self, got.at[0], &err));
		if (!ops.ack(ops.self, got.at[0], &err))
			fail_msg("%s: %s", services[i], err.msg);
		is_allowed(watcher, wakes[i]);
		got.n = 0;
		assert_true(ops.fetch(ops.self, s->arena, 1, 2000, &got, &err));
		assert_true(ops.nak(ops.self, got.at[0], 0, &err));
		got.n = 0;
		assert_true(ops.fetch(ops.self, s->arena, 1, 2000, &got, &err));
		assert_true(ops.term(ops.self, got.at[0], &err));
		bus_free(b);
	}
	bus_free(watcher);
}

static void no_service_reads_the_consumer_of_another(void **state)
{
	struct server *s = *state;
	struct bus_options o = { .url = s->url,
		.user = "security-svc",
		.password = "security-svc-secret",
		.name = "security-svc",
		.consumer = "api-svc" };
	struct err err;
	struct bus *b = bus_new(&o, &err);
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };

	assert_true(bus_connected(b));
	assert_false(ops.fetch(ops.self, s->arena, 1, 1000, &got, &err));
	assert_int_equal(err.code, ERR_DENIED);
	bus_free(b);
}

static void no_service_wakes_another_or_touches_streams(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		struct bus *b = user(*state, services[i]);

		is_denied(b, "cr.api.shop.x");
		is_denied(b, "job.shop.x");
		is_denied(b, "$JS.API.STREAM.DELETE.WORK");
		is_denied(b, "$JS.API.STREAM.PURGE.WORK");
		is_denied(b, "$JS.API.STREAM.MSG.GET.WORK");
		is_denied(b, "$JS.API.CONSUMER.CREATE.WORK.x");
		is_denied(b, "$JS.ACK.WORK.nobody.1.1.1.1.0");
		bus_free(b);
	}
}

static void who_tells_what_is_as_designed(void **state)
{
	struct bus *api = user(*state, "api-svc");
	struct bus *builder = user(*state, "builder-svc");
	struct bus *endpoint = user(*state, "endpoint-svc");

	is_allowed(api, "build.request.shop.x");
	is_allowed(api, "evt.api.accepted.shop.x");
	is_allowed(api, "evt.deploy.ready.shop.x");
	is_denied(api, "build.result.shop.x");
	is_denied(api, "evt.build.started.shop.x");
	is_allowed(builder, "build.result.shop.x");
	is_allowed(builder, "evt.build.started.shop.x");
	is_allowed(builder, "build.request.shop.x"); /* whose turn has come */
	is_denied(builder, "evt.api.accepted.shop.x");
	is_allowed(endpoint, "evt.endpoint.ready.shop.x");
	is_denied(endpoint, "evt.deploy.ready.shop.x");
	bus_free(api);
	bus_free(builder);
	bus_free(endpoint);
}

static void gateways_tell_usage_and_nothing_else(void **state)
{
	struct bus *gateway = user(*state, "gateway");
	struct bus *api = user(*state, "api-svc");

	is_allowed(gateway, "evt.usage.shop.x");
	is_denied(gateway, "evt.api.accepted.shop.x");
	is_denied(gateway, "evt.build.started.shop.x");
	is_denied(gateway, "cr.api.shop.x");
	is_denied(gateway, "build.result.shop.x");
	is_denied(gateway, "$JS.API.STREAM.MSG.GET.USAGE");
	is_denied(gateway, "$JS.API.STREAM.PURGE.USAGE");
	is_denied(gateway, "$JS.API.CONSUMER.CREATE.USAGE.x");
	is_denied(api, "evt.usage.shop.x");
	bus_free(gateway);
	bus_free(api);
}

static void a_foreign_inbox_cannot_be_read(void **state)
{
	struct server *s = *state;
	struct bus_options o = { .url = s->url,
		.user = "security-svc",
		.password = "security-svc-secret",
		.name = "api-svc",
		.consumer = "security-svc" };
	struct err err;
	struct bus *b = bus_new(&o, &err);
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };

	assert_false(ops.fetch(ops.self, s->arena, 1, 1000, &got, &err));
	assert_int_equal(err.code, ERR_DENIED);
	bus_free(b);
}

static void observers_publish_nothing(void **state)
{
	struct bus *b = user(*state, "observer");
	struct err err;

	assert_false(can_publish(b, "evt.api.accepted.shop.x", &err));
	assert_int_equal(err.code, ERR_DENIED);
	bus_free(b);
}

static void a_wrong_password_is_denied_and_tried_again(void **state)
{
	struct bus *b = as(*state, "api-svc", "wrong");
	struct err err;

	for (int i = 0; i < 30; i++) {
		assert_false(can_publish(b, "build.request.shop.x", &err));
		assert_true(err.code == ERR_DENIED || err.code == ERR_UNAVAILABLE);
		link_pause(link_now_us() + 100000);
	}
	assert_int_equal(err.code, ERR_DENIED);
	bus_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_watcher_wakes_and_ensures_the_topology_again),
		cmocka_unit_test(each_service_works_off_its_own_consumer),
		cmocka_unit_test(no_service_reads_the_consumer_of_another),
		cmocka_unit_test(no_service_wakes_another_or_touches_streams),
		cmocka_unit_test(who_tells_what_is_as_designed),
		cmocka_unit_test(gateways_tell_usage_and_nothing_else),
		cmocka_unit_test(a_foreign_inbox_cannot_be_read),
		cmocka_unit_test(observers_publish_nothing),
		cmocka_unit_test(a_wrong_password_is_denied_and_tried_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
