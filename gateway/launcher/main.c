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
	"  gateway             serve, until SIGTERM\n"
	"  gateway --check     load the contract and check the configuration, as at the start\n"
	"  gateway --prove     start on a free local port and let toolkit prove it\n"
	"  gateway --help | --version\n"
	"  build-gateway IN OUT\n"
	"                      compile IN/swagger to OUT/contract.json and prove it\n"
	"\n"
	"Settings are environment variables: GATEWAY_CONTRACT (/etc/gateway/contract.json), GATEWAY_RUN_DIR\n"
	"(/tmp/gateway), GATEWAY_TLS_DIR (/etc/gateway/tls), GATEWAY_TRUST_DIR (/etc/gateway/trust),\n"
	"GATEWAY_CREDENTIALS_DIR (/etc/gateway/credentials),\n"
	"GATEWAY_CLIENT_TRUST_DIR (/etc/gateway/clients),\n"
	"GATEWAY_WORKERS, GATEWAY_PRE_STOP_SECONDS (4), GATEWAY_DRAIN_SECONDS (20), GATEWAY_LOG_LEVEL (warn),\n"
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
	struct settings s;
	struct err err;

	if (!settings_read(&s, &err)) {
		(void)fprintf(stderr, "gateway: %s\n", err.msg);
		return EXIT_USAGE;
	}
	if (str_ends(name, "build-gateway"))
		return argc == 3 ? build(&s, argv[1], argv[2]) : misuse();
	if (argc == 1)
		return serve(&s);
	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(modes); i++)
		if (str_eq(argv[1], modes[i].option))
			return modes[i].run(&s);
	return misuse();
}
