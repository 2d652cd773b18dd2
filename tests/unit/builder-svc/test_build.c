/* The life of a build, told to the rules through the runtime, over memory. */
#include "builder-svc/build.h"
#include "builder-svc/job.h"
#include "builder-svc/scene.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

#define HASH_A "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define HASH_B "99999999bbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define DIGEST "sha256:5555555555555555555555555555555555555555555555555555555555555555"

/* What the registry would answer, and how often it was asked. */
static const char *registry_says;
static unsigned int registry_asked;

static bool observe(struct world *w, struct err *err)
{
	struct scene s;

	scene_read(w->arena, w, &s);
	if (!build_asks_registry(&s))
		return true;
	registry_asked++;
	w->observed = json_parse(w->arena, registry_says, strlen(registry_says), err);
	return w->observed != NULL;
}

static const struct service builder = {
	.name = "builder-svc",
	.about = "test",
	.needs = build_needs,
	.observe = observe,
	.reconcile = build_reconcile,
};

struct fixture {
	struct memory memory;
	struct runtime rt;
	struct arena *arena;
};

static void request(struct fixture *f, const char *hash, bool override)
{
	struct build_request r = { .input_hash = hash,
		.contract_sha256 = HASH_B,
		.image = arena_printf(f->arena, "reg:5000/shop/online-store:v1-%.12s", hash),
		.generation = 1,
		.override = override };
	struct json *annotations = json_object(f->arena);
	const char *result = meta_annotation(
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"),
		ANNOTATION_BUILD_RESULT);

	vec_add(f->arena, &r.definitions, arena_dup(f->arena, "online-store-swagger-mgw"));
	json_set_str(f->arena, annotations, ANNOTATION_BUILD, build_request_text(f->arena, &r));
	json_set_str(f->arena, annotations, ANNOTATION_BUILD_RESULT, result);
	memory_put(&f->memory,
		json_text(f->arena,
			json_format(f->arena,
				"{'kind':'ConfigMap','metadata':{'namespace':'shop','name':"
				"'online-store-dockerfile','annotations':%j},'data':{'Dockerfile':'FROM x'}}",
				annotations)));
}

static void start(struct fixture *f, struct arena *a)
{
	*f = (struct fixture){ .arena = a };
	memory_init(&f->memory, a);
	f->rt = (struct runtime){ .service = &builder,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.instance = "builder-0" };
	log_open("test", LOG_ERROR);
	registry_says = "{\"present\":false}";
	registry_asked = 0;
	memory_put(&f->memory,
		"{'kind':'API','metadata':{'namespace':'shop','name':'online-store'},"
		"'spec':{'replicas':1}}");
	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':'controller-config'},"
		"'data':{'dockerRegistry':'http://reg:5000/gateways','kanikoImg':'reg:5000/kaniko:1'}}");
	request(f, HASH_A, false);
}

static struct outcome look_again(struct fixture *f, unsigned int attempt)
{
	struct wake wake = { .ref = { KIND_API, "shop", "online-store" }, .cause = "test" };

	return runtime_pass(&f->rt, f->arena, &wake, attempt);
}

static struct outcome look(struct fixture *f)
{
	return look_again(f, 1);
}

static const struct json *the_job(struct fixture *f)
{
	return memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko");
}

static bool result(struct fixture *f, struct build_result *ret)
{
	return build_result_read(f->arena,
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"), ret);
}

/* As the Job controller and kubelet would. */
static void job_ends(struct fixture *f, const char *name, const char *type, const char *terminated)
{
	struct json *job = json_dup(f->arena, memory_get(&f->memory, KIND_JOB, "shop", name));

	json_set(f->arena, job, "status",
		json_format(f->arena, "{'conditions':[{'type':%s,'status':'True','reason':'R'}]}",
			type));
	memory_put(&f->memory, json_text(f->arena, job));
	memory_put(&f->memory,
		arena_printf(f->arena,
			"{'kind':'Pod','metadata':{'namespace':'shop','name':'%s-x','labels':"
			"{'batch.kubernetes.io/job-name':'%s'}},'status':{'containerStatuses':"
			"[{'state':{'terminated':%s}}]}}",
			name, name, terminated));
}

static void an_absent_image_gets_one_job(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	assert_true(look(&f).again);
	assert_non_null(the_job(&f));
	assert_string_equal(meta_label(the_job(&f), LABEL_INPUT_HASH),
		"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee");
	assert_int_equal(memory_published(&f.memory, "evt.build.started."), 1);
	assert_int_equal(registry_asked, 1);
	assert_true(look(&f).again);
	assert_int_equal(registry_asked, 1);
	assert_int_equal(memory_published(&f.memory, "evt.build.started."), 1);
}

static void a_finished_job_makes_the_image_ready(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	assert_false(look(&f).again);
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_READY);
	assert_string_equal(r.digest, DIGEST);
	assert_string_equal(r.source, "build");
	assert_int_equal(memory_published(&f.memory, "build.result.shop.online-store"), 1);
	assert_int_equal(memory_published(&f.memory, "evt.build.image-ready."), 1);
}

