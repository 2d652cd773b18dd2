/* gateway: starts nginx with a contract, and ends it well. As build-gateway: makes a contract and
 * proves it. */
#include <stdio.h>

#include "gateway/launcher/build.h"
#include "gateway/launcher/prepare.h"
#include "gateway/launcher/settings.h"
#include "gateway/launcher/supervise.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

enum {
	EXIT_USAGE = 2
};

static const char help[] =
	"Serves the APIs of a contract.\n"
	"\n"
	"  gateway [DIR]             serve, until SIGTERM\n"
	"  gateway --prepare [DIR]   write nginx.conf and what it needs, for nginx -e stderr -c\n"
	"  gateway --check [DIR]     load the contract and check the configuration, as at the start\n"
	"  gateway --prove [DIR]     start on a free local port and let toolkit prove it\n"
	"  gateway --help | --version\n"
	"  build-gateway IN OUT\n"
	"                            compile IN/swagger to OUT/contract.json and prove it\n"
	"\n"
	"DIR is what toolkit build made: its contract.json is served, its run is written to.\n"
	"Settings are environment variables: GATEWAY_CONTRACT (/etc/gateway/contract.json), GATEWAY_RUN_DIR\n"
	"(/tmp/gateway), GATEWAY_TLS_DIR (/etc/gateway/tls), GATEWAY_TRUST_DIR (/etc/gateway/trust),\n"
	"GATEWAY_CREDENTIALS_DIR (/etc/gateway/credentials), GATEWAY_REVOKED (/etc/gateway/revoked/list),\n"
	"GATEWAY_CLIENT_TRUST_DIR (/etc/gateway/clients),\n"
	"GATEWAY_WORKERS, GATEWAY_PRE_STOP_SECONDS (4), GATEWAY_DRAIN_SECONDS (20), GATEWAY_LOG_LEVEL (warn),\n"
	"GATEWAY_LIMIT_COUNTERS (65536), GATEWAY_REPLICAS, GATEWAY_REPLICAS_ADDRESS, GATEWAY_REPLICAS_PORT (9798),\n"
	"GATEWAY_REPLICAS_KEY (/etc/gateway/replicas/key), GATEWAY_INSTANCE (the host's name),\n"
	"GATEWAY_BIND, GATEWAY_HTTP_PORT, GATEWAY_HTTPS_PORT, GATEWAY_METRICS_PORT.\n";

static int serve(struct settings *s)
{
	pid_t nginx;

	supervise_block_signals();
	if (!prepare(s))
		return EXIT_FAILURE;
	nginx = supervise_start(s);
	return nginx < 0 ? EXIT_FAILURE : supervise(s, nginx);
}

static int prepare_only(struct settings *s)
{
	if (!prepare(s))
		return EXIT_FAILURE;
	return printf("%s/nginx.conf\n", s->run_dir) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_help(struct settings *s)
{
	(void)s;
	return fputs(help, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_version(struct settings *s)
{
	(void)s;
	return puts("gateway " APIM_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct {
	const char *option;
	int (*run)(struct settings *s);
} modes[] = {
	{ "--prepare", prepare_only },
	{ "--check", build_check },
	{ "--prove", build_prove },
	{ "--help", print_help },
	{ "--version", print_version },
};

static int misuse(void)
{
	(void)fputs("gateway: wrong usage; see gateway --help\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "gateway";
	int (*run)(struct settings * s) = serve;
	struct settings s;
	struct err err;
	int at;

	if (!settings_read(&s, &err)) {
		(void)fprintf(stderr, "gateway: %s\n", err.msg);
		return EXIT_USAGE;
	}
	if (str_ends(name, "build-gateway"))
		return argc == 3 ? build(&s, argv[1], argv[2]) : misuse();
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(modes); i++)
		if (str_eq(argv[1], modes[i].option))
			run = modes[i].run;
	at = run == serve ? 1 : 2;
	if (argc > at + 1 || (argc > at && argv[at][0] == '-'))
		return misuse();
	if (argc > at && !settings_of_directory(&s, argv[at], &err)) {
		(void)fprintf(stderr, "gateway: %s\n", err.msg);
		return EXIT_USAGE;
	}
	return run(&s);
}
