/* Several builds that want their turn, and what a Job is called whatever happened meanwhile. */
#include "builder-svc/build.h"
#include "builder-svc/job.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static bool observe(struct world *w, struct err *err UNUSED)
{
	w->observed = json_format(w->arena, "{'present':%b}", false);
	return true;
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

static void start(struct fixture *f, const char *places)
{
	*f = (struct fixture){ .arena = arena_new() };
	memory_init(&f->memory, f->arena);
	f->rt = (struct runtime){ .service = &builder,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.instance = "builder-0",
		.env = json_format(f->arena, "{'BUILD_PARALLELISM':%s}", places) };
	log_open("test", LOG_ERROR);
	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':'controller-config'},"
		"'data':{'dockerRegistry':'http://reg:5000/gateways','kanikoImg':'reg:5000/kaniko:1'}}");
}

static void end(struct fixture *f)
{
	arena_free(f->arena);
}

/* As api-svc would; digits: eight of the hash. */
static void asks(struct fixture *f, const char *ns, const char *api, const char *digits)
{
	struct build_request r = { .input_hash = arena_printf(f->arena, "%s%s%s%s%s%s%s%s", digits,
					   digits, digits, digits, digits, digits, digits, digits),
		.image = arena_printf(f->arena, "reg:5000/%s/%s:v1-%s", ns, api, digits),
		.generation = 1 };
	const char *notes = arena_printf(f->arena, "%s-dockerfile", api);
	const struct json *before = memory_get(&f->memory, KIND_CONFIG_MAP, ns, notes);
	struct json *annotations = json_object(f->arena);

	vec_add(f->arena, &r.definitions, arena_printf(f->arena, "%s-mgw", api));
	memory_put(&f->memory,
		arena_printf(f->arena, "{'kind':'API','metadata':{'namespace':'%s','name':'%s'}}",
			ns, api));
	json_set_str(
		f->arena, annotations, "apim.wso2.com/build", build_request_text(f->arena, &r));
	json_set_str(f->arena, annotations, "apim.wso2.com/build-result",
		meta_annotation(before, "apim.wso2.com/build-result"));
	memory_put(&f->memory,
		json_text(f->arena,
			json_format(f->arena,
				"{'kind':'ConfigMap','metadata':{'namespace':%s,'name':%s,'annotations':%j,"
				"'ownerReferences':[{'kind':'API','name':%s,'uid':%s}]}}",
				ns, notes, annotations, api,
				meta_uid(memory_get(&f->memory, KIND_API, ns, api)))));
}

static struct outcome look(struct fixture *f, const char *ns, const char *api, unsigned int attempt)
{
	struct wake wake = { .ref = { KIND_API, ns, api }, .cause = "test" };

	return runtime_pass(&f->rt, f->arena, &wake, attempt);
}

static const struct json *job(struct fixture *f, const char *ns, const char *name)
{
	return memory_get(&f->memory, KIND_JOB, ns, name);
}

/* Kubelet shows it; the Job controller has not counted it yet. is_told: by a wake that names the
 * Job; otherwise it is somebody else's wake that meets it. */
static void pod_ends(struct fixture *f, const char *ns, const char *api, bool is_told)
{
	const char *name = arena_printf(f->arena, "%s-kaniko", api);
	const struct json *template =
		json_path(job(f, ns, name), "spec", "template", "metadata", NULL);
	struct json *labels = json_dup(f->arena, json_get(template, "labels"));
	struct wake wake = { .ref = { KIND_API, ns, api }, .cause = "test" };
	struct ref ref = { KIND_JOB, ns, name };

	json_set_str(f->arena, labels, "batch.kubernetes.io/job-name", name);
	memory_put(&f->memory,
		json_text(f->arena,
			json_format(f->arena,
				"{'kind':'Pod','metadata':{'namespace':%s,'name':%s,'labels':%j,'annotations':%j},"
				"'status':{'phase':'Succeeded','containerStatuses':[{'state':{'terminated':"
				"{'exitCode':0,'message':'" DIGEST "'}}}]}}",
				ns, name, labels,
				json_dup(f->arena, json_get(template, "annotations")))));
	if (is_told)
		vec_add(f->arena, &wake.moved, &ref);
	(void)runtime_pass(&f->rt, f->arena, &wake, 1);
}

static enum build_state state_of(struct fixture *f, const char *ns, const char *api)
{
	struct build_result r;
	const char *notes = arena_printf(f->arena, "%s-dockerfile", api);

	assert_true(build_result_read(
		f->arena, memory_get(&f->memory, KIND_CONFIG_MAP, ns, notes), &r));
	return r.state;
}

/* a has the only place, b waits for it. */
static void one_builds_and_one_waits(struct fixture *f)
{
	start(f, "1");
	asks(f, "shop", "a", "aaaaaaaa");
	asks(f, "shop", "b", "bbbbbbbb");
	(void)look(f, "shop", "a", 1);
	assert_true(look(f, "shop", "b", 1).again);
}