static void a_lost_result_message_is_sent_again(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	unsigned int writes;

	(void)state;
	start(&f, a);
	registry_says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	(void)look(&f);
	writes = f.memory.writes;
	assert_false(look(&f).again);
	assert_int_equal(memory_published(&f.memory, "build.result."), 2);
	assert_int_equal(memory_published(&f.memory, "evt.build.image-ready."), 1);
	assert_int_equal(f.memory.writes, writes);
}

static void an_image_that_exists_is_not_built(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	registry_says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	assert_false(look(&f).again);
	assert_null(the_job(&f));
	assert_true(result(&f, &r));
	assert_string_equal(r.source, "registry");
	assert_string_equal(r.digest, DIGEST);
}

static void override_builds_although_the_image_exists(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	registry_says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	(void)look(&f);
	assert_null(the_job(&f));
	request(&f, HASH_A, true);
	(void)look(&f);
	assert_non_null(the_job(&f));
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	assert_false(look(&f).again);
	assert_false(look(&f).again);
	assert_int_equal(registry_asked, 1);
}

/* Registry and credentials are chosen anew: what was pushed elsewhere does not count. */
static void another_registry_gets_the_image_too(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;
	struct json *map;
	struct build_request r;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	assert_false(look(&f).again);
	map = json_dup(
		a, memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"));
	assert_true(build_request_read(a, map, &r));
	r.image = "other:5000/shop/online-store:v1-aaaaaaaabbbb";
	json_set_str(a, json_sub(a, json_sub(a, map, "metadata"), "annotations"), ANNOTATION_BUILD,
		build_request_text(a, &r));
	memory_put(&f.memory, json_text(a, map));
	assert_true(look(&f).again);
	assert_int_equal(registry_asked, 2);
	assert_non_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

static void a_newer_request_ends_the_build_of_the_older(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	request(&f, HASH_B, false);
	(void)look(&f);
	assert_null(the_job(&f));
	assert_non_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-99999999"));
}

static void a_finished_job_of_other_inputs_keeps_its_name(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	(void)look(&f);
	request(&f, HASH_B, false);
	(void)look(&f);
	assert_non_null(the_job(&f));
	assert_non_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-99999999"));
	/* Back again: the old Job still knows the digest. */
	request(&f, HASH_A, false);
	assert_false(look(&f).again);
	assert_int_equal(memory_published(&f.memory, "evt.build.started."), 2);
}

static void a_failed_build_is_told_and_tried_again_later(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;
	struct outcome o;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Failed",
		"{'exitCode':1,'message':'INFO[0000] fine\\nerror building image: proof failed'}");
	o = look(&f);
	assert_true(o.again && o.delay_ms >= 10000 && o.delay_ms <= 12000);
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_FAILED);
	assert_string_equal(r.reason, REASON_BUILD_FAILED);
	assert_string_equal(r.message, "error building image: proof failed");
	assert_int_equal(r.attempts, 1);
	assert_int_equal(memory_published(&f.memory, "evt.build.failed."), 1);
	/* Looked at again too early: nothing happens, nothing is told twice. */
	f.memory.now_ms += 3000;
	o = look(&f);
	assert_true(o.again && o.delay_ms <= 9000);
	assert_non_null(the_job(&f));
	assert_int_equal(memory_published(&f.memory, "evt.build.failed."), 1);
	/* Due: the failed Job makes room, then the next one starts. */
	f.memory.now_ms += 9000;
	assert_true(look(&f).again);
	assert_null(the_job(&f));
	assert_true(look(&f).again);
	assert_non_null(the_job(&f));
	assert_int_equal(memory_published(&f.memory, "evt.build.started."), 2);
	/* The second failure waits twice as long. */
	job_ends(&f, "online-store-kaniko", "Failed", "{'exitCode':1,'message':'again'}");
	o = look(&f);
	assert_true(o.delay_ms >= 20000);
	assert_true(result(&f, &r));
	assert_int_equal(r.attempts, 2);
}

