#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/unit.h"
#include "watcher/index.h"

/* A little cluster whose versions grow by one with every event, and the index that watches it. */
struct scene {
	struct arena *arena;
	struct index *index;
	struct clock_ops clock;
	int64_t now_us;
	uint64_t random;
	long version;
};

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
	s->index = index_new(&s->clock, kinds);
	index_lead(s->index, true);
}

static int begin(void **state)
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

static int end(void **state)
{
	struct scene *s = *state;

	index_free(s->index);
	arena_free(s->arena);
	return 0;
}

static const char *text(struct scene *s, long version)
{
	return version ? arena_printf(s->arena, "%ld", version) : "";
}

static void lists_end(struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		index_list_ended(s->index, watched[i], text(s, s->version));
}

static void lists_begin(struct scene *s)
{
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		index_list_begins(s->index, watched[i]);
}

static struct json *json_of(struct scene *s, enum kind kind, const char *name, const char *more)
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

/* Returns the version that the event has. */
static long puts_object(struct scene *s, enum kind kind, const char *name, const char *more)
{
	s->version++;
	index_upsert(s->index, kind, json_of(s, kind, name, more), text(s, s->version));
	return s->version;
}

static long deletes(struct scene *s, enum kind kind, const char *name)
{
	s->version++;
	index_delete(s->index, kind, json_of(s, kind, name, NULL), text(s, s->version));
	return s->version;
}

/* An API as api-svc leaves it. */
struct api {
	const char *name;
	long generation;
	long observed;
	bool not_ready;
	const char *dependencies; /* JSON list */
	const char *children;
	const char *uid;
};

static long puts_api(struct scene *s, const struct api *api)
{
	struct json *v;

	s->version++;
	v = json_of(s, KIND_API, api->name ? api->name : "store",
		arena_printf(s->arena,
			"\"status\":{\"observedGeneration\":%ld,\"conditions\":[{\"type\":\"Accepted\","
			"\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"%s\"}],"
			"\"dependencies\":%s,\"children\":%s}",
			api->observed, api->not_ready ? "False" : "True",
			api->dependencies ? api->dependencies : "[]",
			api->children ? api->children : "[]"));
	json_set_int(s->arena, json_sub(s->arena, v, "metadata"), "generation", api->generation);
	if (api->uid)
		json_set_str(s->arena, json_sub(s->arena, v, "metadata"), "uid", api->uid);
	index_upsert(s->index, KIND_API, v, text(s, s->version));
	return s->version;
}

static const char *input(struct scene *s, enum kind kind, const char *name, long version)
{
	return arena_printf(s->arena,
		"{\"kind\":\"%s\",\"namespace\":\"shop\",\"name\":\"%s\",\"resourceVersion\":\"%s\"}",
		kind_info(kind)->kind, name, text(s, version));
}

static const char *list_of(struct scene *s, const char *x, const char *y)
{
	return arena_printf(s->arena, "[%s%s%s]", x, y ? "," : "", y ? y : "");
}

static const char deployment_new[] = "\"spec\":{\"image\":\"a\"}";
static const char deployment_up[] =
	"\"spec\":{\"image\":\"a\"},\"status\":{\"replicas\":1,\"updatedReplicas\":1,"
	"\"availableReplicas\":1,\"conditions\":[{\"type\":\"Progressing\",\"status\":\"True\","
	"\"reason\":\"NewReplicaSetAvailable\"}]}";
static const char deployment_bent[] = "\"spec\":{\"image\":\"evil\"}";

/* The record of a child as it would be made of this text. */
static const char *child(struct scene *s, enum kind kind, const char *name, const char *more)
{
	const struct json *v = json_of(s, kind, name, more);

	return arena_printf(s->arena,
		"{\"kind\":\"%s\",\"name\":\"%s\",\"version\":\"%s\",\"state\":\"%s\",\"applied\":\"x\"}",
		kind_info(kind)->kind, name, child_version(s->arena, kind, v),
		child_state(s->arena, kind, v));
}

