/* The life of a build: its Job, its end, and what comes between. */
#include "builder-svc/job.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "tests/support/builder.h"
#include "tests/support/unit.h"

static void an_absent_image_gets_one_job(void **state)
{
	struct fixture *f = *state;

	assert_true(look(f).again);
	assert_non_null(the_job(f));
	assert_string_equal(meta_label(the_job(f), LABEL_INPUT_HASH),
		"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee");
	assert_int_equal(memory_published(&f->memory, "evt.build.started."), 1);
	assert_int_equal(registry.asked, 1);
	assert_true(look(f).again);
	assert_int_equal(registry.asked, 1);
	assert_int_equal(memory_published(&f->memory, "evt.build.started."), 1);
}

static void a_finished_job_makes_the_image_ready(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	job_succeeds(f);
	assert_false(look(f).again);
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_READY);
	assert_string_equal(r.digest, DIGEST);
	assert_string_equal(r.source, "build");
	assert_int_equal(memory_published(&f->memory, "build.result.shop.online-store"), 1);
	assert_int_equal(memory_published(&f->memory, "evt.build.image-ready."), 1);
}

static void a_lost_result_message_is_sent_again(void **state)
{
	struct fixture *f = *state;
	unsigned int writes;

	registry.says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	(void)look(f);
	writes = f->memory.writes;
	assert_false(look(f).again);
	assert_int_equal(memory_published(&f->memory, "build.result."), 2);
	assert_int_equal(memory_published(&f->memory, "evt.build.image-ready."), 1);
	assert_int_equal(f->memory.writes, writes);
}

static void a_newer_request_ends_the_build_of_the_older(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	request(f, HASH_B, false);
	assert_true(look(f).delay_ms <= 200);
	assert_null(the_job(f));
	(void)look_again(f, 2);
	assert_string_equal(meta_label(the_job(f), LABEL_INPUT_HASH),
		"99999999bbbbbbbbccccccccddddddddeeeeeeee");
}

static void a_finished_job_of_other_inputs_keeps_its_name(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	job_succeeds(f);
	(void)look(f);
	request(f, HASH_B, false);
	(void)look(f);
	assert_non_null(the_job(f));
	assert_non_null(memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko-99999999"));
	/* Back again: the old Job still knows the digest. */
	request(f, HASH_A, false);
	assert_false(look(f).again);
	assert_int_equal(memory_published(&f->memory, "evt.build.started."), 2);
}

static void a_failed_build_is_told_and_tried_again_later(void **state)
{
	struct fixture *f = *state;
	struct build_result r;
	struct outcome o;

	(void)look(f);
	job_ends(f, "online-store-kaniko", "Failed",
		"{'exitCode':1,'message':'INFO[0000] fine\\nerror building image: proof failed'}");
	o = look(f);
	assert_true(o.again && o.delay_ms >= 10000 && o.delay_ms <= 12000);
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_FAILED);
	assert_string_equal(r.reason, REASON_BUILD_FAILED);
	assert_string_equal(r.message, "error building image: proof failed");
	assert_int_equal(r.attempts, 1);
	assert_int_equal(memory_published(&f->memory, "evt.build.failed."), 1);
	/* Looked at again too early: nothing happens, nothing is told twice. */
	f->memory.now_ms += 3000;
	o = look(f);
	assert_true(o.again && o.delay_ms <= 9000);
	assert_non_null(the_job(f));
	assert_int_equal(memory_published(&f->memory, "evt.build.failed."), 1);
	/* Due: the failed Job makes room, then the next one starts. */
	f->memory.now_ms += 9000;
	assert_true(look(f).again);
	assert_null(the_job(f));
	assert_true(look(f).again);
	assert_non_null(the_job(f));
	assert_int_equal(memory_published(&f->memory, "evt.build.started."), 2);
	/* The second failure waits twice as long. */
	job_ends(f, "online-store-kaniko", "Failed", "{'exitCode':1,'message':'again'}");
	o = look(f);
	assert_true(o.delay_ms >= 20000);
	assert_true(result(f, &r));
	assert_int_equal(r.attempts, 2);
}

static void a_deleted_api_stops_its_build(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	memory_delete(&f->memory, KIND_API, "shop", "online-store");
	assert_false(look(f).again);
	assert_null(the_job(f));
}

static void a_job_of_an_earlier_api_of_the_name_is_waited_out(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	job_succeeds(f);
	memory_delete(&f->memory, KIND_API, "shop", "online-store");
	memory_put(&f->memory,
		"{'kind':'API','metadata':{'namespace':'shop','name':'online-store'},"
		"'spec':{'replicas':1}}");
	assert_true(look(f).again);
	assert_true(look_again(f, 2).delay_ms <= 200);
	memory_delete(&f->memory, KIND_JOB, "shop", "online-store-kaniko");
	(void)look_again(f, 3);
	assert_string_equal(
		json_get_str(json_first(json_path(the_job(f), "metadata", "ownerReferences", NULL)),
			"uid"),
		meta_uid(memory_get(&f->memory, KIND_API, "shop", "online-store")));
}

