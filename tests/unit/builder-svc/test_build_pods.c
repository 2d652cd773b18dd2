/* What pods say of a build. */
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "tests/support/builder.h"
#include "tests/support/unit.h"

static struct outcome look_after_the_end(struct fixture *f, const char *job)
{
	struct wake wake = { .ref = { KIND_API, "shop", "online-store" }, .cause = "test" };
	struct ref ref = { KIND_JOB, "shop", job };

	vec_add(f->arena, &wake.moved, &ref);
	return runtime_pass(&f->rt, f->arena, &wake, 1);
}

/* As kubelet shows it a second before the Job controller has counted it. */
static void pod_succeeds(struct fixture *f, const char *annotations, const char *job_uid)
{
	struct json *labels = json_dup(
		f->arena, json_path(the_job(f), "spec", "template", "metadata", "labels", NULL));

	json_set_str(f->arena, labels, "batch.kubernetes.io/job-name", "online-store-kaniko");
	memory_put(&f->memory,
		arena_printf(f->arena,
			"{'kind':'Pod','metadata':{'namespace':'shop','name':'x','labels':%s,"
			"'annotations':%s,'ownerReferences':[{'kind':'Job','uid':'%s'}]},'status':{'phase':'Succeeded','containerStatuses':[{'state':"
			"{'terminated':{'exitCode':0,'message':'" DIGEST "'}}}]}}",
			json_text(f->arena, labels), annotations, job_uid));
}

static void a_pod_that_has_succeeded_speaks_for_its_job(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	pod_succeeds(f,
		json_text(f->arena,
			json_path(the_job(f), "spec", "template", "metadata", "annotations", NULL)),
		meta_uid(the_job(f)));
	f->memory.reads = 0;
	(void)look_after_the_end(f, "online-store-kaniko");
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_READY);
	assert_string_equal(r.digest, DIGEST);
	assert_string_equal(r.job, "online-store-kaniko");
	assert_int_equal(f->memory.reads, 4); /* API, ConfigMap, pods, who waits */
}

static void a_pod_that_has_built_something_else_says_nothing(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	pod_succeeds(f, "{'apim.wso2.com/image':'registry/another:1'}", "of an earlier Job");
	(void)look_after_the_end(f, "online-store-kaniko");
	assert_false(result(f, &r) && r.state == BUILD_READY);
}

static void a_pod_of_an_earlier_job_of_the_name_says_nothing(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	memory_put(&f->memory,
		"{'kind':'Pod','metadata':{'namespace':'shop','name':'p','labels':"
		"{'batch.kubernetes.io/job-name':'online-store-kaniko'},'ownerReferences':"
		"[{'kind':'Job','name':'online-store-kaniko','uid':'an earlier one','controller':true}]},"
		"'status':{'containerStatuses':[{'state':{'terminated':{'exitCode':0,'message':'" DIGEST
		"'}}}]}}");
	assert_true(look(f).again);
	assert_false(result(f, &r));
}

static void a_pod_that_cannot_start_is_told(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	memory_put(&f->memory,
		"{'kind':'Pod','metadata':{'namespace':'shop','name':'p','labels':"
		"{'batch.kubernetes.io/job-name':'online-store-kaniko'}},'status':{'containerStatuses':"
		"[{'state':{'waiting':{'reason':'ImagePullBackOff','message':'no such image'}}}]}}");
	assert_true(look(f).again);
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_WAITING);
	assert_string_equal(r.message, "Job online-store-kaniko: ImagePullBackOff: no such image");
}

int main(void)
{
#define OF_A_BUILD(test) cmocka_unit_test_setup_teardown(test, build_begin, build_end)
	const struct CMUnitTest tests[] = {
		OF_A_BUILD(a_pod_that_has_succeeded_speaks_for_its_job),
		OF_A_BUILD(a_pod_that_has_built_something_else_says_nothing),
		OF_A_BUILD(a_pod_of_an_earlier_job_of_the_name_says_nothing),
		OF_A_BUILD(a_pod_that_cannot_start_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
