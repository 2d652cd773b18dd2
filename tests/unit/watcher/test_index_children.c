/* Whom an index wakes for what they have made. */
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/index.h"
#include "tests/support/unit.h"

/* ---- children ---- */

static void a_child_that_becomes_ready_wakes_at_once(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_up);
	assert_true(
		names(wakes(s, "Deployment store changed its state"), KIND_DEPLOYMENT, "store"));
	is_quiet(s);
}

static const char service_new[] = "\"spec\":{\"type\":\"LoadBalancer\"}";
static const char service_exposed[] =
	"\"spec\":{\"type\":\"LoadBalancer\"},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":"
	"\"172.30.1.1\"}]}}";

static void settle_with_gateway(struct scene *s, bool ready)
{
	lists_end(s);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_new);
	puts_object(s, KIND_SERVICE, "store", service_new);
	puts_api(s,
		&(struct api){ .generation = 1,
			.observed = 1,
			.not_ready = !ready,
			.children = list_of(s, child(s, KIND_DEPLOYMENT, "store", deployment_new),
				child(s, KIND_SERVICE, "store", service_new)) });
	is_quiet(s);
}

static void an_address_is_told_together_with_the_pods_becoming_ready(void **state)
{
	SCENE;
	struct index_message *m;

	settle_with_gateway(s, false);
	puts_object(s, KIND_SERVICE, "store", service_exposed);
	passes(s, INDEX_COMPANY_MS - 1);
	is_quiet(s);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_up);
	m = wakes(s, "Deployment store changed its state, and 1 more");
	assert_true(names(m, KIND_SERVICE, "store"));
	passes(s, 60000);
	is_quiet(s);
}

static void an_address_does_not_wait_for_pods_that_take_too_long(void **state)
{
	SCENE;

	settle_with_gateway(s, false);
	puts_object(s, KIND_SERVICE, "store", service_exposed);
	passes(s, INDEX_COMPANY_MS);
	assert_true(names(wakes(s, "Service store changed its state"), KIND_SERVICE, "store"));
	is_quiet(s);
}

static void an_address_that_changes_later_is_told_at_once(void **state)
{
	SCENE;

	settle_with_gateway(s, true);
	puts_object(s, KIND_SERVICE, "store", service_exposed);
	wakes(s, "Service store changed its state");
	is_quiet(s);
}

static void a_status_tick_of_a_child_wakes_nobody(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store",
		"\"spec\":{\"image\":\"a\"},\"status\":{\"replicas\":1}");
	passes(s, 5000);
	is_quiet(s);
}

static void scaling_a_child_wakes_nobody(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store", "\"spec\":{\"image\":\"a\",\"replicas\":4}");
	passes(s, 5000);
	is_quiet(s);
}

static void a_child_that_somebody_bends_wakes_after_a_moment(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	is_quiet(s);
	passes(s, INDEX_PATIENCE_MS);
	wakes(s, "Deployment store changed");
	passes(s, 5000);
	is_quiet(s);
}

static void a_child_that_was_told_is_named_again_with_what_moves_next(void **state)
{
	struct index_message *m;
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	passes(s, INDEX_PATIENCE_MS);
	wakes(s, "Deployment store changed");
	/* Before anybody has looked: the bus keeps only the newer message. */
	puts_api(s, &(struct api){ .generation = 2,
			    .observed = 1,
			    .children = list_of(
				    s, child(s, KIND_DEPLOYMENT, "store", deployment_new), NULL) });
	m = wakes(s, "generation 2");
	assert_true(names(m, KIND_DEPLOYMENT, "store"));
	is_quiet(s);
}

static void a_child_that_the_service_writes_itself_wakes_nobody(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	passes(s, INDEX_PATIENCE_MS - 50);
	api_has(s, child(s, KIND_DEPLOYMENT, "store", deployment_bent), NULL);
	passes(s, 5000);
	is_quiet(s);
}

static void a_status_that_overtakes_its_child_wakes_nobody(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	api_has(s, child(s, KIND_DEPLOYMENT, "store", deployment_bent), NULL);
	passes(s, INDEX_PATIENCE_MS - 50);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	passes(s, 5000);
	is_quiet(s);
}