static void ends_and_the_next_one_begins(bool is_told)
{
	struct fixture f;

	one_builds_and_one_waits(&f);
	assert_int_equal(state_of(&f, "shop", "b"), BUILD_QUEUED);
	assert_null(job(&f, "shop", "b-kaniko"));
	pod_ends(&f, "shop", "a", is_told);
	assert_int_equal(memory_published(&f.memory, "build.request.shop.b"), 1);
	/* The place is free although the Job is not counted as ended. */
	(void)look(&f, "shop", "b", 1);
	assert_non_null(job(&f, "shop", "b-kaniko"));
	end(&f);
}

static void a_build_that_ends_calls_the_next_one(void **state UNUSED)
{
	ends_and_the_next_one_begins(true);
}

static void an_end_that_is_met_before_it_is_told_calls_the_next_one(void **state UNUSED)
{
	ends_and_the_next_one_begins(false);
}

static void nobody_is_called_while_nobody_waits(void **state UNUSED)
{
	struct fixture f;

	start(&f, "2");
	asks(&f, "shop", "a", "aaaaaaaa");
	asks(&f, "shop", "b", "bbbbbbbb");
	(void)look(&f, "shop", "a", 1);
	(void)look(&f, "shop", "b", 1);
	assert_non_null(job(&f, "shop", "b-kaniko"));
	pod_ends(&f, "shop", "a", true);
	assert_int_equal(memory_published(&f.memory, "build.request."), 0);
	end(&f);
}

static void the_namespace_with_fewer_builds_is_called_first(void **state UNUSED)
{
	struct fixture f;

	start(&f, "2");
	asks(&f, "many", "a", "aaaaaaaa");
	asks(&f, "many", "b", "bbbbbbbb");
	asks(&f, "many", "c", "cccccccc");
	asks(&f, "one", "d", "dddddddd");
	(void)look(&f, "many", "a", 1);
	(void)look(&f, "many", "b", 1);
	(void)look(&f, "many", "c", 1);
	f.memory.now_ms += 60000;
	(void)look(&f, "one", "d", 1);
	pod_ends(&f, "many", "a", true);
	assert_int_equal(memory_published(&f.memory, "build.request.one.d"), 1);
	assert_int_equal(memory_published(&f.memory, "build.request.many.c"), 0);
	end(&f);
}

static void who_comes_late_does_not_take_the_place_of_one_that_waits(void **state UNUSED)
{
	struct fixture f;

	one_builds_and_one_waits(&f);
	pod_ends(&f, "shop", "a", true);
	f.memory.now_ms += 2000;
	asks(&f, "shop", "late", "cccccccc");
	(void)look(&f, "shop", "late", 1);
	assert_null(job(&f, "shop", "late-kaniko"));
	(void)look(&f, "shop", "b", 1);
	assert_non_null(job(&f, "shop", "b-kaniko"));
	end(&f);
}

static void a_deleted_api_gives_its_place_to_the_next(void **state UNUSED)
{
	struct fixture f;

	one_builds_and_one_waits(&f);
	memory_delete(&f.memory, KIND_API, "shop", "a");
	(void)look(&f, "shop", "a", 1);
	assert_int_equal(memory_published(&f.memory, "build.request.shop.b"), 1);
	end(&f);
}

static void a_deleted_api_whose_job_is_gone_already_gives_its_place_too(void **state UNUSED)
{
	struct fixture f;

	one_builds_and_one_waits(&f);
	memory_delete(&f.memory, KIND_API, "shop", "a");
	memory_delete(&f.memory, KIND_JOB, "shop", "a-kaniko");
	(void)look(&f, "shop", "a", 1);
	assert_int_equal(memory_published(&f.memory, "build.request.shop.b"), 1);
	end(&f);
}

static bool create_refused(void *self UNUSED, struct arena *a UNUSED,
	const struct json *body UNUSED, const char *manager UNUSED,
	const struct json **ret_live UNUSED, struct err *err)
{
	return err_set(err, ERR_DENIED, "exceeded quota");
}

static void who_may_not_make_jobs_keeps_no_place_from_others(void **state UNUSED)
{
	struct wake wake = { .ref = { KIND_API, "poor", "b" }, .cause = "test" };
	struct runtime refused;
	struct fixture f;

	start(&f, "1");
	asks(&f, "shop", "a", "aaaaaaaa");
	asks(&f, "poor", "b", "bbbbbbbb");
	(void)look(&f, "shop", "a", 1);
	(void)look(&f, "poor", "b", 1);
	pod_ends(&f, "shop", "a", true);
	refused = f.rt;
	refused.kube.create = create_refused;
	log_open("test", LOG_ERROR);
	assert_true(runtime_pass(&refused, f.arena, &wake, 1).again);
	f.memory.now_ms += 2000;
	asks(&f, "shop", "c", "cccccccc");
	(void)look(&f, "shop", "c", 1);
	assert_non_null(job(&f, "shop", "c-kaniko"));
	end(&f);
}

