#include "gateway/launcher/build.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/launcher/prepare.h"
#include "gateway/launcher/settings.h"
#include "gateway/launcher/supervise.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

static int wait_for(pid_t pid)
{
	int status;

	if (pid < 0)
		return EXIT_FAILURE;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t start(struct arena *a, struct vec *args)
{
	char **argv;
	pid_t pid;

	vec_add(a, args, NULL);
	argv = (char **)args->at;
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execv(argv[0], argv);
		(void)fprintf(stderr, "build-gateway: %s: %s\n", argv[0], strerrordesc_np(errno));
		_exit(127);
	}
	return pid;
}

static void add(struct arena *a, struct vec *args, const char *text)
{
	vec_add(a, args, arena_dup(a, text));
}

static void add_option(struct arena *a, struct vec *args, const char *option, const char *value)
{
	add(a, args, option);
	add(a, args, value);
}

/* A port that was free a moment ago. */
static unsigned int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned int port = 0;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &n) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		(void)close(fd);
	return port;
}

/* Whichever of two processes ends first. */
static pid_t first_to_end(pid_t one, pid_t other)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 || errno == EINTR) {
		if (info.si_pid == one || info.si_pid == other)
			return info.si_pid;
		(void)waitpid(info.si_pid, NULL, 0); /* an orphan that came to us as PID 1 */
	}
	return one;
}

static int prove(struct arena *a, const struct settings *s, pid_t nginx)
{
	struct vec args = { 0 };
	pid_t prover;

	add(a, &args, s->toolkit);
	add(a, &args, "prove");
	add_option(a, &args, "--contract", s->contract);
	add_option(a, &args, "--url", arena_printf(a, "http://127.0.0.1:%u", s->http_port));
	prover = start(a, &args);
	if (prover > 0 && first_to_end(prover, nginx) == nginx) {
		(void)kill(prover, SIGKILL);
		(void)wait_for(prover);
		return EXIT_FAILURE; /* nginx has said why */
	}
	return wait_for(prover);
}

/* A directory of its own, which goes again: a gateway may be running with the usual one, or the
 * file system become an image. */
static bool make_run_dir(struct arena *a, struct settings *s)
{
	char *dir = arena_dup(a, "/tmp/gateway-XXXXXX");

	s->run_dir = mkdtemp(dir);
	if (!s->run_dir)
		(void)fprintf(stderr, "gateway: /tmp: %s\n", strerrordesc_np(errno));
	return s->run_dir != NULL;
}

static void remove_run_dir(struct arena *a, const struct settings *s)
{
	static const char *const files[] = { "nginx.conf", "nginx.pid", "state", "tls.crt",
		"tls.key" };
	static const char *const folders[] = { "body", "proxy", "fastcgi", "uwsgi", "scgi" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(arena_printf(a, "%s/%s", s->run_dir, files[i]));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		(void)rmdir(arena_printf(a, "%s/%s", s->run_dir, folders[i]));
	(void)rmdir(s->run_dir);
}

int build_check(struct settings *s)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	static const char *const args[] = { "-t", "-q", "-e", "stderr", "-p" };
	struct vec argv = { 0 };
	int status = EXIT_FAILURE;

	if (!make_run_dir(a, s))
		return EXIT_FAILURE;
	add(a, &argv, s->nginx);
	for (size_t i = 0; i < ARRAY_LEN(args); i++)
		add(a, &argv, args[i]);
	add(a, &argv, s->run_dir);
	add_option(a, &argv, "-c", arena_printf(a, "%s/nginx.conf", s->run_dir));
	if (prepare(s))
		status = wait_for(start(a, &argv));
	remove_run_dir(a, s);
	return status;
}

int build_prove(struct settings *s)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	int status = EXIT_FAILURE;
	pid_t nginx;

	s->quiet = true;
	s->workers = 1;
	s->bind = "127.0.0.1";
	s->http_port = free_port();
	s->https_port = free_port();
	s->metrics_port = free_port();
	s->token_port = free_port();
	if (!make_run_dir(a, s))
		return EXIT_FAILURE;
	nginx = prepare(s) ? supervise_start(s) : -1;
	if (nginx > 0) {
		status = prove(a, s, nginx);
		(void)kill(nginx, SIGTERM);
		(void)wait_for(nginx);
	}
	remove_run_dir(a, s);
	return status;
}

int build(struct settings *s, const char *in, const char *out)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *conf = arena_printf(a, "%s/mgwconf/micro-gw.conf", in);
	const char *expected = getenv("CONTRACT_SHA256");
	struct vec args = { 0 };
	int status;

	add(a, &args, s->toolkit);
	add(a, &args, "compile");
	add_option(a, &args, "--swagger", arena_printf(a, "%s/swagger", in));
	add_option(a, &args, "--out", out);
	if (access(conf, R_OK) == 0)
		add_option(a, &args, "--conf", conf);
	if (!str_empty(expected))
		add_option(a, &args, "--expect", expected);
	status = wait_for(start(a, &args));
	if (status != 0)
		return status;
	s->contract = arena_printf(a, "%s/contract.json", out);
	return build_prove(s);
}