static void a_deleted_child_wakes_and_wakes_again_when_deleted_again(void **state)
{
	SCENE;
	const struct index_message *first, *second;

	settle_with_deployment(s, deployment_new, deployment_new);
	deletes(s, KIND_DEPLOYMENT, "store");
	passes(s, INDEX_PATIENCE_MS);
	first = wakes(s, "Deployment store is gone");
	is_quiet(s);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_new);
	is_quiet(s);
	deletes(s, KIND_DEPLOYMENT, "store");
	passes(s, INDEX_PATIENCE_MS);
	second = wakes(s, "Deployment store is gone");
	assert_string_not_equal(first->id, second->id);
	assert_string_equal(first->wake.resource_version, second->wake.resource_version);
}

static void a_config_map_child_is_compared_by_version(void **state)
{
	SCENE;
	long v = puts_object(s, KIND_CONFIG_MAP, "store-dockerfile", NULL);

	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .children = arena_printf(s->arena,
				    "[{\"kind\":\"ConfigMap\",\"name\":\"store-dockerfile\","
				    "\"version\":\"%ld\",\"state\":\"\"}]",
				    v) });
	lists_end(s);
	passes(s, 1000);
	is_quiet(s);
	puts_object(s, KIND_CONFIG_MAP, "store-dockerfile", NULL);
	is_quiet(s);
	passes(s, INDEX_PATIENCE_MS);
	wakes(s, "ConfigMap store-dockerfile changed");
}

/* ---- jobs ---- */

static void the_end_of_a_job_is_told_to_its_owner_once(void **state)
{
	SCENE;
	struct index_message *m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_job(s, "store-kaniko", job_running);
	is_quiet(s);
	puts_job(s, "store-kaniko", job_complete);
	m = says(s, "job.shop.store-kaniko", "Job store-kaniko is complete");
	assert_true(ref_eq(m->wake.ref, (struct ref){ KIND_API, "shop", "store" }));
	assert_string_equal(m->wake.uid, "uid-store");
	assert_int_equal(m->wake.moved.n, 1);
	assert_true(names(m, KIND_JOB, "store-kaniko"));
	puts_job(s, "store-kaniko", job_complete);
	is_quiet(s);
	deletes(s, KIND_JOB, "store-kaniko");
	is_quiet(s);
}

/* container: "running" or "terminated", as kubelet says it before the phase follows. */
static void puts_pod_in(struct scene *s, const char *job, const char *phase, const char *container)
{
	struct json *v;

	s->version++;
	v = json_of(s, KIND_POD, "pod",
		arena_printf(s->arena,
			"\"status\":{\"phase\":\"%s\",\"containerStatuses\":[{\"state\":{\"%s\":{}}}]}",
			phase, container));
	json_set(s->arena, json_sub(s->arena, v, "metadata"), "labels",
		json_format(s->arena, "{'batch.kubernetes.io/job-name':%s}", job));
	index_upsert(s->index, KIND_POD, v, text(s, s->version));
}

static void puts_pod(struct scene *s, const char *job, const char *phase)
{
	puts_pod_in(s, job, phase, "running");
}

static void the_end_of_its_container_is_the_end_of_a_pod(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_job(s, "store-kaniko", job_running);
	puts_pod_in(s, "store-kaniko", "Running", "running");
	is_quiet(s);
	puts_pod_in(s, "store-kaniko", "Running", "terminated");
	says(s, "job.shop.store-kaniko", "Job store-kaniko has ended its pod");
	puts_pod_in(s, "store-kaniko", "Succeeded", "terminated");
	is_quiet(s);
}

static void success_is_told_when_the_pod_has_ended_and_failure_again_with_the_job(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_pod(s, "store-kaniko", "Succeeded");
	puts_pod(s, NULL, "Succeeded");
	puts_job(s, "store-kaniko", job_running);
	puts_pod(s, "store-kaniko", "Pending");
	puts_pod(s, "store-kaniko", "Running");
	is_quiet(s);
	puts_pod(s, "store-kaniko", "Succeeded");
	says(s, "job.shop.store-kaniko", "Job store-kaniko has ended its pod");
	puts_pod(s, "store-kaniko", "Succeeded");
	is_quiet(s);
	puts_job(s, "store-kaniko", job_complete);
	is_quiet(s);
	puts_job(s, "store-kaniko-2", job_running);
	puts_pod(s, "store-kaniko-2", "Failed");
	says(s, "job.shop.store-kaniko-2", "Job store-kaniko-2 has ended its pod");
	puts_job(s, "store-kaniko-2", job_failed);
	says(s, "job.shop.store-kaniko-2", "Job store-kaniko-2 has failed");
	is_quiet(s);
}

