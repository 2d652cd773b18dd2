#include "gateway/launcher/cpu.h"

#include <sched.h>
#include <stdio.h>

#include "lib/base/arena.h"

enum {
	MOST_UNLIMITED = 4
};

unsigned int cpu_of_quota(long quota, long period)
{
	if (quota <= 0 || period <= 0)
		return 0;
	return (unsigned int)((quota + period - 1) / period);
}

unsigned int cpu_parse_max(const char *text)
{
	long quota, period;

	if (sscanf(text, "%12ld %12ld", &quota, &period) != 2)
		return 0;
	return cpu_of_quota(quota, period);
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool read_line(const char *root, const char *name, char *to, size_t size)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	AUTO(close_file) FILE *f = fopen(arena_printf(a, "%s/%s", root, name), "rbe");

	return f && fgets(to, (int)size, f);
}

static unsigned int limit(const char *root)
{
	static const char *const v1[] = { "cpu", "cpu,cpuacct" };
	char quota[64], period[64];

	if (read_line(root, "cpu.max", quota, sizeof(quota)))
		return cpu_parse_max(quota);
	for (size_t i = 0; i < ARRAY_LEN(v1); i++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		const char *dir = arena_printf(a, "%s/%s", root, v1[i]);

		if (read_line(dir, "cpu.cfs_quota_us", quota, sizeof(quota)) &&
			read_line(dir, "cpu.cfs_period_us", period, sizeof(period)))
			return cpu_of_quota(strtol(quota, NULL, 10), strtol(period, NULL, 10));
	}
	return 0;
}

unsigned int cpu_workers(const char *root)
{
	unsigned int n = limit(root);
	unsigned int here = 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		here = (unsigned int)CPU_COUNT(&set);
	if (n == 0)
		return here < MOST_UNLIMITED ? here : MOST_UNLIMITED;
	return n < here ? n : here;
}
