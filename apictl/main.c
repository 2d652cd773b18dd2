/* apictl: adds, updates, removes and lists APIs. Also the plugins kubectl-apim, kubectl-add and
 * kubectl-update. */
#include <unistd.h>

#include "apictl/args.h"
#include "apictl/commands.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/kube/kube.h"

enum {
	EXIT_USAGE = 2
};

static bool version_run(struct cli *cli, const struct args *args, struct err *err);

struct command {
	const char *verb;
	const char *noun;   /* NULL: none */
	const char *plural; /* of the noun, also understood */
	bool (*run)(struct cli *, const struct args *, struct err *);
	unsigned int flags;
	bool cluster; /* needs an API server */
	const char *arguments;
	const char *about;
	const char *more; /* for --help of the command */
};

static const struct command commands[] = {
	{ "set", NULL, NULL, set_run, FLAG_MODE, false, "--mode k8s", "set how apictl works",
		"With --mode k8s, commands that apictl does not know go to kubectl: `apictl get pods`.\n"
		"--mode default ends that. The commands for APIs work in either mode." },
	{ "add", "api", "apis", add_run,
		FLAG_NAME | FLAG_NAMESPACE | FLAG_FILE | FLAG_REPLICAS | FLAG_MODE | FLAG_OVERRIDE,
		true, "-n NAME --from-file=FILE", "add an API from an OpenAPI document",
		"Makes a ConfigMap with the document and an API that names it. With several documents,\n"
		"one gateway serves them all. MODE is privateJet, sidecar or shared.\n\n"
		"  apictl add api -n online-store --from-file=products_swagger.yaml\n"
		"  apictl add api online-store -n shop --from-file=swagger.yaml --replicas=2" },
	{ "update", "api", "apis", update_run,
		FLAG_NAME | FLAG_NAMESPACE | FLAG_FILE | FLAG_REPLICAS | FLAG_MODE | FLAG_OVERRIDE,
		true, "-n NAME --from-file=FILE", "give an API a new document",
		"Replaces the content of the ConfigMaps that the API names; the gateway follows by a\n"
		"rolling update. MODE is privateJet, sidecar or shared.\n\n"
		"  apictl update api -n online-store --from-file=products_swagger.yaml" },
	{ "delete", "api", "apis", delete_run, FLAG_NAME | FLAG_NAMESPACE, true, "-n NAME",
		"remove an API and its gateway", "  apictl delete api -n online-store" },
	{ "get", "api", "apis", get_run, FLAG_NAMESPACE | FLAG_ALL_NAMESPACES, true, "[NAME...]",
		"list APIs", "  apictl get apis\n  apictl get apis -n shop" },
	{ "system", "init", NULL, system_init_run, FLAG_NAMESPACE, true, "",
		"make the passwords of the operator's message bus",
		"Makes the Secret apim-bus-credentials in the operator's namespace (SYSTEM_NAMESPACE, or\n"
		"wso2-system), or what is missing in it. Does nothing when all is there." },
	{ "version", NULL, NULL, version_run, 0, false, "", "print the version", "" },
};

static bool version_run(struct cli *cli, const struct args *args, struct err *err)
{
	(void)args;
	(void)err;
	(void)fprintf(cli->out, "apictl %s\n", APIM_VERSION);
	return true;
}

/* ---- help ---- */

static void print_name(const struct command *c)
{
	printf("apictl %s%s%s %s", c->verb, c->noun ? " " : "", c->noun ? c->noun : "",
		c->arguments);
}

static void print_command_help(const struct command *c)
{
	printf("%s\n\nusage: ", c->about);
	print_name(c);
	printf(" [flags]\n\n%s%s", c->more, *c->more ? "\n\n" : "");
	args_print_help(c->flags);
}

static void print_help(void)
{
	printf("apictl manages APIs on Kubernetes.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		printf("  %-7s %-5s %s\n", c->verb, c->noun ? c->noun : "", c->about);
	}
	printf("\n`apictl COMMAND --help` tells more.\n");
}

/* ---- from words to a command ---- */

static bool is_help(const char *word)
{
	return str_eq(word, "--help") || str_eq(word, "-h") || str_eq(word, "help");
}

/* *ret_words: how many words the command's name takes. NULL: no such command. */
static const struct command *find(int argc, char **argv, int *ret_words)
{
	const char *noun = argc > 1 ? argv[1] : NULL;

	for (size_t i = 0; argc > 0 && i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		if (!str_eq(argv[0], c->verb))
			continue;
		*ret_words = c->noun ? 2 : 1;
		if (!c->noun || str_eq(noun, c->noun) || (c->plural && str_eq(noun, c->plural)))
			return c;
		if (noun && is_help(noun))
			return c;
	}
	return NULL;
}

