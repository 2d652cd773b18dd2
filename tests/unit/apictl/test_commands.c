#include <unistd.h>

#include "apictl/commands.h"
#include "apictl/publish.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

#define OLD "openapi: 3.0.0\npaths:\n  /x: {get: {}}\n"
#define NEW "openapi: 3.0.0\npaths:\n  /y: {get: {}}\n"

struct fixture {
	struct arena *arena;
	struct memory memory;
	struct cli cli;
	char output[4096];
	struct err err;
	char *file;
};

static int set_up(void **state)
{
	struct arena *a = arena_new();
	struct fixture *f = arena_alloc(a, sizeof(*f));

	f->arena = a;
	memory_init(&f->memory, a);
	f->cli = (struct cli){ .arena = a, .kube = memory_kube(&f->memory), .ns = "shop" };
	f->cli.now_s = 1572256179;
	f->file = arena_dup(a, "/tmp/apictl-command.XXXXXX");
	(void)close(mkstemp(f->file));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->file);
	arena_free(f->arena);
	return 0;
}

static void write_file(struct fixture *f, const char *text)
{
	FILE *out = fopen(f->file, "w");

	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static bool run(struct fixture *f, bool (*command)(struct cli *, const struct args *, struct err *),
	const struct args *args)
{
	bool ok;

	memset(f->output, 0, sizeof(f->output));
	f->err = (struct err){ .code = ERR_NONE };
	f->cli.out = fmemopen(f->output, sizeof(f->output) - 1, "w");
	ok = command(&f->cli, args, &f->err);
	(void)fclose(f->cli.out);
	return ok;
}

static struct args api(struct fixture *f, const char *name, size_t files)
{
	struct args args = { .name = name, .replicas = -1 };

	for (size_t i = 0; i < files; i++)
		vec_add(f->arena, &args.files, f->file);
	return args;
}

static void add_store(struct fixture *f)
{
	struct args args = api(f, "online-store", 1);

	write_file(f, OLD);
	assert_true(run(f, add_run, &args));
}

static const char *key_of(struct fixture *f)
{
	return strrchr(f->file, '/') + 1;
}

/* ---- add ---- */

static void add_makes_the_configmap_then_the_api_and_says_so(void **state)
{
	struct fixture *f = *state;
	const struct json *live;

	add_store(f);
	assert_string_equal(f->output, "creating configmap with swagger definition\n"
				       "configmap/online-store-swagger created\n"
				       "api.wso2.com/online-store created\n");
	live = memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-swagger");
	assert_string_equal(json_str(json_path(live, "data", key_of(f), NULL)), OLD);
	live = memory_get(&f->memory, KIND_API, "shop", "online-store");
	assert_true(json_equal(json_get(live, "spec"),
		json_format(f->arena,
			"{'definition':{'type':'swagger','configmapName':'online-store-swagger'},'replicas':1}")));
}

static void several_documents_are_one_api(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "pets", 2);
	const struct json *live;

	args.mode = "shared";
	args.replicas = 3;
	write_file(f, OLD);
	assert_true(run(f, add_run, &args));
	assert_non_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "pets-1-swagger"));
	assert_non_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "pets-2-swagger"));
	live = memory_get(&f->memory, KIND_API, "shop", "pets");
	assert_true(json_equal(json_get(live, "spec"),
		json_format(f->arena,
			"{'definition':{'type':'swagger','swaggerConfigmapNames':"
			"['pets-1-swagger','pets-2-swagger']},'replicas':3,'mode':'shared'}")));
}

static void a_taken_name_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);
	unsigned int writes;

	add_store(f);
	writes = f->memory.writes;
	assert_false(run(f, add_run, &args));
	assert_int_equal(f->err.code, ERR_CONFLICT);
	assert_string_equal(f->err.msg, "apis.wso2.com \"online-store\" already exists");
	assert_string_equal(f->output, "");

	memory_delete(&f->memory, KIND_API, "shop", "online-store");
	assert_false(run(f, add_run, &args));
	assert_string_equal(f->err.msg, "configmaps \"online-store-swagger\" already exists");
	assert_int_equal(f->memory.writes, writes);
}

