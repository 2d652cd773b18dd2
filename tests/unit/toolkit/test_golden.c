/* Every folder of tests/golden/toolkit: documents (and perhaps conf.yaml) → contract.json and
 * diagnostics.txt. GOLDEN_UPDATE=1 writes what came out, to be reviewed as a diff. */
#include <dirent.h>
#include <unistd.h>

#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"
#include "toolkit/conf.h"
#include "toolkit/files.h"
#include "toolkit/toolkit.h"

static const char folder[] = "tests/golden/toolkit";

static void read_inputs(struct arena *a, const char *name, struct toolkit_inputs *in)
{
	const char *conf = arena_printf(a, "%s/%s/conf.yaml", folder, name);
	struct toolkit_document *all;
	struct err err = { .msg = "" };
	size_t n;
	char *text;

	if (access(conf, R_OK) != 0)
		conf = arena_printf(a, "%s/conf.yaml", folder);
	text = test_file(a, conf, &n);
	if (!toolkit_conf_read(a, text, n, in, &err))
		fail_msg("%s: %s", conf, err.msg);
	if (!documents_read(a, arena_printf(a, "%s/%s", folder, name), &all, &n, &err))
		fail_msg("%s", err.msg);
	in->n_documents = 0;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(all[i].name, "conf.yaml") && !str_eq(all[i].name, "contract.json"))
			all[in->n_documents++] = all[i];
	in->documents = all;
}

/* "" removes the file; a missing file counts as "". */
static void is_golden(struct arena *a, const char *name, const char *file, const char *text)
{
	const char *path = arena_printf(a, "%s/%s/%s", folder, name, file);
	const char *expected = access(path, R_OK) == 0 ? test_file(a, path, NULL) : "";
	struct err err;

	if (str_eq(text, expected))
		return;
	if (!getenv("GOLDEN_UPDATE"))
		fail_msg("%s differs; GOLDEN_UPDATE=1 rewrites it. It is now:\n%s", path, text);
	if (!*text)
		(void)unlink(path);
	else if (!file_write(a, path, text, strlen(text), &err))
		fail_msg("%s", err.msg);
}

static char *diagnostics_text(struct arena *a, const struct toolkit_diagnostics *list)
{
	struct str s;

	str_init(&s, a, 1 << 20);
	vec_foreach (const struct toolkit_diagnostic *, d, &list->list)
		str_addf(&s, "%s: %s\n", d->code, toolkit_diagnostic_text(a, d));
	return s.ptr;
}

static void compiles_to(
	struct arena *a, const struct toolkit_inputs *in, const char *sum, const char *how)
{
	struct toolkit_diagnostics diagnostics = { 0 };
	struct contract *c = toolkit_compile(a, in, &diagnostics);

	if (!c)
		fail_msg("%s: %s", how, diagnostics_text(a, &diagnostics));
	assert_string_equal(toolkit_contract_sha256(a, c), sum);
}

static void reversed_inputs_compile_alike(
	struct arena *a, const struct toolkit_inputs *in, const char *sum)
{
	struct toolkit_document *documents = arena_alloc(a, in->n_documents * sizeof(*documents));
	struct toolkit_security *securities =
		arena_alloc(a, (in->n_securities + 1) * sizeof(*securities));
	struct toolkit_inputs other = *in;

	for (size_t i = 0; i < in->n_documents; i++)
		documents[i] = in->documents[in->n_documents - 1 - i];
	for (size_t i = 0; i < in->n_securities; i++)
		securities[i] = in->securities[in->n_securities - 1 - i];
	other.documents = documents;
	other.securities = securities;
	compiles_to(a, &other, sum, "reversed");
}

/* What api-svc hands to the build compiles to the contract that api-svc computed. */
static void mounted_inputs_compile_alike(
	struct arena *a, const struct toolkit_inputs *in, const char *sum)
{
	struct toolkit_document *documents = arena_alloc(a, in->n_documents * sizeof(*documents));
	const char *conf = toolkit_conf_text(a, in);
	struct toolkit_inputs mounted = { 0 };
	struct err err = { .msg = "" };

	if (!toolkit_conf_read(a, conf, strlen(conf), &mounted, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < in->n_documents; i++) {
		documents[i].name = "mounted.json";
		documents[i].text =
			toolkit_canonical(a, &in->documents[i], in->endpoints, in->n_endpoints);
		assert_non_null(documents[i].text);
		documents[i].n = strlen(documents[i].text);
	}
	mounted.documents = documents;
	mounted.n_documents = in->n_documents;
	mounted.n_endpoints = 0;
	compiles_to(a, &mounted, sum, "mounted");
}

static void check_case(const char *name)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostics diagnostics = { 0 };
	struct toolkit_inputs in = { 0 };
	struct contract *c;
	const char *sum;
	const char *text;

	read_inputs(a, name, &in);
	c = toolkit_compile(a, &in, &diagnostics);
	assert_true(!c == (diagnostics.errors > 0));
	is_golden(a, name, "diagnostics.txt", diagnostics_text(a, &diagnostics));
	text = c ? json_pretty(a, contract_json(a, c)) : "";
	is_golden(a, name, "contract.json", c ? arena_printf(a, "%s\n", text) : "");
	if (!c)
		return;
	assert_non_null(a_contract(a, text));
	sum = toolkit_contract_sha256(a, c);
	reversed_inputs_compile_alike(a, &in, sum);
	mounted_inputs_compile_alike(a, &in, sum);
}

static void every_case_gives_its_golden_files(void **state)
{
	struct dirent **entries;
	int cases = 0;
	int n = scandir(folder, &entries, NULL, alphasort);

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && !strchr(entries[i]->d_name, '.')) {
			check_case(entries[i]->d_name);
			cases++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_true(cases >= 25);
}

static void spelling_does_not_change_a_contract(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = test_file(a, "tests/golden/toolkit/article-as-json/contract.json", NULL);
	char *other = test_file(a, "tests/golden/toolkit/article/contract.json", NULL);
	char *id = strstr(other, "{productId}");

	(void)state;
	/* The names of parameters are shown to people; they are all that differs. */
	for (; id; id = strstr(other, "{productId}")) {
		memmove(id + 7, id + 11, strlen(id + 11) + 1);
		memcpy(id, "{other}", 7);
	}
	assert_string_equal(other, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_gives_its_golden_files),
		cmocka_unit_test(spelling_does_not_change_a_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
