#include "gateway/launcher/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Reaps whatever ended; true when nginx did. As PID 1 this process inherits all orphans. */
static bool reap(pid_t nginx, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == nginx) {
			*ret_status = exit_status(status);
			ended = true;
		}
	return ended;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The next signal; 0 when `until` is over first. -1: no limit. */
static int next_signal(const sigset_t *set, int64_t until)
{
	int64_t left = until - now_ms();
	struct timespec t;
	int number;

	if (until < 0) {
		number = sigwaitinfo(set, NULL);
		return number;
	}
	if (left < 0)
		left = 0;
	t = (struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
	number = sigtimedwait(set, NULL, &t);
	return number < 0 && errno == EAGAIN ? 0 : number;
}

/* What to do with a signal; *quit_at is when nginx gets its SIGQUIT, -1 when that is not due. */
static void obey(
	const struct settings *s, pid_t nginx, int number, int64_t *quit_at, bool *stopping)
{
	switch (number) {
	case SIGTERM:
		if (*stopping) {
			(void)kill(nginx, SIGTERM);
			return;
		}
		*stopping = true;
		prepare_draining(s);
		*quit_at = now_ms() + (int64_t)s->pre_stop_s * 1000;
		return;
	case SIGINT:
		(void)kill(nginx, SIGTERM);
		return;
	case SIGQUIT:
	case 0:
		*stopping = true;
		*quit_at = -1;
		prepare_draining(s);
		(void)kill(nginx, SIGQUIT);
		return;
	case SIGHUP:
	case SIGUSR1:
		(void)kill(nginx, number);
		return;
	default:
		return;
	}
}

int supervise(const struct settings *s, pid_t nginx)
{
	int64_t quit_at = -1;
	bool stopping = false;
	int status = 0;
	sigset_t set;

	signals_of_interest(&set);
	for (;;) {
		int number = next_signal(&set, quit_at);

		if (number == SIGCHLD && reap(nginx, &status))
			return status;
		if (number >= 0)
			obey(s, nginx, number, &quit_at, &stopping);
	}
}
