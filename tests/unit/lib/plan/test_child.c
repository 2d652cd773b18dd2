#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/unit.h"

static const char *state_of(struct arena *a, enum kind kind, const char *text)
{
	return child_state(a, kind, json_format(a, text));
}

#define ROLLED_OUT                                                                                 \
	"{'metadata':{'generation':2},'spec':{'replicas':3},'status':{'observedGeneration':2,"     \
	"'replicas':3,'updatedReplicas':3,'availableReplicas':1,"                                  \
	"'conditions':[{'type':'Progressing','reason':'NewReplicaSetAvailable'}]}}"

static void a_finished_rollout_is_available_even_while_it_scales(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(state_of(a, KIND_DEPLOYMENT, ROLLED_OUT), "Available");
}

static void a_deployment_that_was_not_looked_at_yet_is_progressing(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *d = json_format(a, ROLLED_OUT);

	json_set_int(a, json_sub(a, d, "metadata"), "generation", 3);
	assert_string_equal(child_state(a, KIND_DEPLOYMENT, d), "Progressing");
	assert_string_equal(
		state_of(a, KIND_DEPLOYMENT, "{'metadata':{'generation':1}}"), "Progressing");
}

static void old_pods_that_still_run_are_progress(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *d = json_format(a, ROLLED_OUT);

	json_set_int(a, json_sub(a, d, "status"), "replicas", 4);
	assert_string_equal(child_state(a, KIND_DEPLOYMENT, d), "Progressing");
}

static void a_rollout_past_its_deadline_is_stuck(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(
		state_of(a, KIND_DEPLOYMENT,
			"{'metadata':{'generation':1},'spec':{'replicas':1},'status':{'observedGeneration':1,"
			"'conditions':[{'type':'Progressing','reason':'ProgressDeadlineExceeded'}]}}"),
		"Stuck");
}

static void a_deployment_scaled_to_zero_is_available(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(state_of(a, KIND_DEPLOYMENT,
				    "{'metadata':{'generation':1},'spec':{'replicas':0},"
				    "'status':{'observedGeneration':1}}"),
		"Available");
}

static void a_job_is_complete_failed_or_neither(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(
		state_of(a, KIND_JOB,
			"{'status':{'conditions':[{'type':'Complete','status':'True'}]}}"),
		"Complete");
	assert_string_equal(
		state_of(a, KIND_JOB,
			"{'status':{'conditions':[{'type':'Failed','status':'True'}]}}"),
		"Failed");
	assert_string_equal(
		state_of(a, KIND_JOB,
			"{'status':{'conditions':[{'type':'Failed','status':'False'}]}}"),
		"");
	assert_string_equal(state_of(a, KIND_JOB, "{}"), "");
}

static void the_state_of_a_service_is_its_addresses(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(
		state_of(a, KIND_SERVICE,
			"{'status':{'loadBalancer':{'ingress':[{'ip':'172.30.1.10'},{'hostname':'h.example'}]}}}"),
		"172.30.1.10,h.example");
	assert_string_equal(state_of(a, KIND_SERVICE, "{'status':{'loadBalancer':{}}}"), "");
}

static void the_state_of_an_ingress_is_its_addresses_and_of_a_route_what_routers_say(
	void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(state_of(a, KIND_INGRESS,
				    "{'status':{'loadBalancer':{'ingress':[{'ip':'192.0.2.7'}]}}}"),
		"192.0.2.7");
	assert_string_equal(state_of(a, KIND_ROUTE, "{}"), "");
	assert_string_equal(
		state_of(a, KIND_ROUTE,
			"{'status':{'ingress':[{'conditions':[{'type':'Admitted','status':'False'}]}]}}"),
		"Rejected");
	assert_string_equal(
		state_of(a, KIND_ROUTE,
			"{'status':{'ingress':[{'conditions':[{'type':'Admitted','status':'False'}]},"
			"{'conditions':[{'type':'Admitted','status':'True'}]}]}}"),
		"Admitted");
}

static void scaling_is_no_drift_but_an_image_is(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *one = child_version(
		a, KIND_DEPLOYMENT, json_format(a, "{'spec':{'replicas':1,'image':'x'}}"));
	const char *five = child_version(
		a, KIND_DEPLOYMENT, json_format(a, "{'spec':{'replicas':5,'image':'x'}}"));
	const char *other = child_version(
		a, KIND_DEPLOYMENT, json_format(a, "{'spec':{'replicas':1,'image':'y'}}"));

	assert_string_equal(one, five);
	assert_string_not_equal(one, other);
}

static void objects_without_spec_go_by_resource_version(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(child_version(a, KIND_CONFIG_MAP,
				    json_format(a, "{'metadata':{'resourceVersion':'7'}}")),
		"7");
	assert_string_equal(child_version(a, KIND_SECRET, NULL), "");
	assert_string_equal(child_version(a, KIND_SERVICE, json_format(a, "{}")), "");
}

static void the_state_of_a_knative_service_is_what_knative_says_of_this_generation(
	void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *text = "{'metadata':{'generation':2},'status':{'observedGeneration':%d,"
			   "'conditions':[{'type':'Ready','status':%s}]}}";

	assert_string_equal(
		child_state(a, KIND_KNATIVE_SERVICE, json_format(a, text, 2, "True")), "Ready");
	assert_string_equal(
		child_state(a, KIND_KNATIVE_SERVICE, json_format(a, text, 2, "False")), "Failed");
	assert_string_equal(
		child_state(a, KIND_KNATIVE_SERVICE, json_format(a, text, 2, "Unknown")), "");
	assert_string_equal(
		child_state(a, KIND_KNATIVE_SERVICE, json_format(a, text, 1, "True")), "");
}

static void a_service_of_knative_is_not_one_of_kubernetes(void **state UNUSED)
{
	assert_int_equal(
		kind_of_manifest("serving.knative.dev/v1", "Service"), KIND_KNATIVE_SERVICE);
	assert_int_equal(kind_of_manifest("v1", "Service"), KIND_SERVICE);
	assert_int_equal(kind_of_manifest(NULL, "Service"), KIND_SERVICE);
	assert_int_equal(kind_by_name("KnativeService"), KIND_KNATIVE_SERVICE);
	assert_string_equal(kind_in_manifests(KIND_KNATIVE_SERVICE), "Service");
	assert_string_equal(kind_in_manifests(KIND_SERVICE), "Service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_state_of_a_knative_service_is_what_knative_says_of_this_generation),
		cmocka_unit_test(a_service_of_knative_is_not_one_of_kubernetes),
		cmocka_unit_test(a_finished_rollout_is_available_even_while_it_scales),
		cmocka_unit_test(a_deployment_that_was_not_looked_at_yet_is_progressing),
		cmocka_unit_test(old_pods_that_still_run_are_progress),
		cmocka_unit_test(a_rollout_past_its_deadline_is_stuck),
		cmocka_unit_test(a_deployment_scaled_to_zero_is_available),
		cmocka_unit_test(a_job_is_complete_failed_or_neither),
		cmocka_unit_test(the_state_of_a_service_is_its_addresses),
		cmocka_unit_test(
			the_state_of_an_ingress_is_its_addresses_and_of_a_route_what_routers_say),
		cmocka_unit_test(scaling_is_no_drift_but_an_image_is),
		cmocka_unit_test(objects_without_spec_go_by_resource_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
