/* gateway-usage RUN_DIR: adds up what nginx' workers tell about requests and publishes it. Started
 * by the launcher, beside nginx. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/core/usage.h"
#include "gateway/usage/collect.h"
#include "gateway/usage/publish.h"
#include "gateway/usage/tally.h"
#include "lib/api/name.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum {
	BATCH_LINES = 500, /* published before the time is over */
	DEFAULT_S = 5,
	MAX_S = 3600,
	LAST_WORDS_MS = 2000,
	EXIT_USAGE = 2,
};

static bool read_seconds(int64_t *ret, struct err *err)
{
	const char *text = getenv("GATEWAY_USAGE_SECONDS");
	size_t n = text ? strspn(text, "0123456789") : 0;

	*ret = DEFAULT_S;
	if (!text)
		return true;
	*ret = strtol(text, NULL, 10);
	return (n > 0 && n < 6 && text[n] == '\0' && *ret > 0 && *ret <= MAX_S) ||
	       err_set(err, ERR_INVALID,
		       "GATEWAY_USAGE_SECONDS: \"%.100s\", expected a number from 1 to %d", text,
		       MAX_S);
}

/* "namespace/name" */
static bool read_api(struct arena *a, struct publish_options *ret, struct err *err)
{
	const char *text = getenv("GATEWAY_USAGE_API");
	const char *slash = text ? strchr(text, '/') : NULL;

	ret->ns = slash ? arena_dupn(a, text, (size_t)(slash - text)) : "";
	ret->api = slash ? slash + 1 : "";
	return (name_is_label(ret->ns) && name_is_subdomain(ret->api)) ||
	       err_set(err, ERR_INVALID,
		       "GATEWAY_USAGE_API: \"%.100s\", expected namespace/name of the API",
		       text ? text : "");
}

static bool read_options(struct arena *a, struct publish_options *ret, struct err *err)
{
	static char host[HOST_NAME_MAX + 1];
	const char *folder = getenv("GATEWAY_USAGE_DIR");
	const char *instance = getenv("GATEWAY_INSTANCE");

	(void)gethostname(host, sizeof(host) - 1);
	*ret = (struct publish_options){
		.url = getenv("GATEWAY_USAGE_URL"),
		.folder = folder ? folder : "/etc/gateway/usage",
		.gateway = str_empty(instance) ? host : instance,
		.last_words_ms = LAST_WORDS_MS,
	};
	return read_api(a, ret, err);
}

/* NULL: nobody looks at them. */
static struct usage_counts *map_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *page = fd < 0 ? MAP_FAILED
			    : mmap(NULL, sizeof(struct usage_counts), PROT_READ | PROT_WRITE,
				      MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	return page == MAP_FAILED ? NULL : page;
}

static void publish_for_ever(
	struct publisher *p, struct collector *c, struct usage_counts *counts, int64_t seconds)
{
	uint64_t lost = 0;
	bool is_last;

	do {
		uint64_t published, told = lost; /* those of the last tally were counted */
		const struct tally *t;

		collector_wait(c, seconds * 1000, BATCH_LINES);
		is_last = collector_has_ended(c);
		t = collector_take(c);
		publish_tally(p, t, c, &published, &lost);
		collector_lose(c, lost);
		__atomic_fetch_add(&counts->published, published, __ATOMIC_RELAXED);
		__atomic_fetch_add(&counts->lost, lost + tally_lost(t) - told, __ATOMIC_RELAXED);
	} while (!is_last);
}

static void block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool run(struct arena *a, const char *run_dir, struct err *err)
{
	struct usage_counts *counts = map_counts(arena_printf(a, "%s/" USAGE_COUNTS, run_dir));
	struct usage_counts own = { 0 };
	struct publish_options o;
	struct publisher *p;
	struct collector *c;
	int64_t seconds;

	if (!read_options(a, &o, err) || !read_seconds(&seconds, err))
		return false;
	p = publisher_new(&o, err);
	if (!p)
		return false;
	c = collector_start(arena_printf(a, "%s/" USAGE_SOCKET, run_dir), err);
	if (c) {
		publish_for_ever(p, c, counts ? counts : &own, seconds);
		collector_free(c);
	}
	publisher_free(p);
	return c != NULL;
}

int main(int argc, char **argv)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err;

	if (argc != 2 || argv[1][0] == '-') {
		(void)fputs("usage: gateway-usage RUN_DIR (the launcher starts it)\n", stderr);
		return EXIT_USAGE;
	}
	block_signals();
	if (run(a, argv[1], &err))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "gateway-usage: %s\n", err.msg);
	return EXIT_USAGE;
}