static void passes(struct scene *s, int64_t ms)
{
	s->now_us += ms * 1000;
	(void)index_tick(s->index, 1000);
}

/* The next message, told; NULL if there is none. */
static struct index_message *told(struct scene *s)
{
	struct index_message *m = arena_alloc(s->arena, sizeof(*m));

	if (!index_next(s->index, s->arena, m))
		return NULL;
	index_told(s->index, m);
	return m;
}

static void is_quiet(struct scene *s)
{
	struct index_message *m = told(s);

	if (m)
		fail_msg("%s was told: %s", m->subject, m->wake.cause);
	assert_int_equal(index_figures(s->index).due, 0);
}

static struct index_message *says(struct scene *s, const char *subject, const char *cause)
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

static struct index_message *wakes(struct scene *s, const char *cause)
{
	return says(s, "cr.api.shop.store", cause);
}

static bool names(const struct index_message *m, enum kind kind, const char *name)
{
	vec_foreach (const struct ref *, r, &m->wake.moved)
		if (ref_eq(*r, (struct ref){ kind, "shop", name }))
			return true;
	return false;
}

#define SCENE struct scene *s = *state

/* ---- the object itself ---- */

static void nothing_is_told_before_every_kind_was_listed(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	is_quiet(s);
	for (size_t i = 0; i + 1 < ARRAY_LEN(watched); i++)
		index_list_ended(s->index, watched[i], text(s, s->version));
	assert_false(index_is_complete(s->index));
	is_quiet(s);
	lists_end(s);
	assert_true(index_is_complete(s->index));
	wakes(s, "generation 1");
	is_quiet(s);
}

static void a_new_object_is_woken_once(void **state)
{
	SCENE;
	struct index_message *m;
	long version;

	lists_end(s);
	version = puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	m = wakes(s, "generation 1");
	assert_string_equal(m->wake.uid, "uid-store");
	assert_string_equal(m->wake.resource_version, text(s, version));
	assert_int_equal(m->wake.generation, 1);
	assert_int_equal(m->wake.moved.n, 0);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	is_quiet(s);
}

static void our_own_status_writes_wake_nobody(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	wakes(s, "generation 1");
	for (int i = 0; i < 3; i++) {
		puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = i < 2 });
		is_quiet(s);
	}
	passes(s, 1000);
	is_quiet(s);
}

static void each_generation_is_woken_and_has_a_trace_of_its_own(void **state)
{
	SCENE;
	const struct index_message *first, *second, *third;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	puts_api(s, &(struct api){ .generation = 2, .observed = 1, .not_ready = true });
	second = wakes(s, "generation 2");
	assert_string_not_equal(first->wake.traceparent, second->wake.traceparent);
	assert_int_equal(strlen(first->wake.traceparent), 55);
	index_compare_all(s->index); /* the same work goes on */
	third = wakes(s, "generation 2");
	assert_string_equal(third->wake.traceparent, second->wake.traceparent);
}

static void a_trace_lasts_until_ready(void **state)
{
	SCENE;
	const struct index_message *first, *second, *third;
	long v;

	v = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	puts_api(
		s, &(struct api){ .generation = 1,
			   .observed = 1,
			   .not_ready = true,
			   .dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", v), NULL) });
	v = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	second = wakes(s, "ConfigMap doc changed");
	assert_string_equal(first->wake.traceparent, second->wake.traceparent);
	puts_api(
		s, &(struct api){ .generation = 1,
			   .observed = 1,
			   .dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", v), NULL) });
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	third = wakes(s, "ConfigMap doc changed");
	assert_string_not_equal(first->wake.traceparent, third->wake.traceparent);
}

static void a_deleted_object_is_told_and_forgotten(void **state)
{
	SCENE;
	struct index_message *m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	is_quiet(s);
	deletes(s, KIND_API, "store");
	m = wakes(s, "deleted");
	assert_string_equal(m->wake.uid, "uid-store");
	is_quiet(s);
	assert_int_equal(index_figures(s->index).roots, 0);
	assert_int_equal(index_figures(s->index).objects, 0);
	assert_int_equal(index_figures(s->index).bytes, 0);
}

static void what_a_new_list_no_longer_names_is_deleted(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .name = "kept", .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "store", .generation = 1, .observed = 1 });
	lists_end(s);
	lists_begin(s);
	puts_api(s, &(struct api){ .name = "kept", .generation = 1, .observed = 1 });
	is_quiet(s);
	lists_end(s);
	wakes(s, "deleted");
	is_quiet(s);
	assert_int_equal(index_figures(s->index).roots, 1);
}

static void another_object_of_the_same_name_is_new(void **state)
{
	SCENE;
	struct index_message *m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	deletes(s, KIND_API, "store");
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true, .uid = "uid-2" });
	m = wakes(s, "generation 1");
	assert_string_equal(m->wake.uid, "uid-2");
	is_quiet(s);
}