/* The verb that stands in the name of a plugin: kubectl-add. NULL for our own name and
 * kubectl-apim. */
static const char *plugin_verb(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	if (str_eq(name, "kubectl-add"))
		return "add";
	return str_eq(name, "kubectl-update") ? "update" : NULL;
}

static int usage_error(const char *text, const struct command *c)
{
	(void)fprintf(stderr, "error: %s\nSee 'apictl %s%s%s --help'.\n", text, c ? c->verb : "",
		c && c->noun ? " " : "", c && c->noun ? c->noun : "");
	return EXIT_USAGE;
}

static int unknown(struct arena *a, int argc, char **argv)
{
	char **line = arena_alloc(a, ((size_t)argc + 2) * sizeof(*line));

	if (!set_mode_is_kubernetes(a)) {
		(void)fprintf(stderr,
			"error: unknown command \"%s%s%s\"\nSee 'apictl --help'. After 'apictl set --mode k8s', kubectl's "
			"commands work too.\n",
			argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
		return EXIT_USAGE;
	}
	line[0] = arena_dup(a, "kubectl");
	for (int i = 0; i < argc; i++)
		line[i + 1] = argv[i];
	(void)execvp(line[0], line);
	(void)fprintf(stderr, "error: kubectl cannot be run; is it installed and on the PATH?\n");
	return EXIT_FAILURE;
}

/* ---- running ---- */

/* As kubectl words it. */
static void print_error(const struct err *err)
{
	static const char *const words[] = {
		[ERR_NOT_FOUND] = "Error from server (NotFound)",
		[ERR_CONFLICT] = "Error from server (Conflict)",
		[ERR_DENIED] = "Error from server (Forbidden)",
		[ERR_ENDING] = "Error from server (Forbidden)",
		[ERR_TIMEOUT] = "error: the API server does not answer in time",
		[ERR_UNAVAILABLE] = "error: the API server cannot be reached",
	};
	const char *word = err->code < ARRAY_LEN(words) ? words[err->code] : NULL;

	if (str_ends(err->msg, " already exists"))
		word = "Error from server (AlreadyExists)";
	(void)fprintf(stderr, "%s: %s\n", word ? word : "error", err->msg);
	/* The second is what a server says that has not one kind of the group. */
	if (strstr(err->msg, "could not find the requested resource") ||
		strstr(err->msg, "404 page not found"))
		(void)fprintf(
			stderr, "The cluster does not know APIs: kubectl apply -f deploy/crds/\n");
}

static void free_kube(struct kube **k)
{
	kube_free(*k);
}

static bool run(struct arena *a, const struct command *c, const struct args *args, struct err *err)
{
	struct clock_ops clock = clock_real();
	struct cli cli = { .arena = a, .ns = args->ns, .out = stdout };
	struct kube_options options = { args->kubeconfig, args->context, "apictl/" APIM_VERSION,
		0 };
	AUTO(free_kube) struct kube *kube = NULL;

	cli.now_s = clock.now_ms(clock.self) / 1000;
	if (c->cluster) {
		kube = kube_new(&options, err);
		if (!kube)
			return false;
		cli.kube = kube_ops(kube);
		if (!cli.ns)
			cli.ns = kube_default_namespace(kube);
	}
	return c->run(&cli, args, err);
}

/* argv[0..argc-1]: all behind the program's name. */
static int apictl(struct arena *a, int argc, char **argv)
{
	const struct command *c;
	struct args args;
	struct err err;
	int words = 0;

	if (argc == 0 || is_help(argv[0])) {
		print_help();
		return EXIT_SUCCESS;
	}
	if (str_eq(argv[0], "--version"))
		argv[0] = arena_dup(a, "version");
	c = find(argc, argv, &words);
	if (!c)
		return unknown(a, argc, argv);
	if (words == 2 && is_help(argv[1])) {
		print_command_help(c);
		return EXIT_SUCCESS;
	}
	if (!args_parse(a, argc - words, argv + words, c->flags, &args, &err))
		return usage_error(err.msg, c);
	if (args.help) {
		print_command_help(c);
		return EXIT_SUCCESS;
	}
	if (run(a, c, &args, &err))
		return EXIT_SUCCESS;
	print_error(&err);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *verb = plugin_verb(argc > 0 ? argv[0] : "");
	char **line = arena_alloc(a, ((size_t)argc + 2) * sizeof(*line));
	int n = 0;

	if (verb)
		line[n++] = arena_dup(a, verb);
	for (int i = 1; i < argc; i++)
		line[n++] = argv[i];
	return apictl(a, n, line);
}