static void a_strangers_job_of_the_name_does_not_stop_us(void **state)
{
	struct fixture *f = *state;

	memory_put(&f->memory, "{'kind':'Job','metadata':{'namespace':'shop','name':"
			       "'online-store-kaniko'},'spec':{'x':1}}");
	assert_true(look(f).again);
	assert_true(look_again(f, 2).again);
	assert_non_null(memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

/* The path of every build: what it may cost the API server. */
static void a_build_costs_few_requests(void **state)
{
	struct fixture *f = *state;

	f->memory.reads = 0;
	(void)look(f);
	assert_true(f->memory.reads <= 8);
	job_succeeds(f);
	f->memory.reads = 0;
	(void)look(f);
	assert_true(f->memory.reads <= 5);
	f->memory.reads = 0;
	(void)look(f);
	assert_true(f->memory.reads <= 3);
}

static void no_more_jobs_run_than_allowed(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	f->rt.env = json_format(f->arena, "{'BUILD_PARALLELISM':'2'}");
	for (int i = 0; i < 2; i++)
		memory_put(&f->memory,
			arena_printf(f->arena,
				"{'kind':'Job','metadata':{'namespace':'other','name':'j%d','labels':"
				"{'app.kubernetes.io/part-of':'apim.wso2.com'}},'spec':{'x':1}}",
				i));
	assert_true(look(f).again);
	assert_null(the_job(f));
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_QUEUED);
	memory_delete(&f->memory, KIND_JOB, "other", "j1");
	(void)look(f);
	assert_non_null(the_job(f));
}

static void a_job_made_meanwhile_is_found_by_its_name(void **state)
{
	struct fixture *f = *state;
	struct json *unlisted;

	(void)look(f);
	/* As if it had been made after the Jobs were listed: no list has it. */
	unlisted = json_dup(f->arena, the_job(f));
	json_set_str(f->arena,
		json_sub(f->arena, json_sub(f->arena, unlisted, "metadata"), "labels"),
		LABEL_OWNER_KIND, "unlisted");
	memory_put(&f->memory, json_text(f->arena, unlisted));
	assert_true(look_again(f, 2).again);
	assert_null(memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

static void without_a_request_nothing_is_built(void **state)
{
	struct fixture *f = *state;

	memory_delete(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile");
	assert_false(look(f).again);
	assert_null(the_job(f));
	assert_null(memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"));
}

/* Every call to the API server fails once, in turn; whatever was done by then, the next looks
 * finish it. */
static void any_single_fault_is_survived(void **state)
{
	(void)state;
	for (unsigned int k = 1; k < 60; k++) {
		struct build_result r;
		struct fixture *f;
		void *fresh;

		build_begin(&fresh);
		f = fresh;
		f->memory.fail_call = k;
		for (int i = 0; i < 3; i++)
			(void)look(f);
		assert_non_null(the_job(f));
		job_succeeds(f);
		for (int i = 0; i < 3; i++)
			(void)look(f);
		assert_true(result(f, &r));
		assert_int_equal(r.state, BUILD_READY);
		assert_true(memory_published(&f->memory, "build.result.") >= 1);
		build_end(&fresh);
	}
}

int main(void)
{
#define OF_A_BUILD(test) cmocka_unit_test_setup_teardown(test, build_begin, build_end)
	const struct CMUnitTest tests[] = {
		OF_A_BUILD(an_absent_image_gets_one_job),
		OF_A_BUILD(a_finished_job_makes_the_image_ready),
		OF_A_BUILD(a_lost_result_message_is_sent_again),
		OF_A_BUILD(a_newer_request_ends_the_build_of_the_older),
		OF_A_BUILD(a_finished_job_of_other_inputs_keeps_its_name),
		OF_A_BUILD(a_failed_build_is_told_and_tried_again_later),
		OF_A_BUILD(a_deleted_api_stops_its_build),
		OF_A_BUILD(a_job_of_an_earlier_api_of_the_name_is_waited_out),
		OF_A_BUILD(a_strangers_job_of_the_name_does_not_stop_us),
		OF_A_BUILD(a_build_costs_few_requests),
		OF_A_BUILD(no_more_jobs_run_than_allowed),
		OF_A_BUILD(a_job_made_meanwhile_is_found_by_its_name),
		OF_A_BUILD(without_a_request_nothing_is_built),
		OF_A_BUILD(any_single_fault_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