static void override_replaces_what_is_there_and_forces_a_build(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);
	const struct json *live;

	add_store(f);
	write_file(f, NEW);
	args.override = true;
	assert_true(run(f, add_run, &args));
	assert_non_null(strstr(f->output, "configmap/online-store-swagger configured\n"));
	assert_non_null(strstr(f->output, "api.wso2.com/online-store configured\n"));
	live = memory_get(&f->memory, KIND_API, "shop", "online-store");
	assert_true(json_get_bool(json_get(live, "spec"), "override", false));
}

static void override_keeps_the_list_form_which_would_win(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "pets", 1);
	const struct json *live;

	memory_put(&f->memory,
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'pets','namespace':'shop'},"
		"'spec':{'definition':{'swaggerConfigmapNames':['a','b']},'replicas':2}}");
	write_file(f, OLD);
	args.override = true;
	assert_true(run(f, add_run, &args));
	live = memory_get(&f->memory, KIND_API, "shop", "pets");
	assert_string_equal(json_text(f->arena, json_path(live, "spec", "definition",
							"swaggerConfigmapNames", NULL)),
		"[\"pets-swagger\"]");
	assert_null(json_path(live, "spec", "definition", "configmapName", NULL));
	assert_int_equal(json_get_int(json_get(live, "spec"), "replicas", 0), 2);
}

static void what_was_created_is_taken_back_when_the_api_cannot_be(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);

	write_file(f, OLD);
	f->memory.fail_call = 4; /* get API, get ConfigMap, create ConfigMap, create API */
	assert_false(run(f, add_run, &args));
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(f->output, "configmap/online-store-swagger removed again\n"));
	assert_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-swagger"));
	assert_true(run(f, add_run, &args));
}

static void a_bad_document_is_refused_before_anything_is_made(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);

	write_file(f, "nothing: here\n");
	assert_false(run(f, add_run, &args));
	assert_int_equal(f->err.code, ERR_INVALID);
	assert_int_equal(f->memory.calls, 0);
}

static void an_api_needs_a_name_and_a_document(void **state)
{
	struct fixture *f = *state;
	const char *const bad[] = { NULL, "", "Store", "1store", "-store", "store-", "a_b", "a.b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct args args;

	write_file(f, OLD);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		args = api(f, bad[i], 1);
		assert_false(run(f, add_run, &args));
		assert_int_equal(f->err.code, ERR_INVALID);
	}
	args = api(f, "a-63-letter-name-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9", 1);
	assert_true(run(f, add_run, &args));
	args = api(f, "store", 0);
	assert_false(run(f, add_run, &args));
	assert_non_null(strstr(f->err.msg, "--from-file"));
}

/* ---- update ---- */

static void an_update_changes_the_entry_under_its_old_key(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "mine", 1);
	const struct json *live;

	memory_put(&f->memory,
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'mine','namespace':'shop'},"
		"'spec':{'definition':{'configmapName':'text'},'replicas':2}}");
	memory_put(&f->memory, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'text',"
			       "'namespace':'shop'},'data':{'before.yaml':'old'}}");
	write_file(f, NEW);
	assert_true(run(f, update_run, &args));
	assert_string_equal(f->output, "configmap/text configured\n");
	live = memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "text");
	assert_int_equal(json_len(json_get(live, "data")), 1);
	assert_string_equal(json_str(json_path(live, "data", "before.yaml", NULL)), NEW);
	assert_null(meta_annotation(live, ANNOTATION_CREATED_BY));
}

static void an_update_without_a_change_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);
	unsigned int writes;

	add_store(f);
	writes = f->memory.writes;
	args.replicas = 1;
	assert_true(run(f, update_run, &args));
	assert_string_equal(f->output, "configmap/online-store-swagger unchanged\n"
				       "api.wso2.com/online-store unchanged\n");
	assert_int_equal(f->memory.writes, writes);
}

