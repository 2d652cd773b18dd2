#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/kube/feed.h"
#include "lib/kube/watch.h"
#include "tests/support/http.h"
#include "tests/support/unit.h"

#define LIST(version, token, items)                                                                      \
	"{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version \
	"\",\"continue\":\"" token "\"},\"items\":[" items "]}"
#define OBJECT(name, version)                                                                      \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define GONE                                                                                       \
	EVENT("ERROR",                                                                             \
		"{\"kind\":\"Status\",\"code\":410,\"message\":\"too old resource version\"}")

/* Events as one text: "R" relist, "+name" upsert, "-name" delete, "S version" synced. */
struct record {
	struct arena *a;
	struct str told;
};

static const struct feed_tuning quick = { .stream_s = 8,
	.silence_ms = 2000,
	.list_ms = 5000,
	.pause_ms = 1,
	.longest_pause_ms = 20,
	.absent_ms = 5,
	.page = 2 };

static void on_event(void *arg, size_t watch, enum watch_event event, const struct json *json,
	const char *version)
{
	struct record *r = arg;
	const char *name = json_str(json_path(json, "metadata", "name", NULL));

	assert_int_equal(watch, 0);
	if (json)
		assert_string_equal(json_get_str(json, "kind"), "ConfigMap");
	switch (event) {
	case WATCH_RELIST:
		str_add(&r->told, "R ");
		break;
	case WATCH_SYNCED:
		str_addf(&r->told, "S%s ", version);
		break;
	case WATCH_UPSERT:
		str_addf(&r->told, "+%s ", name);
		break;
	case WATCH_DELETE:
		str_addf(&r->told, "-%s ", name);
		break;
	}
}

/* Plays the script until the events are told, and fails if they are others. trouble: part of what
 * kube_watch_error must have said on the way; NULL: nothing. */
static void expect_trouble_of(bool optional, const struct http_step *steps, size_t n,
	const char *events, const char *trouble)
{
	const struct watch_spec spec = { .kind = KIND_CONFIG_MAP, .optional = optional };
	const struct clock_ops clock = clock_real();
	const struct http_script s = http_play(steps, n);
	struct record r = { .a = arena_new() };
	struct kube *k = http_client(r.a, &s, 60000);
	int64_t end_ms = clock.now_ms(clock.self) + 30000;
	struct kube_watch *w;
	bool seen = !trouble;
	struct err err;

	str_init(&r.told, r.a, 65536);
	w = kube_watch_new(k, &spec, 1, on_event, &r);
	watch_tune(w, &quick);
	while (clock.now_ms(clock.self) < end_ms && (r.told.len < strlen(events) || !seen)) {
		/* Not longer, or trouble could come and go unseen. */
		assert_true(kube_watch_run(w, 0, &err));
		seen = seen || (kube_watch_error(w) && strstr(kube_watch_error(w), trouble));
	}
	assert_int_equal(strncmp(r.told.ptr, events, strlen(events)), 0);
	assert_true(seen);
	kube_watch_free(w);
	kube_free(k);
	arena_free(r.a);
	http_stop(&s);
}

static void expect_trouble(
	const struct http_step *steps, size_t n, const char *events, const char *trouble)
{
	expect_trouble_of(false, steps, n, events, trouble);
}

#define expect_events(steps, events) expect_trouble(steps, ARRAY_LEN(steps), events, NULL)

static void pages_are_followed_to_the_last(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "configmaps?limit=2 ", 200, NULL,
			LIST("5", "a/b", OBJECT("a", "1") "," OBJECT("b", "2")), false, false },
		{ "limit=2&continue=a%2Fb ", 200, NULL, LIST("5", "", OBJECT("c", "3")), false,
			true },
		{ "resourceVersion=5 ", 200, NULL, EVENT("ADDED", OBJECT("d", "6")), true, false },
	};

	expect_events(steps, "R +a +b +c S5 +d ");
}

