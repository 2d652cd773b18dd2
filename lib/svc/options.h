/* What every service can be told, by flag or environment variable; one table, also printed by
 * --help. */
#ifndef LIB_SVC_OPTIONS_H
#define LIB_SVC_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *kubeconfig;
	const char *nats_url;
	const char *nats_user;
	const char *nats_password;
	const char *nats_ca;
	const char *system_namespace;
	const char *pod_name;
	const char *listen_port;
	const char *log_level;
	const char *bus_replicas;   /* watcher: copies of each stream */
	const char *relist_seconds; /* watcher: time between two complete comparisons */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_EXIT_OK,    /* --help or --version was asked for and printed */
	OPTIONS_EXIT_USAGE, /* the mistake was printed to standard error */
};

/* Flags win over the environment, the environment over defaults. Texts are borrowed from argv and
 * the environment. */
enum options_result options_parse(
	const char *name, const char *about, int argc, char **argv, struct options *ret);

#endif