static void an_update_mends_a_configmap_of_two_documents(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);
	const struct json *live;

	add_store(f);
	memory_put(&f->memory,
		"{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'online-store-swagger',"
		"'namespace':'shop'},'data':{'a.yaml':'x','b.yaml':'y'}}");
	assert_true(run(f, update_run, &args));
	live = memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-swagger");
	assert_int_equal(json_len(json_get(live, "data")), 1);
	assert_string_equal(json_str(json_path(live, "data", key_of(f), NULL)), OLD);
}

static void an_update_brings_a_lost_configmap_back(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 1);

	add_store(f);
	memory_delete(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-swagger");
	assert_true(run(f, update_run, &args));
	assert_string_equal(f->output, "configmap/online-store-swagger created\n");
}

static void an_update_gives_all_documents_or_none(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 2);

	add_store(f);
	assert_false(run(f, update_run, &args));
	assert_int_equal(f->err.code, ERR_INVALID);
	args = api(f, "online-store", 0);
	assert_false(run(f, update_run, &args));
	assert_non_null(strstr(f->err.msg, "nothing to update"));
	args.replicas = 4;
	assert_true(run(f, update_run, &args));
	assert_string_equal(f->output, "api.wso2.com/online-store configured\n");
}

static void only_what_exists_can_be_updated(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "nobody", 1);

	write_file(f, OLD);
	assert_false(run(f, update_run, &args));
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
	assert_string_equal(f->err.msg, "apis.wso2.com \"nobody\" not found");
}

/* ---- delete ---- */

static void delete_removes_the_api_and_the_configmap_that_add_made(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "online-store", 0);

	add_store(f);
	assert_true(run(f, delete_run, &args));
	assert_string_equal(f->output, "api.wso2.com \"online-store\" deleted\n");
	assert_null(memory_get(&f->memory, KIND_API, "shop", "online-store"));
	assert_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-swagger"));
	assert_false(run(f, delete_run, &args));
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

static void delete_leaves_the_users_own_configmap(void **state)
{
	struct fixture *f = *state;
	struct args args = api(f, "mine", 0);

	memory_put(&f->memory,
		"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'mine','namespace':'shop'},"
		"'spec':{'definition':{'swaggerConfigmapNames':['text','lost']},'replicas':2}}");
	memory_put(&f->memory, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'text',"
			       "'namespace':'shop'},'data':{'before.yaml':'old'}}");
	assert_true(run(f, delete_run, &args));
	assert_non_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "text"));
}

/* ---- get ---- */

static void put_api(struct fixture *f, const char *ns, const char *name, const char *status)
{
	memory_put(&f->memory,
		arena_printf(f->arena,
			"{'apiVersion':'wso2.com/v1alpha1','kind':'API','metadata':{'name':'%s','namespace':'%s',"
			"'creationTimestamp':'2019-10-28T09:44:39Z'},'spec':{'replicas':2},'status':%s}",
			name, ns, status));
}

static void get_prints_a_table_sorted_by_name(void **state)
{
	struct fixture *f = *state;
	struct args args = { 0 };

	put_api(f, "shop", "pets", "{}");
	put_api(f, "shop", "books",
		"{'endpoint':'172.30.1.10','conditions':[{'type':'Accepted','status':'True','reason':'Valid'},"
		"{'type':'Ready','status':'True','reason':'Applied'}]}");
	put_api(f, "other", "store", "{}");
	assert_true(run(f, get_run, &args));
	assert_string_equal(f->output, "NAME    READY     REASON    ENDPOINT      REPLICAS   AGE\n"
				       "books   True      Applied   172.30.1.10   2          5m\n"
				       "pets    Unknown   <none>    <none>        2          5m\n");
	args.all_namespaces = true;
	assert_true(run(f, get_run, &args));
	assert_non_null(strstr(f->output, "NAMESPACE   NAME "));
	assert_non_null(strstr(f->output, "other       store"));
}

