/* Whom the watcher wakes, and how soon. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"
#include "tests/support/watched.h"
#include "watcher/watch.h"

static void a_new_api_is_woken_and_its_status_is_not_news(void **state)
{
	struct watched *s = *state;
	struct wake w;

	watched_put_api(s, "store", 1);
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "generation 1");
	assert_int_equal(w.generation, 1);
	assert_int_equal(strlen(w.traceparent), 55);
	watched_put_status(s, "store", 1, false, NULL, NULL);
	watched_put_status(s, "store", 1, true, NULL, NULL);
	watched_is_quiet(s);
	watched_put_api(s, "store", 2);
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "generation 2");
	watched_put_status(s, "store", 2, true, NULL, NULL);
	watched_remove(s, KIND_API, "store");
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "deleted");
	watched_is_quiet(s);
}

static void a_recorded_config_map_wakes_within_a_moment_and_another_does_not(void **state)
{
	struct watched *s = *state;
	const struct json *doc = watched_put_config_map(s, "doc", 0);
	struct wake w;
	int64_t began;

	watched_put_config_map(s, "other", 0);
	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put_status(s, "store", 1, true,
		watched_list(s, watched_input(s, "ConfigMap", "doc", doc)), NULL);
	watched_is_quiet(s);
	watched_put_config_map(s, "other", 1);
	watched_is_quiet(s);
	began = watched_now_ms();
	watched_put_config_map(s, "doc", 1);
	w = watched_expect(s, "cr.api.default.store");
	assert_in_range(watched_now_ms() - began, 0, 1000);
	assert_string_equal(w.cause, "ConfigMap doc changed");
	assert_true(watched_moved(&w, KIND_CONFIG_MAP, "doc"));
	assert_int_equal(w.moved.n, 1);
	watched_is_quiet(s);
}

static void a_missing_input_wakes_when_it_is_made(void **state)
{
	struct watched *s = *state;
	struct wake w;

	watched_remove(s, KIND_CONFIG_MAP, "late");
	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put_status(s, "store", 1, false,
		watched_list(s, watched_input(s, "ConfigMap", "late", NULL)), NULL);
	watched_is_quiet(s);
	watched_put_config_map(s, "late", 1);
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "ConfigMap late appeared");
}

static void a_labelled_child_wakes_when_it_is_deleted_or_bent_and_not_when_written_by_us(
	void **state)
{
	struct watched *s = *state;
	const struct json *live;
	struct wake w;

	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	live = watched_put_deployment(s, "store", "i");
	watched_put_status(s, "store", 1, true, NULL,
		watched_list(s, watched_child(s, KIND_DEPLOYMENT, live)));
	watched_is_quiet(s);
	watched_remove(s, KIND_DEPLOYMENT, "store");
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "Deployment store is gone");
	assert_true(watched_moved(&w, KIND_DEPLOYMENT, "store"));
	live = watched_put_deployment(s, "store", "i");
	watched_put_status(s, "store", 1, true, NULL,
		watched_list(s, watched_child(s, KIND_DEPLOYMENT, live)));
	watched_is_quiet(s);
	(void)watched_put_deployment(s, "store", "bent");
	w = watched_expect(s, "cr.api.default.store");
	assert_string_equal(w.cause, "Deployment store changed");
	watched_remove(s, KIND_DEPLOYMENT, "store");
	(void)watched_expect(s, "cr.api.default.store");
}

static void the_end_of_a_job_is_told(void **state)
{
	struct watched *s = *state;
	struct wake w;

	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put(s,
		json_format(s->arena,
			"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'store-kaniko',"
			"'namespace':'default','labels':{'app.kubernetes.io/part-of':'apim.wso2.com',"
			"'apim.wso2.com/owner':'store','apim.wso2.com/owner-kind':'api'}},'spec':{"
			"'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'c',"
			"'image':'i'}]}}}}"),
		false);
	watched_is_quiet(s);
	watched_put(s,
		json_format(s->arena,
			"{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'store-kaniko',"
			"'namespace':'default'},'status':{'startTime':'2026-11-23T12:00:00Z',"
			"'conditions':[{'type':'FailureTarget','status':'True','lastTransitionTime':"
			"'2026-11-23T12:00:00Z'},{'type':'Failed','status':'True','lastTransitionTime':"
			"'2026-11-23T12:00:00Z'}]}}"),
		true);
	w = watched_expect(s, "job.default.store-kaniko");
	assert_int_equal(w.ref.kind, KIND_API);
	assert_string_equal(w.ref.name, "store");
	assert_true(watched_moved(&w, KIND_JOB, "store-kaniko"));
	watched_remove(s, KIND_JOB, "store-kaniko");
	watched_is_quiet(s);
}

/* ---- figures ---- */

static int by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static void events_are_told_in_milliseconds(void **state)
{
	enum {
		EDITS = 200
	};
	struct watched *s = *state;
	int64_t us[EDITS];
	const struct json *doc = watched_put_config_map(s, "doc", 0);

	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put_status(s, "store", 1, true,
		watched_list(s, watched_input(s, "ConfigMap", "doc", doc)), NULL);
	watched_is_quiet(s);
	for (int i = 0; i < EDITS; i++) {
		watched_put_config_map(s, "doc", i + 1);
		/* From the API server's answer to the edit, which is a little after the event
		 * itself. */
		us[i] = link_now_us();
		(void)watched_expect(s, "cr.api.default.store");
		us[i] = link_now_us() - us[i];
	}
	qsort(us, EDITS, sizeof(us[0]), by_value);
	print_message("edit answered → wake heard: p50 %d us, p99 %d us\n", (int)us[EDITS / 2],
		(int)us[EDITS * 99 / 100]);
	assert_in_range(us[EDITS / 2], 0, 100000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WATCHED(a_new_api_is_woken_and_its_status_is_not_news),
		WATCHED(a_recorded_config_map_wakes_within_a_moment_and_another_does_not),
		WATCHED(a_missing_input_wakes_when_it_is_made),
		WATCHED(a_labelled_child_wakes_when_it_is_deleted_or_bent_and_not_when_written_by_us),
		WATCHED(the_end_of_a_job_is_told),
		WATCHED(events_are_told_in_milliseconds),
	};

	if (argc > 1)
		return watcher_main(1, argv);
	return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
