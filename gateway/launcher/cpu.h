/* How many processors a container may use. */
#ifndef GATEWAY_LAUNCHER_CPU_H
#define GATEWAY_LAUNCHER_CPU_H

#include <stdbool.h>

/* The cgroup's limit rounded up, at least 1, at most the processors this process may run on;
 * without a limit those, at most 4: more workers cost memory on every node and help few. root is
 * "/sys/fs/cgroup"; versions 1 and 2 are understood. */
unsigned int cpu_workers(const char *root);

/* "200000 100000" or "max 100000" (version 2): processors rounded up; 0: no limit. */
unsigned int cpu_parse_max(const char *text);

/* Version 1: quota and period in microseconds; quota -1: no limit. */
unsigned int cpu_of_quota(long quota, long period);

#endif