static void get_finds_apis_by_name(void **state)
{
	struct fixture *f = *state;
	struct args args = { 0 };

	put_api(f, "shop", "pets", "{}");
	vec_add(f->arena, &args.names, arena_dup(f->arena, "pets"));
	assert_true(run(f, get_run, &args));
	assert_non_null(strstr(f->output, "pets"));
	vec_add(f->arena, &args.names, arena_dup(f->arena, "nobody"));
	assert_false(run(f, get_run, &args));
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

static void no_apis_are_no_error(void **state)
{
	struct fixture *f = *state;
	struct args args = { 0 };

	assert_true(run(f, get_run, &args));
	assert_string_equal(f->output, "");
}

/* ---- system init ---- */

static const struct json *credentials(struct fixture *f)
{
	return json_get(
		memory_get(&f->memory, KIND_SECRET, "wso2-system", "apim-bus-credentials"), "data");
}

static void passwords_are_made_once(void **state)
{
	struct fixture *f = *state;
	struct args args = { 0 };
	const char *before;

	unsetenv("SYSTEM_NAMESPACE");
	assert_true(run(f, system_init_run, &args));
	assert_string_equal(f->output, "secret/apim-bus-credentials created\n");
	assert_int_equal(json_len(credentials(f)), 8);
	before = json_text(f->arena, credentials(f));
	assert_true(run(f, system_init_run, &args));
	assert_string_equal(f->output, "secret/apim-bus-credentials unchanged\n");
	assert_string_equal(json_text(f->arena, credentials(f)), before);
}

static void passwords_differ_and_read_as_words(void **state)
{
	struct fixture *f = *state;
	struct args args = { 0 };
	const struct json *secret;
	const char *api_svc;
	const char *watcher;

	unsetenv("SYSTEM_NAMESPACE");
	assert_true(run(f, system_init_run, &args));
	secret = memory_get(&f->memory, KIND_SECRET, "wso2-system", "apim-bus-credentials");
	api_svc = data_entry(f->arena, secret, "api-svc", NULL);
	watcher = data_entry(f->arena, secret, "watcher", NULL);
	assert_string_not_equal(api_svc, watcher);
	assert_int_equal(strlen(api_svc), 40);
	assert_int_equal(strspn(api_svc, "abcdefghijklmnop"), 40);
}

static void a_missing_password_is_added_and_the_others_stay(void **state)
{
	struct fixture *f = *state;
	struct args args = { .ns = "shop" };
	const struct json *live;

	memory_put(&f->memory,
		"{'apiVersion':'v1','kind':'Secret','metadata':{'name':"
		"'apim-bus-credentials','namespace':'shop'},'data':{'watcher':'a2VwdA=='}}");
	assert_true(run(f, system_init_run, &args));
	assert_string_equal(f->output, "secret/apim-bus-credentials configured\n");
	live = memory_get(&f->memory, KIND_SECRET, "shop", "apim-bus-credentials");
	assert_string_equal(data_entry(f->arena, live, "watcher", NULL), "kept");
	assert_non_null(data_entry(f->arena, live, "observer", NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(add_makes_the_configmap_then_the_api_and_says_so),
		TEST(several_documents_are_one_api),
		TEST(a_taken_name_leaves_nothing_behind),
		TEST(override_replaces_what_is_there_and_forces_a_build),
		TEST(override_keeps_the_list_form_which_would_win),
		TEST(what_was_created_is_taken_back_when_the_api_cannot_be),
		TEST(a_bad_document_is_refused_before_anything_is_made),
		TEST(an_api_needs_a_name_and_a_document),
		TEST(an_update_changes_the_entry_under_its_old_key),
		TEST(an_update_without_a_change_writes_nothing),
		TEST(an_update_mends_a_configmap_of_two_documents),
		TEST(an_update_brings_a_lost_configmap_back),
		TEST(an_update_gives_all_documents_or_none),
		TEST(only_what_exists_can_be_updated),
		TEST(delete_removes_the_api_and_the_configmap_that_add_made),
		TEST(delete_leaves_the_users_own_configmap),
		TEST(get_prints_a_table_sorted_by_name),
		TEST(get_finds_apis_by_name),
		TEST(no_apis_are_no_error),
		TEST(passwords_are_made_once),
		TEST(passwords_differ_and_read_as_words),
		TEST(a_missing_password_is_added_and_the_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