static void a_changed_configuration_is_worth_an_attempt_at_once(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Failed", "{'exitCode':1,'message':'no'}");
	(void)look(&f);
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':'controller-config'},"
		"'data':{'dockerRegistry':'http://reg:5000/other','kanikoImg':'reg:5000/kaniko:1'}}");
	(void)look(&f);
	assert_null(the_job(&f));
}

static void a_silent_registry_is_told_once_and_asked_again(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;
	struct outcome o;

	(void)state;
	start(&f, a);
	registry_says =
		"{\"error\":\"unavailable\",\"message\":\"registry reg:5000 cannot be reached\"}";
	o = look(&f);
	assert_true(o.again && o.delay_ms <= 1200);
	assert_null(the_job(&f));
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_WAITING);
	assert_string_equal(r.reason, REASON_REGISTRY_UNAVAILABLE);
	(void)look(&f);
	assert_int_equal(memory_published(&f.memory, "build.result."), 1);
	registry_says = "{\"present\":false}";
	(void)look(&f);
	assert_non_null(the_job(&f));
}

static void wrong_credentials_name_registry_and_secret(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	registry_says =
		"{\"error\":\"denied\",\"message\":\"registry reg:5000 refuses user \\\"u\\\"\"}";
	(void)look(&f);
	assert_true(result(&f, &r));
	assert_string_equal(r.reason, REASON_REGISTRY_DENIED);
	assert_string_equal(r.message,
		"registry reg:5000 refuses user \"u\": correct Secret \"wso2-system/docker-secret\"");
}

static void no_registry_names_the_remedy(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "wso2-system", "controller-config");
	assert_true(look(&f).again);
	assert_true(result(&f, &r));
	assert_string_equal(r.reason, REASON_REGISTRY_NOT_CONFIGURED);
	assert_non_null(
		strstr(r.message, "dockerRegistry in ConfigMap \"wso2-system/controller-config\""));
	assert_int_equal(registry_asked, 0);
}

static void user_and_password_become_the_namespaces_secret(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *secret;
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_put(&f.memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			      "'docker-secret'},'data':{'username':'dQ==','password':'cA=='}}");
	(void)look(&f);
	secret = memory_get(&f.memory, KIND_SECRET, "shop", CREDENTIALS_SECRET);
	assert_string_equal(data_entry(a, secret, ".dockerconfigjson", NULL),
		"{\"auths\":{\"reg:5000\":{\"auth\":\"dTpw\"}}}");
	assert_null(json_path(secret, "metadata", "ownerReferences", NULL));
	/* With the last API of the namespace it goes. */
	memory_delete(&f.memory, KIND_API, "shop", "online-store");
	(void)look(&f);
	assert_null(memory_get(&f.memory, KIND_SECRET, "shop", CREDENTIALS_SECRET));
}

static void a_failure_with_credentials_is_told_without_them(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_put(&f.memory,
		"{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
		"'docker-secret'},'data':{'username':'dXNlcg==','password':'czNjcmV0'}}");
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Failed",
		"{'exitCode':1,'message':'no push with s3cret'}");
	assert_true(look(&f).delay_ms >= 10000);
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_FAILED);
	assert_string_equal(r.message, "no push with ***");
}

static void a_secret_of_the_user_is_left_alone(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *secret;
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_put(&f.memory, "{'kind':'Secret','metadata':{'namespace':'wso2-system','name':"
			      "'docker-secret'},'data':{'username':'dQ==','password':'cA=='}}");
	memory_put(&f.memory,
		"{'kind':'Secret','metadata':{'namespace':'shop','name':"
		"'docker-registry-credentials'},'data':{'.dockerconfigjson':'e30='}}");
	(void)look(&f);
	assert_non_null(the_job(&f));
	secret = memory_get(&f.memory, KIND_SECRET, "shop", CREDENTIALS_SECRET);
	assert_string_equal(data_entry(a, secret, ".dockerconfigjson", NULL), "{}");
}

