/* toolkit: compiles OpenAPI documents into a gateway's contract, shows, checks and proves it. */
#include <getopt.h>

#include "gateway/core/contract.h"
#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "toolkit/conf.h"
#include "toolkit/files.h"
#include "toolkit/prove.h"
#include "toolkit/show.h"
#include "toolkit/toolkit.h"

enum {
	EXIT_WRONG = 1, /* the inputs are wrong */
	EXIT_USAGE = 2,
	EXIT_FILES = 3, /* something could not be read, written or reached */
	MAX_CONF_BYTES = 4 * 1024 * 1024,
	DEFAULT_WAIT_MS = 10000,
};

static const char help[] =
	"Compiles OpenAPI documents into the contract that a gateway enforces.\n"
	"\n"
	"  toolkit compile --swagger DIR --out DIR [--conf FILE] [--policy FILE] [--expect SHA256]\n"
	"      compile every document below DIR and write contract.json; with --policy take\n"
	"      rate limits from a policies.yaml; with --expect fail unless the SHA-256 of\n"
	"      contract.json is the given one\n"
	"  toolkit build DIR OUT [--conf FILE] [--policy FILE]\n"
	"      the same for a gateway without a cluster: gateway OUT serves what it makes\n"
	"  toolkit check FILE...\n"
	"      say what is wrong with documents and which objects they name\n"
	"  toolkit show CONTRACT\n"
	"      print a contract for people\n"
	"  toolkit prove --contract FILE --url http://HOST:PORT [--wait SECONDS]\n"
	"      ask a running gateway whether it does what its contract says\n"
	"  toolkit --help | --version\n"
	"\n"
	"Exit status: 0 done, 1 the inputs are wrong, 2 wrong usage, 3 a file or the network failed.\n"
	"Messages go to standard error as file:line: path: what is wrong, what is expected.\n";

static int fail(int status, const struct err *err)
{
	(void)fprintf(stderr, "toolkit: %s\n", err->msg);
	return status;
}

static int misuse(const char *what)
{
	(void)fprintf(stderr, "toolkit: %s; see toolkit --help\n", what);
	return EXIT_USAGE;
}

/* Wrong content is the user's, a missing file the caller's. */
static int status_of(const struct err *err)
{
	return err->code == ERR_INVALID || err->code == ERR_LIMIT ? EXIT_WRONG : EXIT_FILES;
}

/* ---- options ---- */

struct options {
	const char *swagger;
	const char *conf;
	const char *policy;
	const char *out;
	const char *expect;
	const char *contract;
	const char *url;
	const char *wait;
};

static bool parse(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{ "swagger", required_argument, NULL, 's' },
		{ "conf", required_argument, NULL, 'c' },
		{ "policy", required_argument, NULL, 'p' },
		{ "out", required_argument, NULL, 'o' },
		{ "expect", required_argument, NULL, 'e' },
		{ "contract", required_argument, NULL, 'k' },
		{ "url", required_argument, NULL, 'u' },
		{ "wait", required_argument, NULL, 'w' },
		{ 0 },
	};
	static const char letters[] = "scpoekuw";
	const char **at[] = { &ret->swagger, &ret->conf, &ret->policy, &ret->out, &ret->expect,
		&ret->contract, &ret->url, &ret->wait };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *found = strchr(letters, c);

		if (c == '?' || !found)
			return false;
		*at[found - letters] = optarg;
	}
	return true;
}

/* ---- commands ---- */

static void print(struct arena *a, const struct toolkit_diagnostics *list)
{
	size_t kept = list->list.n;

	vec_foreach (const struct toolkit_diagnostic *, d, &list->list)
		(void)fprintf(stderr, "%s\n", toolkit_diagnostic_text(a, d));
	if (list->errors + list->warnings > kept)
		(void)fprintf(stderr, "and %zu more\n", list->errors + list->warnings - kept);
}

static bool read_policies(
	struct arena *a, const char *path, struct toolkit_inputs *ret, struct err *err)
{
	struct policies *p = arena_alloc(a, sizeof(*p));
	size_t n;
	const char *text = file_read(a, path, MAX_CONF_BYTES, &n, err);
	const struct json *document;

	if (!text)
		return false;
	document = yaml_parse(a, text, n, NULL, err);
	if (!document || !policies_read(a, document, p, err))
		return err_wrap(err, "%s", path);
	ret->policies = p;
	return true;
}

/* Those beside the documents, unless the settings bring them. */
static bool read_scripts(
	struct arena *a, const char *folder, struct toolkit_inputs *ret, struct err *err)
{
	struct toolkit_document *scripts;

	if (ret->n_scripts > 0)
		return true;
	if (!scripts_read(a, folder, &scripts, &ret->n_scripts, err))
		return false;
	ret->scripts = scripts;
	return true;
}

static bool read_inputs(
	struct arena *a, const struct options *o, struct toolkit_inputs *ret, struct err *err)
{
	struct toolkit_document *documents;
	const char *text = "{}";
	size_t n = 2;

	if (o->conf && !(text = file_read(a, o->conf, MAX_CONF_BYTES, &n, err)))
		return false;
	if (!toolkit_conf_read(a, text, n, ret, err))
		return err_wrap(err, "%s", o->conf);
	if (o->policy && !read_policies(a, o->policy, ret, err))
		return false;
	if (!documents_read(a, o->swagger, &documents, &ret->n_documents, err))
		return false;
	ret->documents = documents;
	return read_scripts(a, o->swagger, ret, err);
}

