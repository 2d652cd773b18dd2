#include "builder-svc/job.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

#define HASH "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"

static struct build_request a_request(struct arena *a)
{
	struct build_request r = { .input_hash = HASH,
		.contract_sha256 = HASH,
		.image = "reg:5000/shop/store:v1-aa",
		.generation = 3 };

	vec_add(a, &r.definitions, arena_dup(a, "one-mgw"));
	vec_add(a, &r.definitions, arena_dup(a, "two-mgw"));
	return r;
}

static struct job a_job(const struct build_request *r)
{
	return (struct job){ .name = "store-kaniko",
		.api = "store",
		.request = r,
		.force = "",
		.kaniko_image = "reg:5000/kaniko:1" };
}

static const struct json *container(const struct json *job)
{
	return json_first(json_path(job, "spec", "template", "spec", "containers", NULL));
}

static bool has_argument(const struct json *job, const char *argument)
{
	json_foreach (arg, json_get(container(job), "args"))
		if (str_eq(json_str(arg), argument))
			return true;
	return false;
}

static const char *mount_path(const struct json *job, const char *volume)
{
	json_foreach (m, json_get(container(job), "volumeMounts"))
		if (str_eq(json_get_str(m, "name"), volume))
			return json_get_str(m, "mountPath");
	return NULL;
}

static void the_first_arguments_are_those_of_the_original(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);
	struct json *job = job_manifest(a, &j);
	const struct json *args = json_get(container(job), "args");

	(void)state;
	assert_string_equal(
		json_str(json_at(args, 0)), "--dockerfile=/usr/wso2/dockerfile/Dockerfile");
	assert_string_equal(json_str(json_at(args, 1)), "--context=/usr/wso2/");
	assert_string_equal(json_str(json_at(args, 2)), "--destination=reg:5000/shop/store:v1-aa");
	assert_true(has_argument(job, "--digest-file=/dev/termination-log"));
	assert_true(has_argument(job, "--build-arg=CONTRACT_SHA256=" HASH));
	assert_false(has_argument(job, "--insecure"));
	assert_string_equal(json_get_str(container(job), "name"), "storegen-container");
}

static void every_document_has_a_folder_of_its_own(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);
	struct json *job = job_manifest(a, &j);

	(void)state;
	assert_string_equal(mount_path(job, "swagger-1"), "/usr/wso2/swagger/project-1");
	assert_string_equal(mount_path(job, "swagger-2"), "/usr/wso2/swagger/project-2");
	assert_string_equal(mount_path(job, "dockerfile"), "/usr/wso2/dockerfile");
	assert_string_equal(mount_path(job, "policy"), "/usr/wso2/policy");
	assert_string_equal(mount_path(job, "mgwconf"), "/usr/wso2/mgwconf");
	assert_null(mount_path(job, "docker-config"));
}

static void a_plain_registry_needs_its_arguments(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);
	struct json *job;

	(void)state;
	j.plain_http = true;
	vec_add(a, &j.arguments, arena_dup(a, "--verbosity=debug"));
	job = job_manifest(a, &j);
	assert_true(has_argument(job, "--insecure"));
	assert_true(has_argument(job, "--insecure-pull"));
	assert_true(has_argument(job, "--verbosity=debug"));
}

static void credentials_are_mounted_where_kaniko_looks(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);

	(void)state;
	j.credentials = "docker-registry-credentials";
	assert_string_equal(mount_path(job_manifest(a, &j), "docker-config"), "/kaniko/.docker");
}

static void what_administrators_mount_into_builds_is_there(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);
	struct json *job;

	(void)state;
	r.mounts = json_format(a,
		"[{'kind':'ConfigMap','name':'store-mount-certs','path':'/kaniko/ssl/ca.pem','subPath':'ca.pem'},"
		"{'kind':'Secret','name':'proxy'}]");
	job = job_manifest(a, &j);
	assert_string_equal(mount_path(job, "mount-1"), "/kaniko/ssl/ca.pem");
	assert_null(mount_path(job, "mount-2"));
	assert_string_equal(json_text(a, json_get(container(job), "envFrom")),
		"[{\"secretRef\":{\"name\":\"proxy\"}}]");
	assert_non_null(strstr(json_text(a, job), "{\"name\":\"store-mount-certs\"}"));
}

static void the_gateways_service_does_not_select_the_job(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);

	(void)state;
	assert_null(json_path(
		job_manifest(a, &j), "spec", "template", "metadata", "labels", "app", NULL));
}

static void a_long_or_dotted_name_still_makes_valid_names(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *api =
		"an-api-with-a.name-that-is-much-too-long-for-a-label-and-for-a-container";
	struct build_request r = a_request(a);
	struct job j = a_job(&r);

	(void)state;
	assert_true(strlen(job_name(a, api)) <= 63);
	assert_true(strlen(job_name_by_hash(a, api, &r)) <= 63);
	assert_true(str_ends(job_name(a, api), "-kaniko"));
	assert_string_not_equal(job_name(a, api), job_name(a, arena_printf(a, "%s2", api)));
	j.api = api;
	assert_true(strlen(json_get_str(container(job_manifest(a, &j)), "name")) <= 63);
	assert_null(strchr(json_get_str(container(job_manifest(a, &j)), "name"), '.'));
}

static void the_update_time_stamp_is_the_suffix_if_it_can(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);

	(void)state;
	assert_string_equal(job_name_by_hash(a, "store", &r), "store-kaniko-aaaaaaaa");
	r.attempt = "1572256179";
	assert_string_equal(job_name_by_attempt(a, "store", &r), "store-kaniko-1572256179");
	r.attempt = "2019-10-28T09:36:19Z";
	assert_string_equal(job_name_by_attempt(a, "store", &r), job_name_by_hash(a, "store", &r));
	assert_string_not_equal(job_name_by_hash(a, "store", &r), "store-kaniko-aaaaaaaa");
}

static void a_job_is_known_by_hash_and_force(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_request r = a_request(a);
	struct job j = a_job(&r);
	struct json *job = job_manifest(a, &j);

	(void)state;
	assert_true(job_is_for(a, job, &r));
	r.override = true;
	assert_false(job_is_for(a, job, &r));
	j.force = build_force(a, &r);
	assert_true(job_is_for(a, job_manifest(a, &j), &r));
	r.input_hash = "0000";
	assert_false(job_is_for(a, job, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_arguments_are_those_of_the_original),
		cmocka_unit_test(every_document_has_a_folder_of_its_own),
		cmocka_unit_test(a_plain_registry_needs_its_arguments),
		cmocka_unit_test(credentials_are_mounted_where_kaniko_looks),
		cmocka_unit_test(what_administrators_mount_into_builds_is_there),
		cmocka_unit_test(the_gateways_service_does_not_select_the_job),
		cmocka_unit_test(a_long_or_dotted_name_still_makes_valid_names),
		cmocka_unit_test(the_update_time_stamp_is_the_suffix_if_it_can),
		cmocka_unit_test(a_job_is_known_by_hash_and_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