static void a_deleted_api_stops_its_build(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	memory_delete(&f.memory, KIND_API, "shop", "online-store");
	assert_false(look(&f).again);
	assert_null(the_job(&f));
}

static void a_job_of_an_earlier_api_of_the_name_is_not_taken_for_ours(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	memory_delete(&f.memory, KIND_API, "shop", "online-store");
	memory_put(&f.memory, "{'kind':'API','metadata':{'namespace':'shop','name':'online-store'},"
			      "'spec':{'replicas':1}}");
	assert_true(look(&f).again);
	(void)look_again(&f, 2);
	assert_non_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

static void a_strangers_job_of_the_name_does_not_stop_us(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_put(&f.memory, "{'kind':'Job','metadata':{'namespace':'shop','name':"
			      "'online-store-kaniko'},'spec':{'x':1}}");
	assert_true(look(&f).again);
	assert_true(look_again(&f, 2).again);
	assert_non_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

/* The path of every build: what it may cost the API server. */
static void a_build_costs_few_requests(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	f.memory.reads = 0;
	(void)look(&f);
	assert_true(f.memory.reads <= 8);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0,'message':'" DIGEST "'}");
	f.memory.reads = 0;
	(void)look(&f);
	assert_true(f.memory.reads <= 4);
	f.memory.reads = 0;
	(void)look(&f);
	assert_true(f.memory.reads <= 3);
}

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
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	pod_succeeds(&f,
		json_text(a, json_path(the_job(&f), "spec", "template", "metadata", "annotations",
				     NULL)),
		meta_uid(the_job(&f)));
	f.memory.reads = 0;
	(void)look_after_the_end(&f, "online-store-kaniko");
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_READY);
	assert_string_equal(r.digest, DIGEST);
	assert_string_equal(r.job, "online-store-kaniko");
	assert_int_equal(f.memory.reads, 3); /* API, ConfigMap, pods */
}

static void a_pod_that_has_built_something_else_says_nothing(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	pod_succeeds(&f, "{'apim.wso2.com/image':'registry/another:1'}", "of an earlier Job");
	(void)look_after_the_end(&f, "online-store-kaniko");
	assert_false(result(&f, &r) && r.state == BUILD_READY);
}

static void no_more_jobs_run_than_allowed(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	f.rt.env = json_format(a, "{'BUILD_PARALLELISM':'2'}");
	for (int i = 0; i < 2; i++)
		memory_put(&f.memory,
			arena_printf(a,
				"{'kind':'Job','metadata':{'namespace':'other','name':'j%d','labels':"
				"{'app.kubernetes.io/part-of':'apim.wso2.com'}},'spec':{'x':1}}",
				i));
	assert_true(look(&f).delay_ms <= 1200);
	assert_null(the_job(&f));
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_QUEUED);
	memory_delete(&f.memory, KIND_JOB, "other", "j1");
	(void)look(&f);
	assert_non_null(the_job(&f));
}

static void a_pod_of_an_earlier_job_of_the_name_says_nothing(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	memory_put(&f.memory,
		"{'kind':'Pod','metadata':{'namespace':'shop','name':'p','labels':"
		"{'batch.kubernetes.io/job-name':'online-store-kaniko'},'ownerReferences':"
		"[{'kind':'Job','name':'online-store-kaniko','uid':'an earlier one','controller':true}]},"
		"'status':{'containerStatuses':[{'state':{'terminated':{'exitCode':0,'message':'" DIGEST
		"'}}}]}}");
	assert_true(look(&f).again);
	assert_false(result(&f, &r));
}

static void a_job_made_meanwhile_is_found_by_its_name(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *unlisted;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	/* As if it had been made after the Jobs were listed: no list has it. */
	unlisted = json_dup(a, the_job(&f));
	json_set_str(a, json_sub(a, json_sub(a, unlisted, "metadata"), "labels"), LABEL_OWNER_KIND,
		"unlisted");
	memory_put(&f.memory, json_text(a, unlisted));
	assert_true(look_again(&f, 2).again);
	assert_null(memory_get(&f.memory, KIND_JOB, "shop", "online-store-kaniko-aaaaaaaa"));
}