static void events_in_pieces_arrive_whole(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, true },
		{ "watch=true", 200, NULL,
			EVENT("ADDED", OBJECT("a", "6")) EVENT("MODIFIED", OBJECT("a", "7"))
				EVENT("DELETED", OBJECT("a", "8")),
			true, true },
	};

	expect_events(steps, "R S5 +a +a -a ");
}

static void a_bookmark_moves_the_version(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
		{ "resourceVersion=5 ", 200, NULL, EVENT("BOOKMARK", OBJECT("", "50")), false,
			false },
		{ "resourceVersion=50 ", 200, NULL, EVENT("ADDED", OBJECT("a", "51")), true,
			false },
	};

	expect_events(steps, "R S5 +a ");
}

static void an_expired_version_lists_again(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", OBJECT("a", "1")), false, false },
		{ "resourceVersion=5 ", 200, NULL, GONE, false, false },
		{ "limit=2", 200, NULL, LIST("9", "", OBJECT("b", "8")), false, false },
		{ "resourceVersion=9 ", 410, NULL, "{\"message\":\"gone\"}", false, false },
		{ "limit=2", 200, NULL, LIST("10", "", ""), false, false },
	};

	expect_trouble(
		steps, ARRAY_LEN(steps), "R +a S5 R +b S9 R S10 ", "too old resource version");
}

static void an_expired_page_starts_the_list_over(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "t", OBJECT("a", "1")), false, false },
		{ "continue=t", 410, NULL, "{\"kind\":\"Status\",\"message\":\"expired\"}", false,
			false },
		{ "limit=2 ", 200, NULL, LIST("7", "", OBJECT("b", "1")), false, false },
	};

	expect_trouble(
		steps, ARRAY_LEN(steps), "R +a R +b S7 ", "410 from the API server: expired");
}

static void a_page_that_fails_is_asked_for_again(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "t", OBJECT("a", "1")), false, false },
		{ "continue=t", 503, NULL, "busy", false, false },
		{ "continue=t", 200, NULL, LIST("5", "", OBJECT("b", "1")), false, false },
	};

	expect_trouble(steps, ARRAY_LEN(steps), "R +a +b S5 ", "list configmaps: 503");
}

static void a_silent_stream_is_dead(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
		{ "watch=true", 200, NULL, "", true, false },
		{ "limit=2", 200, NULL, LIST("6", "", ""), false, false },
	};

	expect_trouble(steps, ARRAY_LEN(steps), "R S5 R S6 ", "silent");
}

static void a_silent_list_is_asked_for_again(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, "{\"items\":[" OBJECT("a", "1") ",", true, false },
		{ "limit=2", 200, NULL, LIST("6", "", OBJECT("a", "1")), false, false },
	};

	expect_trouble(steps, ARRAY_LEN(steps), "R +a +a S6 ", "list configmaps");
}

static void nonsense_in_a_stream_lists_again(void **state UNUSED)
{
	const char *const nonsense[] = {
		"hello\n", "[]\n", "5\n", "null\n", "{}\n", "{\"type\":\"ADDED\"}\n",
		"{\"type\":\"ADDED\",\"object\":7}\n", EVENT("ADDED", "{}"),
		EVENT("ADDED", "{\"metadata\":{\"resourceVersion\":\"\"}}"),
		EVENT("ADDED", "{\"metadata\":{\"resourceVersion\":5}}"), EVENT("ERROR", "{}"),
		EVENT("ERROR", "7"),
		/* the store was set back */ EVENT("BOOKMARK", OBJECT("a", "4")),
		EVENT("ADDED",
			OBJECT("a",
				"1234567890123456789012345678901234567890123456789012345678901234"))
	};

	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		const struct http_step steps[] = {
			{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
			{ "watch=true", 200, NULL, nonsense[i], true, false },
			{ "limit=2", 200, NULL, LIST("6", "", ""), false, false },
		};

		expect_trouble(steps, ARRAY_LEN(steps), "R S5 R S6 ", "watch configmaps");
	}
}

