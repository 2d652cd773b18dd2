#include "builder-svc/image.h"
#include "builder-svc/verdict.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/unit.h"

#define DIGEST "sha256:5555555555555555555555555555555555555555555555555555555555555555"

static const struct login anonymous;

static struct world_list *pod(struct arena *a, struct json *state)
{
	struct world_list *l = arena_alloc(a, sizeof(*l));
	struct object *o = arena_alloc(a, sizeof(*o));

	o->json = json_format(a, "{'status':{'containerStatuses':[{'state':%j}]}}", state);
	vec_add(a, &l->items, o);
	return l;
}

static struct world_list *ended(struct arena *a, int code, const char *message)
{
	return pod(a, json_prune(json_format(a,
			      "{'terminated':{'exitCode':%d,'reason':'Error','message':%s}}", code,
			      message)));
}

static void the_digest_is_the_termination_message(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(verdict_digest(a, ended(a, 0, DIGEST)), DIGEST);
	assert_string_equal(verdict_digest(a, ended(a, 0, DIGEST "\n")), DIGEST);
	assert_null(verdict_digest(a, ended(a, 1, DIGEST)));
	assert_null(verdict_digest(a, ended(a, 0, "sha256:55")));
	assert_null(verdict_digest(a, ended(a, 0, NULL)));
	assert_null(verdict_digest(a, NULL));
}

static void progress_and_colours_are_left_out(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *log = "\033[36mINFO\033[0m[0000] Unpacking rootfs\n"
			  "toolkit: path /products: unknown tier\r\n"
			  "\033[31merror\033[0m building image: exit status 1\n";

	(void)state;
	assert_string_equal(verdict_failure(a, ended(a, 1, log), &anonymous),
		"toolkit: path /products: unknown tier\nerror building image: exit status 1");
}

static void the_list_of_all_flags_is_left_out(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *log =
		"Error: unknown flag: --no-such-flag\nUsage:\n  executor [flags]\n\nFlags:\n"
		"      --tar-path string   Path\n  -v, --verbosity string   Log level\n";

	(void)state;
	assert_string_equal(verdict_failure(a, ended(a, 1, log), &anonymous),
		"Error: unknown flag: --no-such-flag\n  executor [flags]");
}

static void a_log_of_progress_alone_is_better_than_none(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
		verdict_failure(a, ended(a, 137, "INFO[0000] one\nINFO[0001] two\n"), &anonymous),
		"INFO[0000] one\nINFO[0001] two");
}

static void long_logs_keep_their_end_in_whole_lines(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text;
	struct str log;

	(void)state;
	str_init(&log, a, 65536);
	for (int i = 0; i < 100; i++)
		str_addf(&log, "line number %d of the log\n", i);
	text = verdict_failure(a, ended(a, 1, log.ptr), &anonymous);
	assert_true(strlen(text) <= 1000);
	assert_true(str_starts(text, "line number"));
	assert_true(str_ends(text, "line number 99 of the log"));
}

static void a_line_that_kubelet_cut_is_left_out(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct str log;

	(void)state;
	str_init(&log, a, 65536);
	str_add(&log, "0000] cut\n");
	while (log.len < 2040)
		str_add(&log, "INFO[0000] progress\n");
	str_add(&log, "error: because\n");
	assert_string_equal(verdict_failure(a, ended(a, 1, log.ptr), &anonymous), "error: because");
}

static void the_password_is_struck_out(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct login l = { "user", "s3cret-word" };

	(void)state;
	assert_string_equal(
		verdict_failure(a,
			ended(a, 1, "push failed: Basic dXNlcjpzM2NyZXQtd29yZA== s3cret-word"), &l),
		"push failed: Basic *** ***");
}

static void without_a_log_the_state_speaks(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
		verdict_failure(a, ended(a, 137, NULL), &anonymous), "Error, exit code 137");
	assert_string_equal(verdict_failure(a, NULL, &anonymous), "the pod and its log are gone");
	assert_string_equal(
		verdict_failure(a,
			pod(a, json_format(
				       a, "{'waiting':{'reason':'ErrImagePull','message':'no'}}")),
			&anonymous),
		"ErrImagePull: no");
}

static void a_pod_on_its_way_is_no_trouble(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct world_list *l = arena_alloc(a, sizeof(*l));
	struct object *o = arena_alloc(a, sizeof(*o));

	(void)state;
	assert_null(verdict_trouble(a, NULL));
	assert_null(verdict_trouble(a, pod(a, json_format(a, "{'running':{}}"))));
	assert_null(verdict_trouble(
		a, pod(a, json_format(a, "{'waiting':{'reason':'ContainerCreating'}}"))));
	o->json = json_format(a, "{'status':{'conditions':[{'type':'PodScheduled','status':'False',"
				 "'reason':'Unschedulable','message':'0/1 nodes'}]}}");
	vec_add(a, &l->items, o);
	assert_string_equal(verdict_trouble(a, l), "Unschedulable: 0/1 nodes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_digest_is_the_termination_message),
		cmocka_unit_test(progress_and_colours_are_left_out),
		cmocka_unit_test(the_list_of_all_flags_is_left_out),
		cmocka_unit_test(a_log_of_progress_alone_is_better_than_none),
		cmocka_unit_test(long_logs_keep_their_end_in_whole_lines),
		cmocka_unit_test(a_line_that_kubelet_cut_is_left_out),
		cmocka_unit_test(the_password_is_struck_out),
		cmocka_unit_test(without_a_log_the_state_speaks),
		cmocka_unit_test(a_pod_on_its_way_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
