#include "gateway/launcher/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/launcher/companion.h"
#include "gateway/launcher/key.h"
#include "gateway/launcher/prepare.h"
#include "gateway/launcher/settings.h"
#include "lib/base/arena.h"

static void signals_of_interest(sigset_t *ret)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGCHLD };

	(void)sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		(void)sigaddset(ret, numbers[i]);
}

void supervise_block_signals(void)
{
	sigset_t set;

	signals_of_interest(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* nginx takes two descriptors per request; the soft limit is for programs that use select. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void discard_output(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)dup2(fd, STDOUT_FILENO);
}

static _Noreturn void become_nginx(const struct settings *s)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *conf = arena_printf(a, "%s/nginx.conf", s->run_dir);
	char *const argv[] = { (char[]){ "nginx" }, (char[]){ "-e" }, (char[]){ "stderr" },
		(char[]){ "-p" }, arena_dup(a, s->run_dir), (char[]){ "-c" }, conf, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	allow_descriptors();
	if (s->quiet)
		discard_output();
	(void)execv(s->nginx, argv);
	(void)fprintf(stderr, "gateway: %s: %s\n", s->nginx, strerrordesc_np(errno));
	_exit(127);
}

pid_t supervise_start(const struct settings *s)
{
	pid_t pid = fork();

	if (pid == 0)
		become_nginx(s);
	return pid;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reaps whatever ended; true when nginx did. As PID 1 this process inherits all orphans. */
static bool reap(pid_t nginx, struct companion *c, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == nginx) {
			*ret_status = exit_status(status);
			ended = true;
		} else {
			companion_ended(c, pid, status, now_ms());
		}
	return ended;
}

/* ---- what happens when ---- */

enum phase {
	SERVING,
	BEFORE_RELOAD, /* answers end their connections, so that none is in use when workers change
			*/
	AFTER_RELOAD,  /* until the new workers have taken over */
	BEFORE_STOP,
	STOPPING,
};

enum {
	RELOAD_MS = 1000,
	LOOK_MS = 1000, /* between two looks at a mounted TLS key */
};

struct supervisor {
	const struct settings *settings;
	pid_t nginx;
	enum phase phase;
	int64_t until_ms; /* of the phase; -1: for ever */
	struct key_version key;
};

static void enter(struct supervisor *v, enum phase phase, enum gateway_state state, int64_t ms)
{
	v->phase = phase;
	v->until_ms = ms < 0 ? -1 : now_ms() + ms;
	prepare_state(v->settings, state);
}

static void serve(struct supervisor *v)
{
	enter(v, SERVING, GATEWAY_SERVING, v->key.exists ? LOOK_MS : -1);
}

/* Kubernetes renews what is mounted: nginx is to read it again. */
static void look_at_key(struct supervisor *v)
{
	struct key_version now = key_version(v->settings->tls_dir);

	if (!now.exists || key_version_eq(&now, &v->key)) {
		v->until_ms = now_ms() + LOOK_MS;
		return;
	}
	v->key = now;
	enter(v, BEFORE_RELOAD, GATEWAY_RELOADING, RELOAD_MS);
}

static void stop(struct supervisor *v)
{
	enter(v, STOPPING, GATEWAY_ENDING, -1);
	(void)kill(v->nginx, SIGQUIT);
}

/* The time of the phase is over. */
static void go_on(struct supervisor *v)
{
	switch (v->phase) {
	case BEFORE_RELOAD:
		(void)kill(v->nginx, SIGHUP);
		enter(v, AFTER_RELOAD, GATEWAY_RELOADING, RELOAD_MS);
		return;
	case AFTER_RELOAD:
		serve(v);
		return;
	case BEFORE_STOP:
		stop(v);
		return;
	case SERVING:
		look_at_key(v);
		return;
	case STOPPING:
		return;
	}
}

static bool is_stopping(const struct supervisor *v)
{
	return v->phase == BEFORE_STOP || v->phase == STOPPING;
}

static void obey(struct supervisor *v, int number)
{
	switch (number) {
	case SIGTERM:
		if (is_stopping(v))
			(void)kill(v->nginx, SIGTERM);
		else
			enter(v, BEFORE_STOP, GATEWAY_ENDING,
				(int64_t)v->settings->pre_stop_s * 1000);
		return;
	case SIGINT:
		(void)kill(v->nginx, SIGTERM);
		return;
	case SIGQUIT:
		stop(v);
		return;
	case SIGHUP:
		if (!is_stopping(v))
			enter(v, BEFORE_RELOAD, GATEWAY_RELOADING, RELOAD_MS);
		return;
	case SIGUSR1:
		(void)kill(v->nginx, number);
		return;
	default:
		return;
	}
}

/* The next signal; 0 when the time of the phase is over first, -1 when interrupted. */
static int next_signal(const sigset_t *set, int64_t until_ms)
{
	int64_t left = until_ms - now_ms();
	struct timespec t;
	int number;

	if (until_ms < 0)
		return sigwaitinfo(set, NULL);
	if (left < 0)
		left = 0;
	t = (struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	number = sigtimedwait(set, NULL, &t);
	return number < 0 && errno == EAGAIN ? 0 : number;
}

/* Of two times, -1 being never. */
static int64_t sooner(int64_t x, int64_t y)
{
	return x < 0 || (y >= 0 && y < x) ? y : x;
}

int supervise(const struct settings *s, pid_t nginx)
{
	struct supervisor v = { .settings = s, .nginx = nginx, .key = key_version(s->tls_dir) };
	struct companion c;
	int status = 0;
	sigset_t set;

	signals_of_interest(&set);
	companion_init(&c, s);
	v.until_ms = v.key.exists ? now_ms() + LOOK_MS : -1;
	for (;;) {
		int number;

		companion_run(&c, now_ms());
		number = next_signal(&set, sooner(v.until_ms, companion_due_ms(&c)));
		if (number == SIGCHLD && reap(nginx, &c, &status))
			break;
		if (number != 0)
			obey(&v, number);
		else if (v.until_ms >= 0 && now_ms() >= v.until_ms)
			go_on(&v);
	}
	companion_stop(&c);
	return status;
}