static void a_success_that_nobody_was_told_of_is_told_by_the_next_leader(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_job(s, "store-kaniko", job_running);
	index_lead(s->index, false);
	puts_pod(s, "store-kaniko", "Succeeded");
	index_lead(s->index, true);
	wakes(s, "not settled yet");
	puts_job(s, "store-kaniko", job_complete);
	says(s, "job.shop.store-kaniko", "Job store-kaniko is complete");
}

static void a_job_that_appears_finished_is_told(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_job(s, "store-kaniko", job_failed);
	says(s, "job.shop.store-kaniko", "Job store-kaniko has failed");
	is_quiet(s);
}

static void an_unfinished_job_that_is_deleted_is_told(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	puts_job(s, "store-kaniko", job_running);
	deletes(s, KIND_JOB, "store-kaniko");
	says(s, "job.shop.store-kaniko", "Job store-kaniko is gone");
	is_quiet(s);
}

static void a_job_without_a_living_owner_is_nobodys(void **state)
{
	SCENE;

	lists_end(s);
	puts_job(s, "store-kaniko", job_running);
	puts_job(s, "store-kaniko", job_complete);
	puts_object(s, KIND_JOB, "ownerless", job_complete);
	is_quiet(s);
	puts_job(s, "second", job_running);
	deletes(s, KIND_JOB, "second");
	is_quiet(s);
}

static void a_finished_job_is_told_again_at_start_only_if_its_owner_is_not_ready(void **state)
{
	SCENE;

	puts_job(s, "store-kaniko", job_complete);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	lists_end(s);
	is_quiet(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	is_quiet(s);
	index_compare_all(s->index);
	says(s, "job.shop.store-kaniko", "Job store-kaniko is complete");
	wakes(s, "not settled yet");
	is_quiet(s);
}

static void the_owner_reference_names_the_owner_of_a_job_with_a_long_name(void **state)
{
	SCENE;
	struct json *v;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	s->version++;
	v = json_of(s, KIND_JOB, "j", job_complete);
	json_set(s->arena, json_sub(s->arena, v, "metadata"), "ownerReferences",
		json_format(s->arena, "[{'kind':'API','name':'store','controller':true}]"));
	index_upsert(s->index, KIND_JOB, v, text(s, s->version));
	says(s, "job.shop.j", "Job j is complete");
}

int main(void)
{
#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, index_begin, index_end)
	const struct CMUnitTest tests[] = {
		IN_A_SCENE(a_child_that_becomes_ready_wakes_at_once),
		IN_A_SCENE(an_address_is_told_together_with_the_pods_becoming_ready),
		IN_A_SCENE(an_address_does_not_wait_for_pods_that_take_too_long),
		IN_A_SCENE(an_address_that_changes_later_is_told_at_once),
		IN_A_SCENE(a_status_tick_of_a_child_wakes_nobody),
		IN_A_SCENE(scaling_a_child_wakes_nobody),
		IN_A_SCENE(a_child_that_somebody_bends_wakes_after_a_moment),
		IN_A_SCENE(a_child_that_was_told_is_named_again_with_what_moves_next),
		IN_A_SCENE(a_child_that_the_service_writes_itself_wakes_nobody),
		IN_A_SCENE(a_status_that_overtakes_its_child_wakes_nobody),
		IN_A_SCENE(a_deleted_child_wakes_and_wakes_again_when_deleted_again),
		IN_A_SCENE(a_config_map_child_is_compared_by_version),
		IN_A_SCENE(the_end_of_a_job_is_told_to_its_owner_once),
		IN_A_SCENE(the_end_of_its_container_is_the_end_of_a_pod),
		IN_A_SCENE(success_is_told_when_the_pod_has_ended_and_failure_again_with_the_job),
		IN_A_SCENE(a_success_that_nobody_was_told_of_is_told_by_the_next_leader),
		IN_A_SCENE(a_job_that_appears_finished_is_told),
		IN_A_SCENE(an_unfinished_job_that_is_deleted_is_told),
		IN_A_SCENE(a_job_without_a_living_owner_is_nobodys),
		IN_A_SCENE(a_finished_job_is_told_again_at_start_only_if_its_owner_is_not_ready),
		IN_A_SCENE(the_owner_reference_names_the_owner_of_a_job_with_a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
