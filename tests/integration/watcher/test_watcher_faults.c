/* The watcher when it, the bus or both were away. */
#include <signal.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/json/json.h"
#include "tests/support/nats.h"
#include "tests/support/unit.h"
#include "tests/support/watched.h"
#include "watcher/watch.h"

static void a_restart_with_nothing_changed_says_nothing(void **state)
{
	struct watched *s = *state;
	const struct json *doc = watched_put_config_map(s, "doc", 0);
	const struct json *live = watched_put_deployment(s, "settled", "i");

	watched_put_api(s, "settled", 1);
	(void)watched_expect(s, "cr.api.default.settled");
	watched_put_status(s, "settled", 1, true,
		watched_list(s, watched_input(s, "ConfigMap", "doc", doc)),
		watched_list(s, watched_child(s, KIND_DEPLOYMENT, live)));
	watched_is_quiet(s);
	watched_end(s, 0, SIGTERM);
	watched_start(s, 0);
	assert_int_equal(watched_wait(s), 0);
	watched_is_quiet(s);
	watched_end(s, 0, SIGKILL);
	watched_put_config_map(s, "doc", 7); /* while nobody looks */
	watched_start(s, 0);
	(void)watched_expect(s, "cr.api.default.settled");
	watched_remove(s, KIND_DEPLOYMENT, "settled");
	(void)watched_expect(s, "cr.api.default.settled");
}

static void a_standby_takes_over_what_was_not_told(void **state)
{
	struct watched *s = *state;
	int64_t began;

	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put_status(s, "store", 1, true, NULL, NULL);
	watched_start(s, 1);
	watched_is_quiet(s);
	watched_end(s, 0, SIGTERM);
	began = watched_now_ms();
	watched_put_api(s, "store", 2);
	(void)watched_expect(s, "cr.api.default.store");
	print_message("taken over in %d ms\n", (int)(watched_now_ms() - began));
	assert_in_range(watched_now_ms() - began, 0, 4000);
	watched_is_quiet(s);
}

static void a_wiped_bus_is_made_whole_and_the_unsettled_are_woken_again(void **state)
{
	struct watched *s = *state;
	int64_t began, deadline;
	const char *subject;
	struct wake w;

	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	watched_put_api(s, "settled", 1);
	(void)watched_expect(s, "cr.api.default.settled");
	watched_put_status(s, "settled", 1, true, NULL, NULL);
	watched_is_quiet(s);
	nats_kill();
	nats_wipe();
	nats_start();
	/* Our own ears have to be connected again before we can hear; the stream keeps it for us.
	 */
	began = watched_now_ms();
	for (deadline = began + WATCHED_SOON_MS; watched_now_ms() < deadline;) {
		AUTO(arena_auto) struct arena *a = arena_new();
		const struct json *answer;
		struct err err;
		int64_t code;

		if (link_ask_api(s->bus, a, "$JS.API.STREAM.MSG.GET.WORK",
			    "{\"last_by_subj\":\"cr.api.default.store\"}", &answer, &code, &err))
			break;
		link_pause(link_now_us() + 20000);
	}
	if (watched_now_ms() >= deadline)
		fail_msg("the unsettled API was not woken again");
	print_message("woken again %d ms after the wiped bus was back\n",
		(int)(watched_now_ms() - began));
	while (watched_hear(s, watched_now_ms() + WATCHED_QUIET_MS, &w, &subject))
		assert_string_equal(subject, "cr.api.default.store");
}

static void asks_api(struct watched *s, const char *subject, const char *question)
{
	const struct json *answer;
	struct err err;
	int64_t code;

	if (!link_ask_api(s->bus, s->arena, subject, question, &answer, &code, &err))
		fail_msg("%s", err.msg);
}

/* It has what one of ours should have: that is told, and stops no wake. */
static void a_stream_of_another_version_keeps_nobody_from_being_woken(void **state)
{
	struct watched *s = *state;

	watched_end(s, 0, SIGTERM);
	asks_api(s, "$JS.API.STREAM.DELETE.USAGE", "");
	asks_api(s, "$JS.API.STREAM.CREATE.CALLS",
		"{\"name\":\"CALLS\",\"subjects\":[\"evt.usage.>\"]}");
	watched_start(s, 0);
	(void)watched_wait(s);
	watched_put_api(s, "store", 1);
	(void)watched_expect(s, "cr.api.default.store");
	asks_api(s, "$JS.API.STREAM.DELETE.CALLS", "");
}

static void what_happens_while_the_bus_is_away_is_told_when_it_is_back(void **state)
{
	struct watched *s = *state;
	const char *subject = "";
	struct wake w;

	nats_kill();
	watched_put_api(s, "store", 1);
	watched_put_api(s, "short-lived", 1);
	watched_remove(s, KIND_API, "short-lived");
	nats_start();
	for (int64_t deadline = watched_now_ms() + 20000; !str_eq(subject, "cr.api.default.store");)
		if (!watched_hear(s, watched_now_ms() + 500, &w, &subject)) {
			/* It may have been told before our own ears were connected again: settle
			 * nothing, and let a comparison tell it again. */
			nats_restart();
			if (watched_now_ms() > deadline)
				fail_msg("what happened meanwhile was lost");
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WATCHED(a_restart_with_nothing_changed_says_nothing),
		WATCHED(a_standby_takes_over_what_was_not_told),
		WATCHED(a_wiped_bus_is_made_whole_and_the_unsettled_are_woken_again),
		WATCHED(a_stream_of_another_version_keeps_nobody_from_being_woken),
		WATCHED(what_happens_while_the_bus_is_away_is_told_when_it_is_back),
	};

	if (argc > 1)
		return watcher_main(1, argv);
	return cmocka_run_group_tests(tests, watched_set_up, watched_tear_down);
}