static void a_recreated_object_is_woken_though_its_generation_was_told_before(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	wakes(s, "generation 1");
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true, .uid = "uid-2" });
	wakes(s, "generation 1");
}

static void an_object_marked_for_deletion_is_woken_once(void **state)
{
	SCENE;
	struct json *v;

	lists_end(s);
	for (int i = 0; i < 2; i++) {
		s->version++;
		v = json_of(s, KIND_API, "store", NULL);
		json_set_str(s->arena, json_sub(s->arena, v, "metadata"), "deletionTimestamp",
			"2026-11-23T12:00:00Z");
		index_upsert(s->index, KIND_API, v, text(s, s->version));
		if (i == 0)
			wakes(s, "being deleted");
		is_quiet(s);
	}
}

/* ---- inputs ---- */

static void a_changed_input_wakes_whoever_records_it_and_nobody_else(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	struct index_message *m;

	puts_object(s, KIND_CONFIG_MAP, "other", NULL);
	puts_api(s,
		&(struct api){ .generation = 1,
			.observed = 1,
			.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL) });
	puts_api(s, &(struct api){ .name = "other", .generation = 1, .observed = 1 });
	lists_end(s);
	is_quiet(s);
	puts_object(s, KIND_CONFIG_MAP, "other", NULL);
	is_quiet(s);
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	m = wakes(s, "ConfigMap doc changed");
	assert_int_equal(m->wake.moved.n, 1);
	assert_true(names(m, KIND_CONFIG_MAP, "doc"));
	is_quiet(s);
}

static void each_further_change_of_an_input_is_told_again_and_with_another_id(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	const struct index_message *first, *second;

	puts_api(s,
		&(struct api){ .generation = 1,
			.observed = 1,
			.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL) });
	lists_end(s);
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	first = wakes(s, "ConfigMap doc changed");
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	second = wakes(s, "ConfigMap doc changed");
	assert_string_not_equal(first->id, second->id);
	is_quiet(s);
}

static void all_that_moved_is_named_together(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	long cert = puts_object(s, KIND_SECRET, "cert", NULL);
	struct index_message *m;

	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc),
				    input(s, KIND_SECRET, "cert", cert)) });
	lists_end(s);
	puts_object(s, KIND_SECRET, "cert", NULL);
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	m = wakes(s, "ConfigMap doc changed, and 1 more");
	assert_int_equal(m->wake.moved.n, 2);
	assert_true(names(m, KIND_CONFIG_MAP, "doc"));
	assert_true(names(m, KIND_SECRET, "cert"));
	is_quiet(s);
}

static void an_input_that_was_missing_wakes_when_it_appears(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(s, input(s, KIND_SECURITY, "jwt", 0), NULL) });
	lists_end(s);
	is_quiet(s);
	puts_object(s, KIND_SECURITY, "jwt", "\"status\":{\"observedGeneration\":0}");
	assert_true(
		names(says(s, "cr.api.shop.store", "Security jwt appeared"), KIND_SECURITY, "jwt"));
}

static void an_input_that_goes_away_wakes(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);

	puts_api(s,
		&(struct api){ .generation = 1,
			.observed = 1,
			.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL) });
	lists_end(s);
	deletes(s, KIND_CONFIG_MAP, "doc");
	wakes(s, "ConfigMap doc is gone");
	is_quiet(s);
}

