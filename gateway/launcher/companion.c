#include "gateway/launcher/companion.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/launcher/settings.h"

enum {
	AGAIN_MS = 5000,
	LAST_MS = 4000, /* more than it tries to publish for */
	POLL_MS = 10,
};

void companion_init(struct companion *c, const struct settings *s)
{
	*c = (struct companion){ .settings = s, .start_ms = s->usage_url && !s->quiet ? 0 : -1 };
}

static _Noreturn void become(const struct settings *s)
{
	char *const argv[] = { (char[]){ "gateway-usage" }, strdup(s->run_dir), NULL };

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)execv(s->usage_program, argv);
	(void)fprintf(stderr, "gateway: %s: %s\n", s->usage_program, strerrordesc_np(errno));
	_exit(127);
}

void companion_run(struct companion *c, int64_t now_ms)
{
	if (c->pid != 0 || c->start_ms < 0 || now_ms < c->start_ms)
		return;
	c->pid = fork();
	if (c->pid == 0)
		become(c->settings);
	c->start_ms = now_ms + AGAIN_MS; /* should there be no process */
	if (c->pid < 0)
		c->pid = 0;
}

int64_t companion_due_ms(const struct companion *c)
{
	return c->pid == 0 ? c->start_ms : -1;
}

void companion_ended(struct companion *c, pid_t pid, int status, int64_t now_ms)
{
	if (pid != c->pid)
		return;
	(void)fprintf(stderr, "gateway: gateway-usage ended with %d; it is started again\n",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	c->pid = 0;
	c->start_ms = now_ms + AGAIN_MS;
}

static bool has_ended(const struct companion *c)
{
	return waitpid(c->pid, NULL, WNOHANG) != 0;
}

void companion_stop(struct companion *c)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };

	if (c->pid == 0)
		return;
	(void)kill(c->pid, SIGTERM);
	for (int ms = 0; ms < LAST_MS && !has_ended(c); ms += POLL_MS)
		(void)nanosleep(&pause, NULL);
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
}
