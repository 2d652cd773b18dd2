#include "gateway/launcher/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/core/contract.h"
#include "gateway/core/usage.h"
#include "gateway/launcher/clients.h"
#include "gateway/launcher/cpu.h"
#include "gateway/launcher/key.h"
#include "gateway/launcher/render.h"
#include "gateway/launcher/settings.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static bool write_file(const char *path, const char *bytes, size_t n, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t written = fd < 0 ? -1 : write(fd, bytes, n);
	bool ok = written == (ssize_t)n;

	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok || err_set(err, ERR_INVALID, "%s: %s", path, strerrordesc_np(errno));
}

static bool is_readable(struct arena *a, const char *dir, const char *name)
{
	return access(arena_printf(a, "%s/%s", dir, name), R_OK) == 0;
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 && access("/proc/net/if_inet6", R_OK) == 0;
}

static bool fill_run_dir(struct arena *a, const struct settings *s, struct err *err)
{
	static const char page[4096];
	struct contract *c = contract_load_file(a, s->contract, err);
	struct surroundings around = {
		.workers = s->workers ? s->workers : cpu_workers("/sys/fs/cgroup"),
		.ipv6 = has_ipv6(),
		.is_root = geteuid() == 0,
		.user_key = is_readable(a, s->tls_dir, "tls.crt") &&
			    is_readable(a, s->tls_dir, "tls.key"),
		.trust = certificate_files(a, s->trust_dir, s->ca_bundle),
	};
	const char *conf;

	if (!c)
		return false;
	if (mkdir(s->run_dir, 0750) != 0 && errno != EEXIST)
		return err_set(err, ERR_INVALID, "%s: %s", s->run_dir, strerrordesc_np(errno));
	if (!around.user_key && !key_make(s->run_dir, err))
		return false;
	if (!clients_gather(a, s, &around.client_trust, err))
		return false;
	conf = render(a, s, c, &around, err);
	return conf &&
	       write_file(arena_printf(a, "%s/state", s->run_dir), page, sizeof(page), err) &&
	       write_file(
		       arena_printf(a, "%s/" USAGE_COUNTS, s->run_dir), page, sizeof(page), err) &&
	       write_file(arena_printf(a, "%s/nginx.conf", s->run_dir), conf, strlen(conf), err);
}

bool prepare(const struct settings *s)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		AUTO(arena_auto) struct arena *a = arena_new();
		struct err err;

		if (fill_run_dir(a, s, &err))
			exit(EXIT_SUCCESS);
		(void)fprintf(stderr, "gateway: %s\n", err.msg);
		exit(EXIT_FAILURE);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void prepare_state(const struct settings *s, enum gateway_state state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	int fd = open(arena_printf(a, "%s/state", s->run_dir), O_WRONLY | O_CLOEXEC);
	unsigned char byte = (unsigned char)state;

	if (fd < 0 || pwrite(fd, &byte, 1, 0) != 1)
		(void)fprintf(stderr, "gateway: the state file cannot be written\n");
	if (fd >= 0)
		(void)close(fd);
}