static void nonsense_instead_of_a_list_is_asked_for_again(void **state UNUSED)
{
	const char *const nonsense[] = { "", "hello", "[]", "{}", "null", "{\"items\":[1]}",
		"{\"items\":[", "{\"items\":[]}", "{\"metadata\":{},\"items\":[ , ",
		LIST("", "", ""), "{\"items\":[{\"a\":}]}",
		"{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]} x" };

	for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
		const struct http_step steps[] = {
			{ "limit=2", 200, NULL, nonsense[i], false, false },
			{ "limit=2", 200, NULL, LIST("6", "", ""), false, false },
		};

		expect_trouble(steps, ARRAY_LEN(steps), "R R S6 ", "list configmaps");
	}
}

static void a_null_list_is_empty(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, "{\"items\":null,\"metadata\":{\"resourceVersion\":\"3\"}}",
			false, false },
	};

	expect_events(steps, "R S3 ");
}

static void trouble_during_a_stream_goes_on_from_the_version(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
		{ "resourceVersion=5 ", 200, NULL, EVENT("ADDED", OBJECT("a", "7")), false, false },
		{ "resourceVersion=7 ", 429, NULL, "slow down", false, false },
		{ "resourceVersion=7 ", 403, NULL, "no", false, false },
		{ "resourceVersion=7 ", 200, NULL, EVENT("ADDED", OBJECT("b", "8")), true, false },
	};

	expect_trouble(steps, ARRAY_LEN(steps), "R S5 +a +b ", "watch configmaps: 429");
}

static void the_server_says_how_long_to_wait(void **state UNUSED)
{
	const struct clock_ops clock = clock_real();
	const struct http_step steps[] = {
		{ "limit=2", 429, "Retry-After: 1", "slow down", false, false },
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
	};
	int64_t begun_ms = clock.now_ms(clock.self);

	expect_trouble(steps, ARRAY_LEN(steps), "R S5 ", "429");
	assert_true(clock.now_ms(clock.self) - begun_ms >= 1000);
}

static void a_stream_cut_in_an_event_goes_on_before_it(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 200, NULL, LIST("5", "", ""), false, false },
		{ "resourceVersion=5 ", 200, "Content-Length: 1000",
			EVENT("ADDED", OBJECT("a", "6")) "{\"type\":\"ADDED\",\"obj", false,
			false },
		{ "resourceVersion=6 ", 200, NULL, EVENT("ADDED", OBJECT("b", "7")), true, false },
	};

	expect_trouble(steps, ARRAY_LEN(steps), "R S5 +a +b ", "watch configmaps");
}

static void a_kind_that_is_not_served_is_an_empty_list_until_it_is(void **state UNUSED)
{
	const struct http_step steps[] = {
		{ "limit=2", 404, NULL, "404 page not found", false, false },
		{ "limit=2", 404, NULL, "404 page not found", false, false },
		{ "limit=2", 200, NULL, LIST("5", "", OBJECT("a", "1")), false, false },
		{ "resourceVersion=5 ", 404, NULL, "404 page not found", false, false },
		{ "limit=2", 404, NULL, "404 page not found", false, false },
	};

	expect_trouble_of(true, steps, ARRAY_LEN(steps), "R S R S R +a S5 R S", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_followed_to_the_last),
		cmocka_unit_test(events_in_pieces_arrive_whole),
		cmocka_unit_test(a_bookmark_moves_the_version),
		cmocka_unit_test(an_expired_version_lists_again),
		cmocka_unit_test(an_expired_page_starts_the_list_over),
		cmocka_unit_test(a_page_that_fails_is_asked_for_again),
		cmocka_unit_test(a_silent_stream_is_dead),
		cmocka_unit_test(a_silent_list_is_asked_for_again),
		cmocka_unit_test(nonsense_in_a_stream_lists_again),
		cmocka_unit_test(nonsense_instead_of_a_list_is_asked_for_again),
		cmocka_unit_test(a_null_list_is_empty),
		cmocka_unit_test(trouble_during_a_stream_goes_on_from_the_version),
		cmocka_unit_test(the_server_says_how_long_to_wait),
		cmocka_unit_test(a_stream_cut_in_an_event_goes_on_before_it),
		cmocka_unit_test(a_kind_that_is_not_served_is_an_empty_list_until_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
