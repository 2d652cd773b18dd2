/* What a wake says about the operator's own namespace, and how long notes of builds are waited for.
 */
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"
#include "watcher/index.h"

enum {
	KINDS = 1U << KIND_API | 1U << KIND_CONFIG_MAP | 1U << KIND_SECRET,
};

static const enum kind kinds[] = { KIND_API, KIND_CONFIG_MAP, KIND_SECRET };

struct scene {
	struct arena *arena;
	struct clock_ops clock;
	struct index *index;
	int64_t now_us;
};

static int64_t now_us(void *self)
{
	return ((struct scene *)self)->now_us;
}

static uint64_t number(void *self UNUSED)
{
	return 4;
}

static void start(struct scene *s, const char *listed)
{
	*s = (struct scene){ .arena = arena_new(), .now_us = 1000 };
	s->clock = (struct clock_ops){ s, NULL, now_us, number };
	s->index = index_new(&s->clock, KINDS, "wso2-system");
	index_lead(s->index, true);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		index_list_begins(s->index, kinds[i]);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		index_list_ended(s->index, kinds[i], listed);
}

static void end(struct scene *s)
{
	index_free(s->index);
	arena_free(s->arena);
}

static const struct json *object(
	struct scene *s, const char *ns, const char *name, const char *version)
{
	return json_format(s->arena,
		"{'metadata':{'namespace':%s,'name':%s,'uid':'u','resourceVersion':%s,'generation':%d}}",
		ns, name, version, 1);
}

static void puts_map(struct scene *s, const char *ns, const char *name, const char *version)
{
	struct json *o = json_dup(s->arena, object(s, ns, name, version));

	json_set_str(s->arena, o, "kind", "ConfigMap");
	index_upsert(s->index, KIND_CONFIG_MAP, o, version);
}

static void deletes_secret(struct scene *s, const char *name, const char *version)
{
	struct json *o = json_dup(s->arena, object(s, "wso2-system", name, version));

	json_set_str(s->arena, o, "kind", "Secret");
	index_upsert(s->index, KIND_SECRET, o, version);
	o = json_dup(s->arena, object(s, "wso2-system", name, "90"));
	json_set_str(s->arena, o, "kind", "Secret");
	index_delete(s->index, KIND_SECRET, o, "90");
}

static bool next(struct scene *s, struct index_message *m)
{
	if (!index_next(s->index, s->arena, m))
		return false;
	index_told(s->index, m);
	return true;
}

/* Of the wake that a new API brings about. */
static uint64_t told_mark(struct scene *s, const char *name)
{
	struct json *o = json_dup(s->arena, object(s, "shop", name, "100"));
	struct index_message m;

	json_set_str(s->arena, o, "kind", "API");
	index_upsert(s->index, KIND_API, o, "100");
	assert_true(next(s, &m));
	return m.wake.system_mark;
}

static void a_wake_names_the_last_change_of_the_operators_namespace(void **state UNUSED)
{
	struct scene s;

	start(&s, "50");
	puts_map(&s, "wso2-system", "controller-config", "60");
	assert_int_equal(told_mark(&s, "a"), 60);
	puts_map(&s, "wso2-system", "controller-config", "70");
	puts_map(&s, "shop", "swagger", "80");
	assert_int_equal(told_mark(&s, "b"), 70);
	end(&s);
}

static void what_is_deleted_there_is_a_change_too(void **state UNUSED)
{
	struct scene s;

	start(&s, "50");
	deletes_secret(&s, "docker-secret", "55");
	assert_int_equal(told_mark(&s, "a"), 90);
	end(&s);
}

static void what_was_deleted_before_we_watched_is_older_than_the_mark(void **state UNUSED)
{
	struct scene s;

	start(&s, "50");
	assert_int_equal(told_mark(&s, "a"), 50);
	end(&s);
}

static void puts_api_with_note(struct scene *s, const char *version, bool ready)
{
	index_upsert(s->index, KIND_API,
		json_format(s->arena,
			"{'kind':'API','metadata':{'namespace':'shop','name':'a','uid':'u','resourceVersion':%s,"
			"'generation':1},'status':{'observedGeneration':1,'conditions':[{'type':'Ready','status':%s}],"
			"'children':[{'kind':'ConfigMap','name':'a-dockerfile','version':'60','state':''}]}}",
			version, ready ? "True" : "False"),
		version);
}

static void passes(struct scene *s, int64_t ms)
{
	s->now_us += ms * 1000;
	(void)index_tick(s->index, 1000);
}

static void a_note_on_the_way_to_ready_waits_for_the_status_that_records_it(void **state UNUSED)
{
	struct index_message m;
	struct scene s;

	start(&s, "50");
	puts_map(&s, "shop", "a-dockerfile", "60");
	puts_api_with_note(&s, "61", false);
	puts_map(&s, "shop", "a-dockerfile", "62");
	passes(&s, INDEX_COMPANY_MS - 1);
	assert_false(next(&s, &m));
	passes(&s, 1);
	assert_true(next(&s, &m));
	end(&s);
}

static void a_child_of_a_ready_api_that_was_changed_is_told_after_a_moment(void **state UNUSED)
{
	struct index_message m;
	struct scene s;

	start(&s, "50");
	puts_map(&s, "shop", "a-dockerfile", "60");
	puts_api_with_note(&s, "61", true);
	puts_map(&s, "shop", "a-dockerfile", "62");
	assert_false(next(&s, &m));
	passes(&s, INDEX_PATIENCE_MS);
	assert_true(next(&s, &m));
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wake_names_the_last_change_of_the_operators_namespace),
		cmocka_unit_test(what_is_deleted_there_is_a_change_too),
		cmocka_unit_test(what_was_deleted_before_we_watched_is_older_than_the_mark),
		cmocka_unit_test(a_note_on_the_way_to_ready_waits_for_the_status_that_records_it),
		cmocka_unit_test(a_child_of_a_ready_api_that_was_changed_is_told_after_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