static void a_pod_that_cannot_start_is_told(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	memory_put(&f.memory,
		"{'kind':'Pod','metadata':{'namespace':'shop','name':'p','labels':"
		"{'batch.kubernetes.io/job-name':'online-store-kaniko'}},'status':{'containerStatuses':"
		"[{'state':{'waiting':{'reason':'ImagePullBackOff','message':'no such image'}}}]}}");
	assert_true(look(&f).again);
	assert_true(result(&f, &r));
	assert_int_equal(r.state, BUILD_WAITING);
	assert_string_equal(r.message, "Job online-store-kaniko: ImagePullBackOff: no such image");
}

static void a_complete_job_without_digest_asks_the_registry(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct build_result r;
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0}");
	registry_says = "{\"present\":true,\"digest\":\"" DIGEST "\"}";
	assert_false(look(&f).again);
	assert_true(result(&f, &r));
	assert_string_equal(r.digest, DIGEST);
}

static void a_complete_job_whose_image_vanished_is_repeated(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	(void)look(&f);
	job_ends(&f, "online-store-kaniko", "Complete", "{'exitCode':0}");
	assert_true(look(&f).again);
	assert_null(the_job(&f));
	assert_true(look(&f).again);
	assert_non_null(the_job(&f));
}

static void without_a_request_nothing_is_built(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct fixture f;

	(void)state;
	start(&f, a);
	memory_delete(&f.memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile");
	assert_false(look(&f).again);
	assert_null(the_job(&f));
	assert_null(memory_get(&f.memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"));
}

/* Every call to the API server fails once, in turn; whatever was done by then, the next looks
 * finish it. */
static void any_single_fault_is_survived(void **state)
{
	(void)state;
	for (unsigned int k = 1; k < 60; k++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		struct build_result r;
		struct fixture f;

		start(&f, a);
		f.memory.fail_call = k;
		for (int i = 0; i < 3; i++)
			(void)look(&f);
		assert_non_null(the_job(&f));
		job_ends(&f, "online-store-kaniko", "Complete",
			"{'exitCode':0,'message':'" DIGEST "'}");
		for (int i = 0; i < 3; i++)
			(void)look(&f);
		assert_true(result(&f, &r));
		assert_int_equal(r.state, BUILD_READY);
		assert_true(memory_published(&f.memory, "build.result.") >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absent_image_gets_one_job),
		cmocka_unit_test(a_finished_job_makes_the_image_ready),
		cmocka_unit_test(a_lost_result_message_is_sent_again),
		cmocka_unit_test(an_image_that_exists_is_not_built),
		cmocka_unit_test(override_builds_although_the_image_exists),
		cmocka_unit_test(another_registry_gets_the_image_too),
		cmocka_unit_test(a_newer_request_ends_the_build_of_the_older),
		cmocka_unit_test(a_finished_job_of_other_inputs_keeps_its_name),
		cmocka_unit_test(a_failed_build_is_told_and_tried_again_later),
		cmocka_unit_test(a_changed_configuration_is_worth_an_attempt_at_once),
		cmocka_unit_test(a_silent_registry_is_told_once_and_asked_again),
		cmocka_unit_test(wrong_credentials_name_registry_and_secret),
		cmocka_unit_test(no_registry_names_the_remedy),
		cmocka_unit_test(user_and_password_become_the_namespaces_secret),
		cmocka_unit_test(a_failure_with_credentials_is_told_without_them),
		cmocka_unit_test(a_secret_of_the_user_is_left_alone),
		cmocka_unit_test(a_deleted_api_stops_its_build),
		cmocka_unit_test(a_job_of_an_earlier_api_of_the_name_is_not_taken_for_ours),
		cmocka_unit_test(a_strangers_job_of_the_name_does_not_stop_us),
		cmocka_unit_test(a_build_costs_few_requests),
		cmocka_unit_test(a_pod_that_has_succeeded_speaks_for_its_job),
		cmocka_unit_test(a_pod_that_has_built_something_else_says_nothing),
		cmocka_unit_test(no_more_jobs_run_than_allowed),
		cmocka_unit_test(a_pod_of_an_earlier_job_of_the_name_says_nothing),
		cmocka_unit_test(a_job_made_meanwhile_is_found_by_its_name),
		cmocka_unit_test(a_pod_that_cannot_start_is_told),
		cmocka_unit_test(a_complete_job_without_digest_asks_the_registry),
		cmocka_unit_test(a_complete_job_whose_image_vanished_is_repeated),
		cmocka_unit_test(without_a_request_nothing_is_built),
		cmocka_unit_test(any_single_fault_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