static void an_older_input_is_no_news(void **state)
{
	SCENE;

	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	/* The service has read a version that our stream has not brought yet. */
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(
				    s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL) });
	passes(s, 5000);
	is_quiet(s);
	s->version++;
	index_upsert(s->index, KIND_CONFIG_MAP, json_of(s, KIND_CONFIG_MAP, "doc", NULL),
		text(s, s->version));
	is_quiet(s);
}

static void an_input_that_our_stream_has_not_brought_yet_is_waited_for(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(
				    s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL) });
	is_quiet(s);
	s->version++;
	index_upsert(s->index, KIND_CONFIG_MAP, json_of(s, KIND_CONFIG_MAP, "doc", NULL),
		text(s, s->version));
	passes(s, 5000);
	is_quiet(s);
}

static void an_input_that_never_comes_is_gone(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(
				    s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL) });
	passes(s, INDEX_PATIENCE_MS - 1);
	is_quiet(s);
	passes(s, 1);
	wakes(s, "ConfigMap doc is gone");
	passes(s, 5000);
	is_quiet(s);
}

static void an_input_of_a_kind_that_is_seen_only_in_part_is_not_missed(void **state)
{
	SCENE;

	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = list_of(s, input(s, KIND_SERVICE, "backend", 7),
				    input(s, KIND_POD, "p", 8)) });
	lists_end(s);
	passes(s, 5000);
	is_quiet(s);
}

/* The record of all grants, as a service makes it of those it found. */
static const char *grants(struct scene *s, size_t n, const char *const *found, const long *versions)
{
	struct vec items = { 0 };
	const char *version;

	for (size_t i = 0; i < n; i++) {
		struct object *o = arena_alloc(s->arena, sizeof(*o));

		o->ref = (struct ref){ KIND_REFERENCE_GRANT, "shop", found[i] };
		o->json = json_format(
			s->arena, "{'metadata':{'resourceVersion':%s}}", text(s, versions[i]));
		vec_add(s->arena, &items, o);
	}
	version = meta_version(collection_json(s->arena, &items));
	return arena_printf(s->arena,
		"[{\"kind\":\"ReferenceGrant\",\"namespace\":\"shop\",\"name\":\"*\","
		"\"resourceVersion\":\"%s\"}]",
		version ? version : "");
}

static void reads_grants(struct scene *s, size_t n, const char *const *found, const long *versions)
{
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies = grants(s, n, found, versions) });
	passes(s, INDEX_PATIENCE_MS);
}

static void a_new_member_of_a_collection_wakes_after_a_moment(void **state)
{
	static const char *const one[] = { "one" };
	SCENE;
	struct index_message *m;
	long version;

	lists_end(s);
	reads_grants(s, 0, NULL, NULL);
	is_quiet(s);
	version = puts_object(s, KIND_REFERENCE_GRANT, "one", NULL);
	is_quiet(s);
	passes(s, INDEX_PATIENCE_MS);
	m = wakes(s, "ReferenceGrant * appeared");
	assert_true(names(m, KIND_REFERENCE_GRANT, ALL_NAMES));
	reads_grants(s, 1, one, &version);
	is_quiet(s);
}

static void a_member_that_changes_or_leaves_wakes_too(void **state)
{
	static const char *const both[] = { "two", "one" };
	SCENE;
	long versions[2];

	lists_end(s);
	versions[1] = puts_object(s, KIND_REFERENCE_GRANT, "one", NULL);
	versions[0] = puts_object(s, KIND_REFERENCE_GRANT, "two", NULL);
	reads_grants(s, 2, both, versions);
	is_quiet(s);
	versions[0] = puts_object(s, KIND_REFERENCE_GRANT, "two", NULL);
	passes(s, INDEX_PATIENCE_MS);
	wakes(s, "ReferenceGrant * changed");
	reads_grants(s, 2, both, versions);
	is_quiet(s);
	deletes(s, KIND_REFERENCE_GRANT, "one");
	passes(s, INDEX_PATIENCE_MS);
	wakes(s, "ReferenceGrant * changed");
}

