#include "tests/support/nats.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *from_harness(const char *name)
{
	const char *value = getenv(name);

	if (!value) {
		(void)fprintf(stderr,
			"SKIPPED: %s is not set; run this by tests/integration/with-nats.sh\n",
			name);
		exit(getenv("CI") ? 1 : 77);
	}
	return value;
}

static void pause_10ms(void)
{
	(void)nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

const char *nats_url(void)
{
	return from_harness("NATS_URL");
}

static bool accepts(void)
{
	const char *port = strrchr(nats_url(), ':') + 1;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

	(void)close(fd);
	return ok;
}

static pid_t server_pid(void)
{
	FILE *f = fopen(from_harness("NATS_PID_FILE"), "re");
	char line[32] = "";

	if (f) {
		(void)!fgets(line, sizeof(line), f);
		(void)fclose(f);
	}
	return (pid_t)strtol(line, NULL, 10);
}

void nats_kill(void)
{
	int fd = open(from_harness("NATS_HOLD_FILE"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	pid_t pid = server_pid();

	(void)close(fd);
	if (pid <= 1)
		abort();
	(void)kill(pid, SIGKILL);
	while (accepts())
		pause_10ms();
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void nats_wipe(void)
{
	(void)nftw(from_harness("NATS_STORE"), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void nats_start(void)
{
	(void)unlink(from_harness("NATS_HOLD_FILE"));
	while (!accepts())
		pause_10ms();
}

void nats_restart(void)
{
	nats_kill();
	nats_start();
}

void nats_stop(void)
{
	(void)kill(server_pid(), SIGSTOP);
}

void nats_continue(void)
{
	(void)kill(server_pid(), SIGCONT);
}
