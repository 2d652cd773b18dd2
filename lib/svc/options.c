#include "lib/svc/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/version.h"

struct option_row {
	const char *flag;
	const char *env;
	const char *otherwise;
	const char *help;
	size_t offset;
};

#define AT(field) offsetof(struct options, field)

static const struct option_row rows[] = {
	{ "kubeconfig", "KUBECONFIG", NULL,
		"file that says where the API server is (default: in-cluster)", AT(kubeconfig) },
	{ "nats-url", "NATS_URL", "nats://nats.wso2-system:4222", "message bus", AT(nats_url) },
	{ "nats-user", "NATS_USER", NULL, "user on the bus", AT(nats_user) },
	{ NULL, "NATS_PASSWORD", NULL, "password on the bus", AT(nats_password) },
	{ "nats-ca", "NATS_CA", NULL, "CA file: use TLS to the bus", AT(nats_ca) },
	{ "system-namespace", "SYSTEM_NAMESPACE", "wso2-system",
		"namespace of the operator's configuration", AT(system_namespace) },
	{ "pod-name", "POD_NAME", "local", "who we are, in events and leases", AT(pod_name) },
	{ "listen-port", "LISTEN_PORT", "8080",
		"/healthz, /readyz and /metrics; 0: a free one, -1: none", AT(listen_port) },
	{ "log-level", "LOG_LEVEL", "info", "error, info or debug", AT(log_level) },
	{ "bus-replicas", "BUS_REPLICAS", "1", "watcher: copies of each stream, 1 or 3",
		AT(bus_replicas) },
	{ "relist-seconds", "RELIST_SECONDS", "600", "watcher: time between complete comparisons",
		AT(relist_seconds) },
};

static const char **field(struct options *o, size_t row)
{
	return (const char **)(void *)((char *)o + rows[row].offset);
}

static void print_help(const char *name, const char *about)
{
	printf("%s: %s\n\nusage: %s [options]\n\n", name, about, name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("  %s%-18s %s\n  %20s environment %s%s%s\n", rows[i].flag ? "--" : "  ",
			rows[i].flag ? rows[i].flag : "", rows[i].help, "", rows[i].env,
			rows[i].otherwise ? ", default " : "",
			rows[i].otherwise ? rows[i].otherwise : "");
	printf("  --help, --version\n");
}

static void defaults(struct options *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *value = getenv(rows[i].env);

		*field(ret, i) = value && *value ? value : rows[i].otherwise;
	}
}

enum options_result options_parse(
	const char *name, const char *about, int argc, char **argv, struct options *ret)
{
	enum {
		HELP = ARRAY_LEN(rows),
		VERSION
	};
	struct option table[ARRAY_LEN(rows) + 3] = { { 0 } };
	size_t n = 0;
	int which;

	defaults(ret);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].flag)
			table[n++] =
				(struct option){ rows[i].flag, required_argument, NULL, (int)i };
	table[n++] = (struct option){ "help", no_argument, NULL, HELP };
	table[n] = (struct option){ "version", no_argument, NULL, VERSION };
	while ((which = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (which == HELP) {
			print_help(name, about);
			return OPTIONS_EXIT_OK;
		}
		if (which == VERSION) {
			printf("%s %s\n", name, APIM_VERSION);
			return OPTIONS_EXIT_OK;
		}
		if (which == '?')
			return OPTIONS_EXIT_USAGE;
		*field(ret, (size_t)which) = optarg;
	}
	if (optind < argc) {
		(void)fprintf(
			stderr, "%s: unexpected argument \"%s\"; see --help\n", name, argv[optind]);
		return OPTIONS_EXIT_USAGE;
	}
	return OPTIONS_RUN;
}