static void a_new_list_is_news_only_with_other_members(void **state)
{
	static const char *const one[] = { "one" };
	SCENE;
	long version;

	lists_end(s);
	version = puts_object(s, KIND_REFERENCE_GRANT, "one", NULL);
	reads_grants(s, 1, one, &version);
	is_quiet(s);
	index_list_begins(s->index, KIND_REFERENCE_GRANT);
	index_upsert(s->index, KIND_REFERENCE_GRANT,
		json_format(s->arena,
			"{'kind':'ReferenceGrant','metadata':{'namespace':'shop','name':'one',"
			"'resourceVersion':%s}}",
			text(s, version)),
		text(s, s->version));
	index_list_ended(s->index, KIND_REFERENCE_GRANT, text(s, s->version));
	passes(s, INDEX_PATIENCE_MS);
	is_quiet(s);
	index_list_begins(s->index, KIND_REFERENCE_GRANT);
	index_list_ended(s->index, KIND_REFERENCE_GRANT, text(s, s->version));
	passes(s, INDEX_PATIENCE_MS);
	assert_non_null(told(s));
}

static void a_record_from_the_future_is_told_by_a_complete_comparison(void **state)
{
	SCENE;

	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .dependencies =
				    list_of(s, input(s, KIND_CONFIG_MAP, "doc", 999999), NULL) });
	is_quiet(s);
	index_compare_all(s->index);
	assert_true(names(wakes(s, "ConfigMap doc changed"), KIND_CONFIG_MAP, "doc"));
	is_quiet(s);
}

/* ---- children ---- */

static void settle_with_deployment(struct scene *s, const char *recorded, const char *live)
{
	lists_end(s);
	puts_object(s, KIND_DEPLOYMENT, "store", live);
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .children = list_of(
				    s, child(s, KIND_DEPLOYMENT, "store", recorded), NULL) });
	is_quiet(s);
}

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
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .children = list_of(s,
				    child(s, KIND_DEPLOYMENT, "store", deployment_bent), NULL) });
	passes(s, 5000);
	is_quiet(s);
}

static void a_status_that_overtakes_its_child_wakes_nobody(void **state)
{
	SCENE;

	settle_with_deployment(s, deployment_new, deployment_new);
	puts_api(s, &(struct api){ .generation = 1,
			    .observed = 1,
			    .children = list_of(s,
				    child(s, KIND_DEPLOYMENT, "store", deployment_bent), NULL) });
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

static const char job_running[] = "\"spec\":{}";
static const char job_complete[] =
	"\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}";
static const char job_failed[] =
	"\"spec\":{},\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\"}]}";

static void puts_job(struct scene *s, const char *name, const char *more)
{
	struct json *v;

	s->version++;
	v = json_of(s, KIND_JOB, name, more);
	json_set(s->arena, json_sub(s->arena, v, "metadata"), "labels",
		json_format(s->arena,
			"{'apim.wso2.com/owner':'store','apim.wso2.com/owner-kind':'api'}"));
	index_upsert(s->index, KIND_JOB, v, text(s, s->version));
}

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

static void puts_pod(struct scene *s, const char *job, const char *phase)
{
	struct json *v;

	s->version++;
	v = json_of(
		s, KIND_POD, "pod", arena_printf(s->arena, "\"status\":{\"phase\":\"%s\"}", phase));
	json_set(s->arena, json_sub(s->arena, v, "metadata"), "labels",
		json_format(s->arena, "{'batch.kubernetes.io/job-name':%s}", job));
	index_upsert(s->index, KIND_POD, v, text(s, s->version));
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
	wakes(s, "not Ready yet");
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
	wakes(s, "not Ready yet");
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

/* ---- complete comparisons, leading ---- */

static void after_a_restart_settled_objects_are_left_alone(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	const struct api settled = { .generation = 4,
		.observed = 4,
		.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL),
		.children = list_of(s, child(s, KIND_DEPLOYMENT, "store", deployment_up), NULL) };

	puts_object(s, KIND_DEPLOYMENT, "store", deployment_up);
	puts_api(s, &settled);
	lists_end(s);
	is_quiet(s);
	passes(s, 5000);
	index_compare_all(s->index);
	passes(s, 5000);
	is_quiet(s);
}

static void after_a_restart_what_changed_meanwhile_is_told(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);

	puts_api(s,
		&(struct api){ .generation = 1,
			.observed = 1,
			.dependencies = list_of(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL) });
	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	wakes(s, "ConfigMap doc changed");
	is_quiet(s);
}

