#include "tests/support/builder.h"

#include "builder-svc/build.h"
#include "builder-svc/scene.h"
#include "lib/api/build.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/reasons.h"
#include "lib/plan/world.h"
#include "lib/svc/log.h"
#include "lib/svc/service.h"

struct test_registry registry;

static bool observe(struct world *w, struct err *err)
{
	struct scene s;

	scene_read(w->arena, w, &s);
	registry.tokens += build_lacks_token(&s);
	if (!build_asks_registry(&s) && !build_lacks_token(&s))
		return true;
	registry.asked += build_asks_registry(&s);
	w->observed = json_parse(w->arena, registry.says, strlen(registry.says), err);
	return w->observed != NULL;
}

static const struct service builder = {
	.name = "builder-svc",
	.about = "test",
	.needs = build_needs,
	.observe = observe,
	.reconcile = build_reconcile,
};

void request_at(struct fixture *f, const char *image, const char *hash, bool override)
{
	struct build_request r = { .input_hash = hash,
		.contract_sha256 = HASH_B,
		.image = image,
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

void request(struct fixture *f, const char *hash, bool override)
{
	request_at(f, arena_printf(f->arena, "reg:5000/shop/online-store:v1-%.12s", hash), hash,
		override);
}

int build_begin(void **state)
{
	struct arena *a = arena_new();
	struct fixture *f = arena_alloc(a, sizeof(*f));

	*f = (struct fixture){ .arena = a };
	memory_init(&f->memory, a);
	f->rt = (struct runtime){ .service = &builder,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.instance = "builder-0" };
	log_open("test", LOG_ERROR);
	registry = (struct test_registry){ .says = "{\"present\":false}" };
	memory_put(&f->memory,
		"{'kind':'API','metadata':{'namespace':'shop','name':'online-store'},"
		"'spec':{'replicas':1}}");
	memory_put(&f->memory,
		"{'kind':'ConfigMap','metadata':{'namespace':'wso2-system','name':'controller-config'},"
		"'data':{'dockerRegistry':'http://reg:5000/gateways','kanikoImg':'reg:5000/kaniko:1'}}");
	request(f, HASH_A, false);
	*state = f;
	return 0;
}

int build_end(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	return 0;
}

struct outcome look_again(struct fixture *f, unsigned int attempt)
{
	struct wake wake = { .ref = { KIND_API, "shop", "online-store" }, .cause = "test" };

	return runtime_pass(&f->rt, f->arena, &wake, attempt);
}

struct outcome look(struct fixture *f)
{
	return look_again(f, 1);
}

const struct json *the_job(struct fixture *f)
{
	return memory_get(&f->memory, KIND_JOB, "shop", "online-store-kaniko");
}

bool result(struct fixture *f, struct build_result *ret)
{
	return build_result_read(f->arena,
		memory_get(&f->memory, KIND_CONFIG_MAP, "shop", "online-store-dockerfile"), ret);
}

void job_ends(struct fixture *f, const char *name, const char *type, const char *terminated)
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

void job_succeeds(struct fixture *f)
{
	job_ends(f, "online-store-kaniko", "Complete", JOB_BUILT);
}
