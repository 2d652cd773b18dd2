/* A build, its registry and the credentials for it. */
#include "builder-svc/scene.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "tests/support/builder.h"
#include "tests/support/unit.h"

static void an_image_that_exists_is_not_built(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	registry.says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	assert_false(look(f).again);
	assert_null(the_job(f));
	assert_true(result(f, &r));
	assert_string_equal(r.source, "registry");
	assert_string_equal(r.digest, DIGEST);
}

static void override_builds_although_the_image_exists(void **state)
{
	struct fixture *f = *state;
	const char *job = NULL;

	registry.says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	(void)look(f);
	assert_null(the_job(f));
	request(f, HASH_A, true);
	(void)look(f);
	vec_foreach (const struct slot *, x, &f->memory.store.slots[KIND_JOB])
		if (x->json)
			job = x->ref.name;
	assert_non_null(job);
	job_ends(f, job ? job : "", "Complete", JOB_BUILT);
	assert_false(look(f).again);
	assert_false(look(f).again);
	assert_int_equal(registry.asked, 1);
}

/* Registry and credentials are chosen anew: what was pushed elsewhere does not count. */
static void another_registry_gets_the_image_too(void **state)
{
	struct fixture *f = *state;
	struct json *map;
	struct build_request r;

	(void)look(f);
	job_succeeds(f);
	assert_false(look(f).again);
	map = json_dup(f->arena,
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"));
	assert_true(build_request_read(f->arena, map, &r));
	r.image = "other:5000/shop/online-store:v1-aaaaaaaabbbb";
	json_set_str(f->arena,
		json_sub(f->arena, json_sub(f->arena, map, "metadata"), "annotations"),
		ANNOTATION_BUILD, build_request_text(f->arena, &r));
	memory_put(&f->memory, json_text(f->arena, map));
	assert_true(look(f).again);
	assert_int_equal(registry.asked, 2);
	assert_non_null(memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

static void a_changed_configuration_is_worth_an_attempt_at_once(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	job_ends(f, "online-store-kaniko", "Failed", "{'exitCode':1,'message':'no'}");
	(void)look(f);
	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':'controller-config'},"
		"'data':{'dockerRegistry':'http://reg:5000/other','kanikoImg':'reg:5000/kaniko:1'}}");
	(void)look(f);
	assert_null(the_job(f));
}

static void a_silent_registry_is_told_once_and_asked_again(void **state)
{
	struct fixture *f = *state;
	struct build_result r;
	struct outcome o;

	registry.says =
		"{\"error\":\"unavailable\",\"message\":\"registry reg:5000 cannot be reached\"}";
	o = look(f);
	assert_true(o.again && o.delay_ms <= 1200);
	assert_null(the_job(f));
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_WAITING);
	assert_string_equal(r.reason, REASON_REGISTRY_UNAVAILABLE);
	(void)look(f);
	assert_int_equal(memory_published(&f->memory, "build.result."), 1);
	registry.says = "{\"present\":false}";
	(void)look(f);
	assert_non_null(the_job(f));
}

static void wrong_credentials_name_registry_and_secret(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	registry.says =
		"{\"error\":\"denied\",\"message\":\"registry reg:5000 refuses user \\\"u\\\"\"}";
	(void)look(f);
	assert_true(result(f, &r));
	assert_string_equal(r.reason, REASON_REGISTRY_DENIED);
	assert_string_equal(r.message,
		"registry reg:5000 refuses user \"u\": correct Secret \"wso2-system/docker-secret\"");
}

static void no_registry_names_the_remedy(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	memory_delete(&f->memory, KIND_CONFIG_MAP, "wso2-system", "controller-config");
	assert_true(look(f).again);
	assert_true(result(f, &r));
	assert_string_equal(r.reason, REASON_REGISTRY_NOT_CONFIGURED);
	assert_non_null(
		strstr(r.message, "dockerRegistry in ConfigMap \"wso2-system/controller-config\""));
	assert_int_equal(registry.asked, 0);
}

static void user_and_password_become_the_namespaces_secret(void **state)
{
	struct fixture *f = *state;
	const struct json *secret;

	memory_put(&f->memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			       "'docker-secret'},'data':{'username':'dQ==','password':'cA=='}}");
	(void)look(f);
	secret = memory_get(&f->memory, KIND_SECRET, "shop", CREDENTIALS_SECRET);
	assert_string_equal(data_entry(f->arena, secret, ".dockerconfigjson", NULL),
		"{\"auths\":{\"reg:5000\":{\"auth\":\"dTpw\"}}}");
	assert_null(json_path(secret, "metadata", "ownerReferences", NULL));
	/* With the last API of the namespace it goes. */
	memory_delete(&f->memory, KIND_API, "shop", "online-store");
	(void)look(f);
	assert_null(memory_get(&f->memory, KIND_SECRET, "shop", CREDENTIALS_SECRET));
}

static void a_failure_with_credentials_is_told_without_them(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	memory_put(&f->memory,
		"{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
		"'docker-secret'},'data':{'username':'dXNlcg==','password':'czNjcmV0'}}");
	(void)look(f);
	job_ends(f, "online-store-kaniko", "Failed",
		"{'exitCode':1,'message':'no push with s3cret'}");
	assert_true(look(f).delay_ms >= 10000);
	assert_true(result(f, &r));
	assert_int_equal(r.state, BUILD_FAILED);
	assert_string_equal(r.message, "no push with ***");
}

/* An image that is built whether it exists or not needs a token all the same. */
static void a_token_of_amazons_is_got_once_for_a_namespace(void **state)
{
	struct fixture *f = *state;
	const struct json *secret;

	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':"
		"'docker-registry-config'},'data':{'registryType':'AMAZON_ECR',"
		"'repositoryName':'123456789012.dkr.ecr.eu-west-1.amazonaws.com/gw'}}");
	memory_put(&f->memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			       "'aws-credentials'},'data':{'credentials':'eA=='}}");
	request_at(f, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gw:x", HASH_A, true);
	registry.asked = registry.tokens = 0;
	registry.says = "{\"token\":{\"password\":\"t\",\"expiresAt\":99999999999}}";
	(void)look(f);
	assert_int_equal(registry.asked, 0);
	assert_int_equal(registry.tokens, 1);
	secret = memory_get(&f->memory, KIND_SECRET, "shop", CREDENTIALS_SECRET);
	assert_string_equal(meta_annotation(secret, ANNOTATION_EXPIRES_AT), "99999999999");
	assert_non_null(strstr(json_text(f->arena, the_job(f)), CREDENTIALS_SECRET));

	job_succeeds(f);
	(void)look(f);
	request_at(f, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gw:y", HASH_B, false);
	registry.says = "{\"present\":false}";
	(void)look(f);
	assert_int_equal(registry.tokens, 1);
	assert_int_equal(registry.asked, 1);
	/* Another key of AWS: another token. */
	memory_put(&f->memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			       "'aws-credentials'},'data':{'credentials':'eQ=='}}");
	request_at(f, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gw:z", HASH_A, false);
	registry.says =
		"{\"present\":false,\"token\":{\"password\":\"u\",\"expiresAt\":99999999999}}";
	(void)look(f);
	assert_int_equal(registry.tokens, 2);
}

static void a_secret_of_the_user_is_left_alone(void **state)
{
	struct fixture *f = *state;
	const struct json *secret;

	memory_put(&f->memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			       "'docker-secret'},'data':{'username':'dQ==','password':'cA=='}}");
	memory_put(&f->memory,
		"{'kind':'Secret','metadata':{'namespace':'shop','name':"
		"'docker-registry-credentials'},'data':{'.dockerconfigjson':'e30='}}");
	(void)look(f);
	assert_non_null(the_job(f));
	secret = memory_get(&f->memory, KIND_SECRET, "shop", CREDENTIALS_SECRET);
	assert_string_equal(data_entry(f->arena, secret, ".dockerconfigjson", NULL), "{}");
}

static void a_complete_job_without_digest_asks_the_registry(void **state)
{
	struct fixture *f = *state;
	struct build_result r;

	(void)look(f);
	job_ends(f, "online-store-kaniko", "Complete", "{'exitCode':0}");
	registry.says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	assert_false(look(f).again);
	assert_true(result(f, &r));
	assert_string_equal(r.digest, DIGEST);
}

static void a_complete_job_whose_image_vanished_is_repeated(void **state)
{
	struct fixture *f = *state;

	(void)look(f);
	job_ends(f, "online-store-kaniko", "Complete", "{'exitCode':0}");
	assert_true(look(f).again);
	assert_null(the_job(f));
	assert_true(look(f).again);
	assert_non_null(the_job(f));
}

int main(void)
{
#define OF_A_BUILD(test) cmocka_unit_test_setup_teardown(test, build_begin, build_end)
	const struct CMUnitTest tests[] = {
		OF_A_BUILD(an_image_that_exists_is_not_built),
		OF_A_BUILD(override_builds_although_the_image_exists),
		OF_A_BUILD(another_registry_gets_the_image_too),
		OF_A_BUILD(a_changed_configuration_is_worth_an_attempt_at_once),
		OF_A_BUILD(a_silent_registry_is_told_once_and_asked_again),
		OF_A_BUILD(wrong_credentials_name_registry_and_secret),
		OF_A_BUILD(no_registry_names_the_remedy),
		OF_A_BUILD(user_and_password_become_the_namespaces_secret),
		OF_A_BUILD(a_failure_with_credentials_is_told_without_them),
		OF_A_BUILD(a_token_of_amazons_is_got_once_for_a_namespace),
		OF_A_BUILD(a_secret_of_the_user_is_left_alone),
		OF_A_BUILD(a_complete_job_without_digest_asks_the_registry),
		OF_A_BUILD(a_complete_job_whose_image_vanished_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