static void a_label_alone_does_not_wait(void **state UNUSED)
{
	struct fixture f;

	start(&f, "1");
	memory_put(&f.memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'bad','name':'x-dockerfile','labels':"
		"{'apim.wso2.com/build-state':'queued'}}}");
	asks(&f, "shop", "a", "aaaaaaaa");
	(void)look(&f, "shop", "a", 1);
	assert_non_null(job(&f, "shop", "a-kaniko"));
	end(&f);
}

/* Whoever decided before the note, and whoever decides after it, means the same Job. */
static void a_request_keeps_the_name_of_its_job_when_it_had_to_wait(void **state UNUSED)
{
	struct fixture f;

	one_builds_and_one_waits(&f);
	pod_ends(&f, "shop", "a", true);
	(void)look(&f, "shop", "b", 2);
	assert_non_null(job(&f, "shop", "b-kaniko"));
	assert_null(job(&f, "shop", "b-kaniko-bbbbbbbb"));
	/* The next request has another one, even when nobody remembers the first Job. */
	pod_ends(&f, "shop", "b", true);
	memory_delete(&f.memory, KIND_JOB, "shop", "b-kaniko");
	memory_delete(&f.memory, KIND_JOB, "shop", "a-kaniko");
	asks(&f, "shop", "b", "cccccccc");
	(void)look(&f, "shop", "b", 1);
	(void)look(&f, "shop", "b", 2);
	assert_non_null(job(&f, "shop", "b-kaniko-cccccccc"));
	assert_null(job(&f, "shop", "b-kaniko"));
	end(&f);
}

/* ---- a replica that sleeps between its decision and its create ---- */

static struct {
	struct fixture *f;
	struct kube_ops kube;
	void (*meanwhile)(struct fixture *f);
} sleeper;

static bool create_late(void *self, struct arena *a, const struct json *body, const char *manager,
	const struct json **ret_live, struct err *err)
{
	sleeper.meanwhile(sleeper.f);
	return sleeper.kube.create(self, a, body, manager, ret_live, err);
}

static void looks_and_sleeps(
	struct fixture *f, const char *api, void (*meanwhile)(struct fixture *))
{
	struct runtime rt = f->rt;
	struct wake wake = { .ref = { KIND_API, "shop", api }, .cause = "test" };

	sleeper.f = f;
	sleeper.kube = rt.kube;
	sleeper.meanwhile = meanwhile;
	rt.kube.create = create_late;
	(void)runtime_pass(&rt, f->arena, &wake, 1);
}

static size_t jobs(struct fixture *f)
{
	size_t n = 0;

	vec_foreach (const struct slot *, x, &f->memory.store.slots[KIND_JOB])
		n += x->json != NULL;
	return n;
}

static void the_old_job_expires_and_another_replica_builds(struct fixture *f)
{
	memory_delete(&f->memory, KIND_JOB, "shop", "a-kaniko");
	(void)look(f, "shop", "a", 2);
	assert_int_equal(jobs(f), 1);
}

static void a_replica_that_slept_makes_no_second_job_when_the_first_name_became_free(
	void **state UNUSED)
{
	struct fixture f;

	start(&f, "4");
	asks(&f, "shop", "a", "aaaaaaaa");
	(void)look(&f, "shop", "a", 1);
	pod_ends(&f, "shop", "a", true);
	asks(&f, "shop", "a", "cccccccc");
	looks_and_sleeps(&f, "a", the_old_job_expires_and_another_replica_builds);
	assert_int_equal(jobs(&f), 1);
	end(&f);
}

static void another_replica_is_faster(struct fixture *f)
{
	(void)look(f, "shop", "a", 2);
	assert_int_equal(jobs(f), 1);
}

static void of_two_replicas_that_decide_at_the_same_time_one_makes_the_job(void **state UNUSED)
{
	struct fixture f;

	start(&f, "4");
	asks(&f, "shop", "a", "aaaaaaaa");
	looks_and_sleeps(&f, "a", another_replica_is_faster);
	assert_int_equal(jobs(&f), 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_that_ends_calls_the_next_one),
		cmocka_unit_test(an_end_that_is_met_before_it_is_told_calls_the_next_one),
		cmocka_unit_test(nobody_is_called_while_nobody_waits),
		cmocka_unit_test(the_namespace_with_fewer_builds_is_called_first),
		cmocka_unit_test(who_comes_late_does_not_take_the_place_of_one_that_waits),
		cmocka_unit_test(a_deleted_api_gives_its_place_to_the_next),
		cmocka_unit_test(a_deleted_api_whose_job_is_gone_already_gives_its_place_too),
		cmocka_unit_test(who_may_not_make_jobs_keeps_no_place_from_others),
		cmocka_unit_test(a_label_alone_does_not_wait),
		cmocka_unit_test(a_request_keeps_the_name_of_its_job_when_it_had_to_wait),
		cmocka_unit_test(
			a_replica_that_slept_makes_no_second_job_when_the_first_name_became_free),
		cmocka_unit_test(of_two_replicas_that_decide_at_the_same_time_one_makes_the_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
