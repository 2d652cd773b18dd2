#include <ftw.h>
#include <sys/stat.h>

#include "apictl/document.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

#define GOOD "openapi: 3.0.0\npaths:\n  /x: {get: {}}\n"

static char folder[] = "/tmp/apictl-document.XXXXXX";
static struct document doc;
static struct err err;

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *file(struct arena *a, const char *name, const char *text, size_t n)
{
	const char *path = arena_printf(a, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void refuses(struct arena *a, const char *text, const char *word)
{
	const char *path = file(a, "bad.yaml", text, strlen(text));

	assert_false(document_read(a, path, &doc, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, path));
	if (!strstr(err.msg, word))
		print_message("%s\n", err.msg);
	assert_non_null(strstr(err.msg, word));
}

static void a_good_document_is_read_as_it_is(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_true(document_read(a, file(a, "good.yaml", GOOD, strlen(GOOD)), &doc, &err));
	assert_string_equal(doc.key, "good.yaml");
	assert_string_equal(doc.text, GOOD);
	assert_int_equal(doc.n, strlen(GOOD));
}

static void json_and_swagger_2_are_documents_too(void **state)
{
	static const char text[] = "{\"swagger\": \"2.0\", \"paths\": {\"/x\": {}}}";
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_true(document_read(a, file(a, "good.json", text, strlen(text)), &doc, &err));
}

static void a_file_name_becomes_a_key_that_a_configmap_takes(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_true(document_read(a, file(a, "my api (1).yaml", GOOD, strlen(GOOD)), &doc, &err));
	assert_string_equal(doc.key, "my-api--1-.yaml");
}

static void what_is_no_openapi_document_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	refuses(a, "", "empty");
	refuses(a, " \n\n", "empty");
	refuses(a, "a: [1\n", "line");
	refuses(a, "just words\n", "openapi");
	refuses(a, "- 1\n- 2\n", "openapi");
	refuses(a, "info: {}\npaths: {/x: {}}\n", "openapi");
	refuses(a, "openapi: 3.0.0\n", "paths");
	refuses(a, "openapi: 3.0.0\npaths: {}\n", "paths");
	refuses(a, "openapi: 3.0.0\npaths: none\n", "paths");
}

static void a_file_that_no_configmap_can_hold_is_refused(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *text = arena_alloc(a, DOCUMENT_MAX + 2);

	(void)state;
	memset(text, '#', DOCUMENT_MAX + 1);
	memcpy(text, GOOD, strlen(GOOD));
	assert_false(document_read(a, file(a, "big.yaml", text, DOCUMENT_MAX + 1), &doc, &err));
	assert_non_null(strstr(err.msg, "larger than"));
	text[strlen(GOOD) - 1] = '\n';
	assert_true(document_read(a, file(a, "big.yaml", text, DOCUMENT_MAX), &doc, &err));
}

static void a_missing_file_is_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_false(document_read(a, "/nowhere/x.yaml", &doc, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "/nowhere/x.yaml"));
}

static void a_project_folder_holds_its_document_in_meta_information(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *project = arena_printf(a, "%s/shop", folder);

	(void)state;
	assert_int_equal(mkdir(project, 0700), 0);
	assert_false(document_read(a, project, &doc, &err));
	assert_non_null(strstr(err.msg, "Meta-information/swagger.yaml"));

	assert_int_equal(mkdir(arena_printf(a, "%s/Meta-information", project), 0700), 0);
	(void)file(a, "shop/Meta-information/swagger.yaml", GOOD, strlen(GOOD));
	assert_true(document_read(a, project, &doc, &err));
	assert_string_equal(doc.key, "swagger.yaml");

	assert_int_equal(mkdir(arena_printf(a, "%s/Interceptors", project), 0700), 0);
	assert_true(document_read(a, project, &doc, &err));
	(void)file(a, "shop/Interceptors/x.bal", "x", 1);
	assert_false(document_read(a, project, &doc, &err));
	assert_non_null(strstr(err.msg, "interceptors"));
	assert_non_null(strstr(err.msg, "x-apim-request-hook"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_document_is_read_as_it_is),
		cmocka_unit_test(json_and_swagger_2_are_documents_too),
		cmocka_unit_test(a_file_name_becomes_a_key_that_a_configmap_takes),
		cmocka_unit_test(what_is_no_openapi_document_is_refused),
		cmocka_unit_test(a_file_that_no_configmap_can_hold_is_refused),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(a_project_folder_holds_its_document_in_meta_information),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
