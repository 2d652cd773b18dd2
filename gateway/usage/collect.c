#include "gateway/usage/collect.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/core/usage.h"
#include "gateway/usage/tally.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"

struct collector {
	pthread_t thread;
	int socket;
	int signals;

	pthread_mutex_t lock; /* guards what stands below */
	pthread_cond_t news;
	struct tally *filling;
	struct tally *taken;
	size_t awaited_lines;
	bool ended;
};

static int64_t now_ms(void)
{
	struct clock_ops clock = clock_real();

	return clock.now_ms(clock.self);
}

/* ---- the thread ---- */

static void take_in(struct collector *c, const char *bytes, size_t n)
{
	int64_t now = now_ms();
	struct usage_reader r;
	struct usage u;

	if (!usage_read(&r, bytes, n))
		return;
	(void)pthread_mutex_lock(&c->lock);
	tally_lose(c->filling, r.lost, now);
	while (usage_next(&r, &u))
		tally_add(c->filling, &u, now);
	if (tally_lines(c->filling) >= c->awaited_lines)
		(void)pthread_cond_signal(&c->news);
	(void)pthread_mutex_unlock(&c->lock);
}

static void take_all_in(struct collector *c)
{
	char datagram[USAGE_MAX_DATAGRAM];
	ssize_t n;

	while ((n = recv(c->socket, datagram, sizeof(datagram), MSG_DONTWAIT)) >= 0)
		take_in(c, datagram, (size_t)n);
}

static void *collect(void *arg)
{
	struct collector *c = arg;
	struct pollfd fds[] = { { .fd = c->socket, .events = POLLIN },
		{ .fd = c->signals, .events = POLLIN } };

	do {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			abort();
		take_all_in(c);
	} while (!(fds[1].revents & POLLIN));
	(void)pthread_mutex_lock(&c->lock);
	c->ended = true;
	(void)pthread_cond_signal(&c->news);
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- for the publisher ---- */

static int listen_at(const char *path, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path)) {
		err_set(err, ERR_INVALID, "%s: expected a path of at most %zu bytes", path,
			sizeof(at.sun_path) - 1);
		goto failed;
	}
	memcpy(at.sun_path, path, strlen(path));
	(void)unlink(path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	err_set(err, ERR_UNAVAILABLE, "%s: %s", path, strerrordesc_np(errno));
failed:
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static void prepare_waiting(struct collector *c)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->news, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	(void)pthread_mutex_init(&c->lock, NULL);
}

struct collector *collector_start(const char *path, struct err *err)
{
	struct collector *c;
	sigset_t set;
	int fd = listen_at(path, err);

	if (fd < 0)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	c->socket = fd;
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	c->filling = tally_new();
	c->taken = tally_new();
	c->awaited_lines = SIZE_MAX;
	prepare_waiting(c);
	if (c->signals < 0 || pthread_create(&c->thread, NULL, collect, c) != 0)
		abort();
	return c;
}

void collector_free(struct collector *c)
{
	(void)pthread_join(c->thread, NULL);
	(void)close(c->socket);
	(void)close(c->signals);
	(void)pthread_cond_destroy(&c->news);
	(void)pthread_mutex_destroy(&c->lock);
	tally_free(c->filling);
	tally_free(c->taken);
	free(c);
}

static struct timespec in_future(int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

void collector_wait(struct collector *c, int64_t ms, size_t lines)
{
	struct timespec until = in_future(ms);

	(void)pthread_mutex_lock(&c->lock);
	c->awaited_lines = lines;
	while (!c->ended && tally_lines(c->filling) < lines)
		if (pthread_cond_timedwait(&c->news, &c->lock, &until) != 0)
			break;
	c->awaited_lines = SIZE_MAX;
	(void)pthread_mutex_unlock(&c->lock);
}

void collector_pause(struct collector *c, int64_t ms)
{
	struct timespec until = in_future(ms);

	(void)pthread_mutex_lock(&c->lock);
	while (pthread_cond_timedwait(&c->news, &c->lock, &until) == 0)
		;
	(void)pthread_mutex_unlock(&c->lock);
}

void collector_lose(struct collector *c, uint64_t requests)
{
	(void)pthread_mutex_lock(&c->lock);
	tally_lose(c->filling, requests, now_ms());
	(void)pthread_mutex_unlock(&c->lock);
}

bool collector_has_ended(struct collector *c)
{
	bool ended;

	(void)pthread_mutex_lock(&c->lock);
	ended = c->ended;
	(void)pthread_mutex_unlock(&c->lock);
	return ended;
}

struct tally *collector_take(struct collector *c)
{
	struct tally *full;

	tally_clear(c->taken);
	(void)pthread_mutex_lock(&c->lock);
	full = c->filling;
	c->filling = c->taken;
	c->taken = full;
	(void)pthread_mutex_unlock(&c->lock);
	return full;
}
