#include "tests/support/index.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/unit.h"

static int64_t scene_us(void *self)
{
	return ((struct scene *)self)->now_us;
}

static uint64_t scene_random(void *self)
{
	return ++((struct scene *)self)->random;
}

static const enum kind watched[] = { KIND_API, KIND_TARGET_ENDPOINT, KIND_SECURITY,
	KIND_RATE_LIMITING, KIND_CONFIG_MAP, KIND_SECRET, KIND_SERVICE, KIND_DEPLOYMENT, KIND_HPA,
	KIND_JOB, KIND_INGRESS, KIND_ROUTE, KIND_VIRTUAL_SERVICE, KIND_ISTIO_GATEWAY,
	KIND_REFERENCE_GRANT, KIND_POD };

static void make_index(struct scene *s)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		kinds |= 1U << watched[i];
	s->index = index_new(&s->clock, kinds, "wso2-system");
	index_lead(s->index, true);
}

int index_begin(void **state)
{
	struct arena *a = arena_new();
	struct scene *s = arena_alloc(a, sizeof(*s));

	s->arena = a;
	s->version = 100;
	s->now_us = 1000000;
	s->clock = (struct clock_ops){ s, NULL, scene_us, scene_random };
	make_index(s);
	*state = s;
	return 0;
}

int index_end(void **state)
{
	struct scene *s = *state;

	index_free(s->index);
	arena_free(s->arena);
	return 0;
}

const char *text(struct scene *s, long version)
{
	return version ? arena_printf(s->arena, "%ld", version) : "";
}

void lists_end(struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		index_list_ended(s->index, watched[i], text(s, s->version));
}

void lists_end_but_one(struct scene *s)
{
	for (size_t i = 0; i + 1 < ARRAY_LEN(watched); i++)
		index_list_ended(s->index, watched[i], text(s, s->version));
}

void lists_begin(struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		index_list_begins(s->index, watched[i]);
}

struct json *json_of(struct scene *s, enum kind kind, const char *name, const char *more)
{
	struct err err = { .msg = "" };
	char *all = arena_printf(s->arena,
		"{\"kind\":\"%s\",\"metadata\":{\"namespace\":\"shop\",\"name\":\"%s\",\"uid\":\"uid-%s\","
		"\"resourceVersion\":\"%ld\"}%s%s}",
		kind_info(kind)->kind, name, name, s->version, more ? "," : "", more ? more : "");
	struct json *v = json_parse(s->arena, all, strlen(all), &err);

	if (!v)
		fail_msg("%s: %s", all, err.msg);
	return v;
}

long puts_object(struct scene *s, enum kind kind, const char *name, const char *more)
{
	s->version++;
	index_upsert(s->index, kind, json_of(s, kind, name, more), text(s, s->version));
	return s->version;
}

long deletes(struct scene *s, enum kind kind, const char *name)
{
	s->version++;
	index_delete(s->index, kind, json_of(s, kind, name, NULL), text(s, s->version));
	return s->version;
}

long puts_api(struct scene *s, const struct api *api)
{
	struct json *v;

	s->version++;
	v = json_of(s, KIND_API, api->name ? api->name : "store",
		arena_printf(s->arena,
			"\"status\":{\"observedGeneration\":%ld,\"conditions\":[{\"type\":\"Accepted\","
			"\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"%s\"},{\"type\":\"Reconciling\",\"status\":\"%s\"}],"
			"\"dependencies\":%s,\"children\":%s}",
			api->observed, api->not_ready ? "False" : "True",
			api->reconciling ? "True" : "False",
			api->dependencies ? api->dependencies : "[]",
			api->children ? api->children : "[]"));
	json_set_int(s->arena, json_sub(s->arena, v, "metadata"), "generation", api->generation);
	if (api->uid)
		json_set_str(s->arena, json_sub(s->arena, v, "metadata"), "uid", api->uid);
	index_upsert(s->index, KIND_API, v, text(s, s->version));
	return s->version;
}