static void a_complete_comparison_repeats_what_is_unsettled_with_another_id(void **state)
{
	SCENE;
	const struct index_message *first, *second;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	first = wakes(s, "generation 1");
	index_compare_all(s->index);
	second = wakes(s, "generation 1");
	assert_string_not_equal(first->id, second->id);
	is_quiet(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1, .not_ready = true });
	is_quiet(s);
	index_compare_all(s->index);
	wakes(s, "not Ready yet");
	is_quiet(s);
}

static void an_untold_message_stays_due(void **state)
{
	SCENE;
	struct index_message m;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .not_ready = true });
	for (int i = 0; i < 3; i++) {
		assert_true(index_next(s->index, s->arena, &m));
		assert_string_equal(m.subject, "cr.api.shop.store");
	}
	assert_int_equal(index_tick(s->index, 1000), 0);
	/* Settled before it could be told: no longer news. */
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	is_quiet(s);
}

static void a_standby_says_nothing_and_knows_everything_when_it_leads(void **state)
{
	SCENE;

	lists_end(s);
	index_lead(s->index, false);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "new", .generation = 1, .not_ready = true });
	passes(s, 1000);
	is_quiet(s);
	index_lead(s->index, true);
	says(s, "cr.api.shop.new", "generation 1");
	is_quiet(s);
}