static int compile_as(struct arena *a, struct options o)
{
	struct toolkit_diagnostics diagnostics = { 0 };
	struct toolkit_inputs in = { 0 };
	struct contract *c;
	struct err err;
	const char *text;
	const char *sum;

	if (!read_inputs(a, &o, &in, &err))
		return fail(status_of(&err), &err);
	c = toolkit_compile(a, &in, &diagnostics);
	print(a, &diagnostics);
	if (!c)
		return EXIT_WRONG;
	text = toolkit_contract_text(a, c);
	sum = sha256_hex(a, text, strlen(text));
	if (o.expect && !str_eq(o.expect, sum)) {
		err_set(&err, ERR_INVALID,
			"the mounted inputs compile to contract %s, expected %.64s: they have changed "
			"since the build was requested",
			sum, o.expect);
		return fail(EXIT_WRONG, &err);
	}
	if (!folder_make(o.out, &err) || !file_write(a, arena_printf(a, "%s/contract.json", o.out),
						 text, strlen(text), &err))
		return fail(EXIT_FILES, &err);
	(void)printf("%s\n", sum);
	return EXIT_SUCCESS;
}

static int compile(struct arena *a, int argc, char **argv)
{
	struct options o = { 0 };

	if (!parse(argc, argv, &o) || optind < argc || !o.swagger || !o.out)
		return misuse("compile needs --swagger DIR and --out DIR");
	return compile_as(a, o);
}

static int build(struct arena *a, int argc, char **argv)
{
	struct options o = { 0 };

	if (!parse(argc, argv, &o) || optind + 2 != argc || o.swagger || o.out)
		return misuse("build needs two directories: of documents, and of what it makes");
	o.swagger = argv[optind];
	o.out = argv[optind + 1];
	return compile_as(a, o);
}

static void print_names(const char *what, const struct toolkit_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		(void)printf(
			"%s%s%s", i ? ", " : what, names->at[i], i + 1 == names->n ? "\n" : "");
}

static int check(struct arena *a, int argc, char **argv)
{
	struct toolkit_document *documents = arena_alloc(a, (size_t)argc * sizeof(*documents));
	struct toolkit_scan scan;
	struct err err;
	size_t n = 0;

	if (argc < 2 || argc - 1 > TOOLKIT_MAX_DOCUMENTS)
		return misuse("check needs 1 to 1000 files");
	for (int i = 1; i < argc; i++, n++) {
		documents[n].name = argv[i];
		documents[n].text =
			file_read(a, argv[i], TOOLKIT_MAX_DOCUMENT_BYTES, &documents[n].n, &err);
		if (!documents[n].text)
			return fail(status_of(&err), &err);
	}
	toolkit_scan(a, documents, n, &scan);
	print(a, &scan.diagnostics);
	for (size_t i = 0; i < scan.n_documents; i++)
		(void)printf("%s: %s %s at %s/\n", scan.documents[i].document,
			scan.documents[i].title, scan.documents[i].version,
			scan.documents[i].base_path ? scan.documents[i].base_path : "?");
	print_names("needs Security: ", &scan.securities);
	print_names("names schemes: ", &scan.schemes);
	if (scan.needs_default_security)
		(void)printf("needs the default Security\n");
	print_names("needs TargetEndpoint: ", &scan.endpoints);
	print_names("names throttling tier: ", &scan.tiers);
	return scan.diagnostics.errors ? EXIT_WRONG : EXIT_SUCCESS;
}

static int show(struct arena *a, int argc, char **argv)
{
	struct contract *c;
	struct err err;

	if (argc != 2)
		return misuse("show needs a contract file");
	c = contract_load_file(a, argv[1], &err);
	if (!c)
		return fail(status_of(&err), &err);
	(void)fputs(toolkit_show(a, c), stdout);
	return EXIT_SUCCESS;
}

static int prove(struct arena *a, int argc, char **argv)
{
	struct options o = { 0 };
	struct proof proof;
	struct contract *c;
	int wait_ms = DEFAULT_WAIT_MS;
	struct err err;

	if (!parse(argc, argv, &o) || optind < argc || !o.contract || !o.url)
		return misuse("prove needs --contract FILE and --url URL");
	if (o.wait) {
		long seconds = strtol(o.wait, NULL, 10);

		if (seconds < 0 || seconds > 600)
			return misuse("--wait takes 0 to 600 seconds");
		wait_ms = (int)seconds * 1000;
	}
	c = contract_load_file(a, o.contract, &err);
	if (!c || !toolkit_prove(a, c, o.url, wait_ms, &proof, &err))
		return fail(status_of(&err), &err);
	(void)printf(
		"proved: /health, %zu secured operations, an unknown path; %zu open operations "
		"not called\n",
		proof.secured, proof.open);
	return EXIT_SUCCESS;
}

static const struct {
	const char *name;
	int (*run)(struct arena *a, int argc, char **argv);
} commands[] = {
	{ "compile", compile },
	{ "build", build },
	{ "check", check },
	{ "show", show },
	{ "prove", prove },
};

int main(int argc, char **argv)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *name = argc > 1 ? argv[1] : "";

	if (str_eq(name, "--help") || str_eq(name, "help")) {
		(void)fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (str_eq(name, "--version")) {
		(void)printf("toolkit %s, contract version %d\n", APIM_VERSION, CONTRACT_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq(commands[i].name, name))
			return commands[i].run(a, argc - 1, argv + 1);
	return misuse(*name ? "unknown command" : "a command is missing");
}
