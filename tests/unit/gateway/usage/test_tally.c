#include "gateway/usage/tally.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

enum {
	NOON_MS = 1000,
	MAX_BYTES = 63 * 1024,
};

static struct arena *a;
static struct tally *t;

static int set_up(void **state UNUSED)
{
	a = arena_new();
	t = tally_new();
	return 0;
}

static int tear_down(void **state UNUSED)
{
	tally_free(t);
	arena_free(a);
	return 0;
}

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static void call(const char *operation, const char *application, uint16_t status, uint32_t ms)
{
	struct usage u = { .api = span("Store"),
		.version = span("v1"),
		.operation = span(operation),
		.application = span(application),
		.status = status,
		.ms = ms,
		.backend_ms = ms / 2 };

	tally_add(t, &u, NOON_MS);
}

static struct vec told(size_t max_bytes)
{
	struct vec events = { 0 };

	tally_tell(t, a, "pod", NOON_MS + 5000, max_bytes, &events);
	return events;
}

static const struct json *data_of(const struct vec *events, size_t i)
{
	const struct tally_event *e = events->at[i];
	struct err err;
	const struct json *v = json_parse(a, e->data, strlen(e->data), &err);

	if (!v)
		fail_msg("%s: %s", err.msg, e->data);
	return v;
}

static void requests_of_a_kind_are_one_line(void **state UNUSED)
{
	const struct json *data, *line;
	struct vec events;

	call("list", "app", 200, 10);
	call("list", "app", 200, 30);
	call("list", "app", 401, 1);
	call("list", "other", 200, 1);
	call("get", "app", 200, 1);
	assert_int_equal(tally_lines(t), 4);
	assert_int_equal(tally_requests(t), 5);
	events = told(MAX_BYTES);
	assert_int_equal(events.n, 1);
	data = data_of(&events, 0);
	assert_string_equal(json_get_str(data, "gateway"), "pod");
	assert_string_equal(json_get_str(data, "from"), "1970-01-01T00:00:01Z");
	assert_string_equal(json_get_str(data, "to"), "1970-01-01T00:00:06Z");
	line = json_first(json_get(data, "usage"));
	assert_string_equal(json_get_str(line, "api"), "Store");
	assert_string_equal(json_get_str(line, "operation"), "list");
	assert_string_equal(json_get_str(line, "application"), "app");
	assert_string_equal(json_get_str(line, "keyType"), "PRODUCTION");
	assert_int_equal(json_get_int(line, "status", 0), 200);
	assert_int_equal(json_get_int(line, "count", 0), 2);
	assert_int_equal(json_get_int(json_get(line, "latencyMs"), "sum", 0), 40);
	assert_int_equal(json_get_int(json_get(line, "latencyMs"), "max", 0), 30);
	assert_int_equal(json_get_int(json_get(line, "backendLatencyMs"), "sum", 0), 20);
}

static void texts_side_by_side_are_not_mixed_up(void **state UNUSED)
{
	call("ab", "c", 200, 1);
	call("a", "bc", 200, 1);
	assert_int_equal(tally_lines(t), 2);
}

static void nothing_is_told_when_nothing_happened(void **state UNUSED)
{
	assert_int_equal(told(MAX_BYTES).n, 0);
	call("list", "app", 200, 1);
	tally_clear(t);
	assert_int_equal(told(MAX_BYTES).n, 0);
	assert_int_equal(tally_requests(t), 0);
}

static void what_needs_more_lines_than_there_are_is_counted_as_lost(void **state UNUSED)
{
	struct vec events;
	int64_t lost = 0, requests = 0;

	for (int i = 0; i < TALLY_MAX_LINES + 7; i++)
		call("list", arena_printf(a, "app%d", i), 200, 1);
	call("list", "app0", 200, 1);
	assert_int_equal(tally_lines(t), TALLY_MAX_LINES);
	assert_int_equal(tally_lost(t), 7);
	assert_int_equal(tally_requests(t), TALLY_MAX_LINES + 1);
	events = told(MAX_BYTES);
	assert_true(events.n > 1);
	for (size_t i = 0; i < events.n; i++) {
		const struct tally_event *e = events.at[i];
		const struct json *data = data_of(&events, i);
		int64_t sum = 0;

		json_foreach (line, json_get(data, "usage"))
			sum += json_get_int(line, "count", 0);
		assert_int_equal(sum, e->requests);
		assert_true(strlen(e->data) <= MAX_BYTES);
		requests += sum;
		lost += json_get_int(data, "lost", 0);
	}
	assert_int_equal(requests, TALLY_MAX_LINES + 1);
	assert_int_equal(lost, 7); /* said once */
}

static void losses_alone_are_told(void **state UNUSED)
{
	struct vec events;

	tally_lose(t, 3, NOON_MS);
	events = told(MAX_BYTES);
	assert_int_equal(events.n, 1);
	assert_int_equal(json_get_int(data_of(&events, 0), "lost", 0), 3);
	assert_int_equal(json_len(json_get(data_of(&events, 0), "usage")), 0);
}

static void hostile_names_are_text(void **state UNUSED)
{
	char longest[USAGE_MAX_TEXT + 1] = "";
	struct vec events;

	memset(longest, '\x01', USAGE_MAX_TEXT);
	call("\"},{\"count\":9", "a\xff\xc0\n\\", 200, 1);
	call(longest, longest, 200, 1);
	events = told(MAX_BYTES);
	assert_int_equal(json_len(json_get(data_of(&events, 0), "usage")), 2);
	assert_string_equal(
		json_get_str(json_first(json_get(data_of(&events, 0), "usage")), "operation"),
		"\"},{\"count\":9");
}

int main(void)
{
#define WITH_A_TALLY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_A_TALLY(requests_of_a_kind_are_one_line),
		WITH_A_TALLY(texts_side_by_side_are_not_mixed_up),
		WITH_A_TALLY(nothing_is_told_when_nothing_happened),
		WITH_A_TALLY(what_needs_more_lines_than_there_are_is_counted_as_lost),
		WITH_A_TALLY(losses_alone_are_told),
		WITH_A_TALLY(hostile_names_are_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