static void a_standby_remembers_the_dead_for_a_minute(void **state)
{
	SCENE;

	lists_end(s);
	index_lead(s->index, false);
	puts_api(s, &(struct api){ .name = "early", .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	deletes(s, KIND_API, "early");
	passes(s, INDEX_TOMBSTONE_MS - 1000);
	deletes(s, KIND_API, "store");
	passes(s, 2000);
	index_lead(s->index, true);
	wakes(s, "deleted");
	is_quiet(s);
}

static void who_stops_leading_keeps_only_the_dead_to_tell(void **state)
{
	SCENE;

	lists_end(s);
	puts_api(s, &(struct api){ .generation = 1, .observed = 1 });
	puts_api(s, &(struct api){ .name = "new", .generation = 1, .not_ready = true });
	deletes(s, KIND_API, "store");
	index_lead(s->index, false);
	assert_int_equal(index_figures(s->index).due, 1);
	assert_null(told(s));
	index_lead(s->index, true);
	wakes(s, "deleted");
	says(s, "cr.api.shop.new", "generation 1");
	is_quiet(s);
}

static void tick_tells_how_long_there_is_nothing_to_do(void **state)
{
	SCENE;

	assert_int_equal(index_tick(s->index, 700), 700);
	settle_with_deployment(s, deployment_new, deployment_new);
	assert_int_equal(index_tick(s->index, 700), 700);
	puts_object(s, KIND_DEPLOYMENT, "store", deployment_bent);
	assert_int_equal(index_tick(s->index, 700), INDEX_PATIENCE_MS);
	assert_int_equal(index_tick(s->index, 10), 10);
}

/* ---- robustness ---- */

static void objects_that_make_no_sense_are_survived(void **state)
{
	static const char *const nonsense[] = {
		"{}",
		"{\"kind\":\"API\",\"metadata\":{\"name\":\"x\"}}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"\",\"name\":\"\"}}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"uid\":7},\"status\":[]}",
		"{\"kind\":\"API\",\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"resourceVersion\":\"x\"},"
		"\"status\":{\"dependencies\":[1,null,{},{\"kind\":\"ConfigMap\"},"
		"{\"kind\":\"Nothing\",\"namespace\":\"a\",\"name\":\"b\"}],\"children\":{\"a\":[]},"
		"\"conditions\":\"x\"}}",
	};
	SCENE;
	struct err err;

	lists_end(s);
	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		const struct json *v = json_parse(s->arena, nonsense[i], strlen(nonsense[i]), &err);

		for (enum kind kind = KIND_NONE; kind <= KIND_COUNT; kind++) {
			index_upsert(s->index, kind, v, "x");
			index_upsert(s->index, kind, NULL, NULL);
			index_delete(s->index, kind, v, "");
			index_delete(s->index, kind, NULL, NULL);
			index_list_begins(s->index, kind);
		}
	}
	while (told(s))
		;
}

static void many_objects_take_few_megabytes(void **state)
{
	SCENE;
	struct index_figures f;

	for (int i = 0; i < 1000; i++) {
		struct str inputs, children;

		str_init(&inputs, s->arena, 4096);
		str_init(&children, s->arena, 4096);
		for (int j = 0; j < 5; j++)
			str_addf(&inputs, "%s%s", j ? "," : "",
				input(s, KIND_CONFIG_MAP,
					arena_printf(s->arena, "document-%d-%d", i, j), 0));
		for (int j = 0; j < 6; j++)
			str_addf(&children, "%s%s", j ? "," : "",
				child(s, KIND_DEPLOYMENT,
					arena_printf(s->arena, "child-%d-%d", i, j),
					deployment_new));
		puts_api(s, &(struct api){ .name = arena_printf(s->arena, "api-%d", i),
				    .generation = 1,
				    .observed = 1,
				    .dependencies = list_of(s, inputs.ptr, NULL),
				    .children = list_of(s, children.ptr, NULL) });
	}
	lists_end(s);
	f = index_figures(s->index);
	assert_int_equal(f.records, 11000);
	print_message("1000 objects with 5 inputs and 6 children each: %zu KB\n", f.bytes / 1024);
	assert_in_range(f.bytes, 1, 5 * 1024 * 1024);
	for (int i = 0; i < 1000; i++)
		deletes(s, KIND_API, arena_printf(s->arena, "api-%d", i));
	while (told(s))
		;
	assert_int_equal(index_figures(s->index).bytes, 0);
}

/* Any order of events leads to the same: everything is told in the end, and nothing is left behind.
 */
static void chance_finds_no_crash_and_no_leftover(void **state)
{
	SCENE;
	uint64_t dice = 42;

	for (int step = 0; step < 20000; step++) {
		const char *name = arena_printf(s->arena, "n%d", (int)(dice >> 33 & 3));
		int act = (int)(dice >> 40 & 15);

		dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (act < 3)
			puts_object(
				s, dice & 2 ? KIND_CONFIG_MAP : KIND_REFERENCE_GRANT, name, NULL);
		else if (act < 5)
			deletes(s, dice & 2 ? KIND_CONFIG_MAP : KIND_REFERENCE_GRANT, name);
		else if (act < 8)
			puts_api(s,
				&(struct api){ .name = name,
					.generation = (long)(dice >> 50 & 3),
					.observed = (long)(dice >> 52 & 3),
					.dependencies = list_of(s,
						input(s, KIND_CONFIG_MAP, "n1", s->version - 3),
						input(s, dice & 4 ? KIND_API : KIND_REFERENCE_GRANT,
							dice & 4 ? "n2" : ALL_NAMES, s->version)),
					.children = list_of(s,
						child(s, KIND_DEPLOYMENT, name, deployment_new),
						NULL) });
		else if (act < 9)
			deletes(s, KIND_API, name);
		else if (act < 10)
			puts_job(s, name, dice & 1 ? job_running : job_complete);
		else if (act < 11)
			deletes(s, KIND_JOB, name);
		else if (act < 12)
			puts_object(s, KIND_DEPLOYMENT, name,
				dice & 1 ? deployment_up : deployment_bent);
		else if (act < 13)
			index_lead(s->index, dice >> 60 & 1);
		else if (act < 14)
			passes(s, 100);
		else if (act < 15)
			(void)told(s);
		else {
			lists_begin(s);
			puts_object(s, KIND_CONFIG_MAP, name, NULL);
			lists_end(s);
		}
	}
	lists_begin(s);
	lists_end(s);
	index_lead(s->index, true);
	while (told(s))
		;
	assert_int_equal(index_figures(s->index).bytes, 0);
}

int main(void)
{
#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		IN_A_SCENE(nothing_is_told_before_every_kind_was_listed),
		IN_A_SCENE(a_new_object_is_woken_once),
		IN_A_SCENE(our_own_status_writes_wake_nobody),
		IN_A_SCENE(each_generation_is_woken_and_has_a_trace_of_its_own),
		IN_A_SCENE(a_trace_lasts_until_ready),
		IN_A_SCENE(a_deleted_object_is_told_and_forgotten),
		IN_A_SCENE(what_a_new_list_no_longer_names_is_deleted),
		IN_A_SCENE(another_object_of_the_same_name_is_new),
		IN_A_SCENE(a_recreated_object_is_woken_though_its_generation_was_told_before),
		IN_A_SCENE(an_object_marked_for_deletion_is_woken_once),
		IN_A_SCENE(a_changed_input_wakes_whoever_records_it_and_nobody_else),
		IN_A_SCENE(each_further_change_of_an_input_is_told_again_and_with_another_id),
		IN_A_SCENE(all_that_moved_is_named_together),
		IN_A_SCENE(an_input_that_was_missing_wakes_when_it_appears),
		IN_A_SCENE(an_input_that_goes_away_wakes),
		IN_A_SCENE(an_older_input_is_no_news),
		IN_A_SCENE(an_input_that_our_stream_has_not_brought_yet_is_waited_for),
		IN_A_SCENE(an_input_that_never_comes_is_gone),
		IN_A_SCENE(an_input_of_a_kind_that_is_seen_only_in_part_is_not_missed),
		IN_A_SCENE(a_new_member_of_a_collection_wakes_after_a_moment),
		IN_A_SCENE(a_member_that_changes_or_leaves_wakes_too),
		IN_A_SCENE(a_new_list_is_news_only_with_other_members),
		IN_A_SCENE(a_record_from_the_future_is_told_by_a_complete_comparison),
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
		IN_A_SCENE(success_is_told_when_the_pod_has_ended_and_failure_again_with_the_job),
		IN_A_SCENE(a_success_that_nobody_was_told_of_is_told_by_the_next_leader),
		IN_A_SCENE(a_job_that_appears_finished_is_told),
		IN_A_SCENE(an_unfinished_job_that_is_deleted_is_told),
		IN_A_SCENE(a_job_without_a_living_owner_is_nobodys),
		IN_A_SCENE(a_finished_job_is_told_again_at_start_only_if_its_owner_is_not_ready),
		IN_A_SCENE(the_owner_reference_names_the_owner_of_a_job_with_a_long_name),
		IN_A_SCENE(after_a_restart_settled_objects_are_left_alone),
		IN_A_SCENE(after_a_restart_what_changed_meanwhile_is_told),
		IN_A_SCENE(a_complete_comparison_repeats_what_is_unsettled_with_another_id),
		IN_A_SCENE(an_untold_message_stays_due),
		IN_A_SCENE(a_standby_says_nothing_and_knows_everything_when_it_leads),
		IN_A_SCENE(a_standby_remembers_the_dead_for_a_minute),
		IN_A_SCENE(who_stops_leading_keeps_only_the_dead_to_tell),
		IN_A_SCENE(tick_tells_how_long_there_is_nothing_to_do),
		IN_A_SCENE(objects_that_make_no_sense_are_survived),
		IN_A_SCENE(many_objects_take_few_megabytes),
		IN_A_SCENE(chance_finds_no_crash_and_no_leftover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