const char *input(struct scene *s, enum kind kind, const char *name, long version)
{
	return arena_printf(s->arena,
		"{\"kind\":\"%s\",\"namespace\":\"shop\",\"name\":\"%s\",\"resourceVersion\":\"%s\"}",
		kind_info(kind)->kind, name, text(s, version));
}

const char *list_of(struct scene *s, const char *x, const char *y)
{
	return arena_printf(s->arena, "[%s%s%s]", x, y ? "," : "", y ? y : "");
}

void api_reads(struct scene *s, const char *x, const char *y)
{
	puts_api(s,
		&(struct api){ .generation = 1, .observed = 1, .dependencies = list_of(s, x, y) });
}

void api_has(struct scene *s, const char *x, const char *y)
{
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .children = list_of(s, x, y) });
}

const char deployment_new[] = "\"spec\":{\"image\":\"a\"}";
const char deployment_up[] =
	"\"spec\":{\"image\":\"a\"},\"status\":{\"replicas\":1,\"updatedReplicas\":1,"
	"\"availableReplicas\":1,\"conditions\":[{\"type\":\"Progressing\",\"status\":\"True\","
	"\"reason\":\"NewReplicaSetAvailable\"}]}";
const char deployment_bent[] = "\"spec\":{\"image\":\"evil\"}";

const char *child(struct scene *s, enum kind kind, const char *name, const char *more)
{
	const struct json *v = json_of(s, kind, name, more);

	return arena_printf(s->arena,
		"{\"kind\":\"%s\",\"name\":\"%s\",\"version\":\"%s\",\"state\":\"%s\",\"applied\":\"x\"}",
		kind_info(kind)->kind, name, child_version(s->arena, kind, v),
		child_state(s->arena, kind, v));
}

void passes(struct scene *s, int64_t ms)
{
	s->now_us += ms * 1000;
	(void)index_tick(s->index, 1000);
}

struct index_message *told(struct scene *s)
{
	struct index_message *m = arena_alloc(s->arena, sizeof(*m));

	if (!index_next(s->index, s->arena, m))
		return NULL;
	index_told(s->index, m);
	return m;
}

void is_quiet(struct scene *s)
{
	struct index_message *m = told(s);

	if (m)
		fail_msg("%s was told: %s", m->subject, m->wake.cause);
	assert_int_equal(index_figures(s->index).due, 0);
}

struct index_message *says(struct scene *s, const char *subject, const char *cause)
{
	struct index_message *m = told(s);

	if (!m)
		fail_msg("nothing was told, %s was expected", subject);
	else {
		assert_string_equal(m->subject, subject);
		assert_string_equal(m->wake.cause, cause);
	}
	return m;
}

struct index_message *wakes(struct scene *s, const char *cause)
{
	return says(s, "cr.api.shop.store", cause);
}

bool names(const struct index_message *m, enum kind kind, const char *name)
{
	vec_foreach (const struct ref *, r, &m->wake.moved)
		if (ref_eq(*r, (struct ref){ kind, "shop", name }))
			return true;
	return false;
}

void settle_with_deployment(struct scene *s, const char *recorded, const char *live)
{
	lists_end(s);
	puts_object(s, KIND_DEPLOYMENT, "store", live);
	api_has(s, child(s, KIND_DEPLOYMENT, "store", recorded), NULL);
	is_quiet(s);
}

const char job_running[] = "\"spec\":{}";
const char job_complete[] =
	"\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}";
const char job_failed[] =
	"\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\"}]}";

void puts_job(struct scene *s, const char *name, const char *more)
{
	struct json *v;

	s->version++;
	v = json_of(s, KIND_JOB, name, more);
	json_set(s->arena, json_sub(s->arena, v, "metadata"), "labels",
		json_format(s->arena,
			"{'apim.wso2.com/owner':'store','apim.wso2.com/owner-kind':'api'}"));
	index_upsert(s->index, KIND_JOB, v, text(s, s->version));
}
