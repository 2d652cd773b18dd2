/* Whom an index wakes for what they have read. */
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "lib/plan/world.h"
#include "tests/support/index.h"
#include "tests/support/unit.h"

/* ---- objects ---- */

static void a_changed_input_wakes_whoever_records_it_and_nobody_else(void **state)
{
	SCENE;
	long doc = puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	struct index_message *m;

	puts_object(s, KIND_CONFIG_MAP, "other", NULL);
	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL);
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

	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL);
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

	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", doc), input(s, KIND_SECRET, "cert", cert));
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

	api_reads(s, input(s, KIND_SECURITY, "jwt", 0), NULL);
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

	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", doc), NULL);
	lists_end(s);
	deletes(s, KIND_CONFIG_MAP, "doc");
	wakes(s, "ConfigMap doc is gone");
	is_quiet(s);
}

/* What all gateways of a namespace share. */
static void a_service_that_goes_away_wakes_whoever_has_read_it(void **state)
{
	SCENE;
	long service = puts_object(s, KIND_SERVICE, "shared", NULL);

	api_reads(s, input(s, KIND_SERVICE, "shared", service), NULL);
	lists_end(s);
	is_quiet(s);
	deletes(s, KIND_SERVICE, "shared");
	wakes(s, "Service shared is gone");
	is_quiet(s);
}

static void an_older_input_is_no_news(void **state)
{
	SCENE;

	puts_object(s, KIND_CONFIG_MAP, "doc", NULL);
	lists_end(s);
	/* The service has read a version that our stream has not brought yet. */
	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL);
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
	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL);
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
	api_reads(s, input(s, KIND_CONFIG_MAP, "doc", s->version + 2), NULL);
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

	api_reads(s, input(s, KIND_SERVICE, "backend", 7), input(s, KIND_POD, "p", 8));
	lists_end(s);
	passes(s, 5000);
	is_quiet(s);
}

/* ---- collections ---- */

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

int main(void)
{
#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, index_begin, index_end)
	const struct CMUnitTest tests[] = {
		IN_A_SCENE(a_changed_input_wakes_whoever_records_it_and_nobody_else),
		IN_A_SCENE(each_further_change_of_an_input_is_told_again_and_with_another_id),
		IN_A_SCENE(all_that_moved_is_named_together),
		IN_A_SCENE(an_input_that_was_missing_wakes_when_it_appears),
		IN_A_SCENE(an_input_that_goes_away_wakes),
		IN_A_SCENE(a_service_that_goes_away_wakes_whoever_has_read_it),
		IN_A_SCENE(an_older_input_is_no_news),
		IN_A_SCENE(an_input_that_our_stream_has_not_brought_yet_is_waited_for),
		IN_A_SCENE(an_input_that_never_comes_is_gone),
		IN_A_SCENE(an_input_of_a_kind_that_is_seen_only_in_part_is_not_missed),
		IN_A_SCENE(a_new_member_of_a_collection_wakes_after_a_moment),
		IN_A_SCENE(a_member_that_changes_or_leaves_wakes_too),
		IN_A_SCENE(a_new_list_is_news_only_with_other_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
