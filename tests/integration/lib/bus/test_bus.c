/* What we rely on, pinned on the server that is deployed. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/bus/link.h"
#include "lib/bus/topology.h"
#include "lib/json/json.h"
#include "tests/support/bus.h"
#include "tests/support/unit.h"

/* ---- without a server ---- */

static void without_a_server_a_bus_opens_and_its_calls_fail_soon(void **state)
{
	MEMORY(a);
	AUTO(close_bus) struct bus *b = open_as("api-svc", "api-svc", "nats://127.0.0.1:9");
	struct bus_ops ops = bus_ops(b);
	struct bus_message m = { .subject = "cr.api.a.b", .data = "x", .n = 1 };
	struct vec got = { 0 };
	struct err err;
	int64_t began = now_ms();

	(void)state;
	assert_false(bus_connected(b));
	assert_int_equal(bus_session(b), 0);
	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	for (int i = 0; i < 5; i++)
		if (!ops.fetch(ops.self, a, 1, 1000, &got, &err))
			assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(got.n, 0);
	assert_in_range(now_ms() - began, 500, 3000); /* neither a hot loop nor stuck */
}

static void bad_options_are_refused(void **state)
{
	const struct bus_options bad[] = {
		{ .url = "", .name = "x" },
		{ .url = NULL, .name = "x" },
		{ .url = "nats://127.0.0.1", .name = NULL },
		{ .url = "nats://127.0.0.1", .name = "two words" },
		{ .url = "nats://127.0.0.1", .name = "a.b" },
		{ .url = "nats://127.0.0.1", .name = "x", .consumer = "*" },
		{ .url = "nats://127.0.0.1", .name = "x", .ca_file = "/nonexistent" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_null(bus_new(&bad[i], &err));
		assert_int_equal(err.code, ERR_INVALID);
	}
}

/* ---- topology ---- */

static void topology_can_be_ensured_again_and_puts_changes_right(void **state)
{
	MEMORY(a);
	struct bus *admin = *state;
	const struct json *info;
	struct err err;

	set_consumer(admin, "\"ack_wait\":1000000000");
	/* As it was before usage had a stream of its own. */
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.DELETE.USAGE", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.UPDATE.EVT",
		"{\"name\":\"EVT\",\"subjects\":[\"evt.>\"],\"max_msgs\":5}"));
	assert_true(bus_ensure_topology(admin, 1, &err));
	assert_true(bus_ensure_topology(admin, 1, &err));
	info = asks_api(admin, a, "$JS.API.CONSUMER.INFO.WORK.api-svc", NULL);
	assert_int_equal(json_get_int(json_get(info, "config"), "ack_wait", 0),
		INT64_C(1000000000) * BUS_ACK_WAIT_S);
	info = asks_api(admin, a, "$JS.API.STREAM.INFO.EVT", NULL);
	assert_int_equal(json_get_int(json_get(info, "config"), "max_msgs", 0), -1);
	assert_int_equal(json_get_int(json_get(info, "config"), "max_age", 0),
		INT64_C(7) * 86400 * 1000000000);
}

/* As a version may leave it that cuts the streams in another way. */
static void a_stream_that_has_anothers_subjects_lets_go_of_them(void **state)
{
	MEMORY(a);
	struct bus *admin = *state;
	const struct json *info;
	struct err err;

	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.UPDATE.EVT",
		"{\"name\":\"EVT\",\"subjects\":[\"evt.other.>\"]}"));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.UPDATE.USAGE",
		"{\"name\":\"USAGE\",\"subjects\":[\"evt.usage.>\",\"evt.api.>\"]}"));
	assert_true(bus_ensure_topology(admin, 1, &err));
	info = asks_api(admin, a, "$JS.API.STREAM.INFO.USAGE", NULL);
	assert_int_equal(json_len(json_path(info, "config", "subjects", NULL)), 1);
	info = asks_api(admin, a, "$JS.API.STREAM.INFO.EVT", NULL);
	assert_int_equal(json_len(json_path(info, "config", "subjects", NULL)), 4);
}

/* As a newer version may leave it. */
static void a_stream_of_another_name_that_has_our_subjects_is_named_and_wakes_go_on(void **state)
{
	MEMORY(a);
	struct bus *admin = *state;
	struct err err;

	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.DELETE.USAGE", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.CONSUMER.DELETE.WORK.api-svc", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.CREATE.CALLS",
		"{\"name\":\"CALLS\",\"subjects\":[\"evt.usage.shop.>\"]}"));
	assert_false(bus_ensure_topology(admin, 1, &err));
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_non_null(strstr(err.msg, "stream USAGE: stream \"CALLS\" has"));
	assert_non_null(strstr(err.msg, "nats stream rm CALLS"));
	assert_non_null(asks_api(admin, a, "$JS.API.CONSUMER.INFO.WORK.api-svc", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.DELETE.CALLS", NULL));
	assert_true(bus_ensure_topology(admin, 1, &err));
}

static void without_its_own_subjects_nobody_is_woken_and_that_is_said(void **state)
{
	MEMORY(a);
	struct bus *admin = *state;
	struct err err;

	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.DELETE.WORK", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.CREATE.JOBS",
		"{\"name\":\"JOBS\",\"subjects\":[\"job.>\"]}"));
	assert_false(bus_ensure_topology(admin, 1, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "stream WORK: stream \"JOBS\" has"));
	assert_non_null(asks_api(admin, a, "$JS.API.STREAM.DELETE.JOBS", NULL));
	assert_true(bus_ensure_topology(admin, 1, &err));
}

static void usage_pushes_no_other_event_out(void **state)
{
	struct bus_ops ops = bus_ops(*state);
	struct bus_message m = {
		.subject = "evt.build.started.shop.store", .data = "{}", .n = 2, .id = "kept"
	};
	int64_t events;
	struct err err;

	assert_true(ops.publish(ops.self, &m, &err));
	events = messages_in(*state, "EVT");
	m.subject = "evt.usage.shop.store";
	m.id = NULL;
	for (int i = 0; i < 20; i++)
		assert_true(ops.publish(ops.self, &m, &err));
	assert_int_equal(messages_in(*state, "USAGE"), 20);
	assert_int_equal(messages_in(*state, "EVT"), events);
}

static void a_consumer_that_cannot_be_updated_is_made_anew(void **state)
{
	MEMORY(a);
	struct bus *admin = *state;
	const struct json *info;
	struct err err;

	assert_non_null(asks_api(admin, a, "$JS.API.CONSUMER.DELETE.WORK.security-svc", NULL));
	assert_non_null(asks_api(admin, a, "$JS.API.CONSUMER.CREATE.WORK.security-svc",
		"{\"stream_name\":\"WORK\",\"config\":{\"name\":\"security-svc\",\"durable_name\":"
		"\"security-svc\",\"deliver_policy\":\"new\",\"ack_policy\":\"all\"}}"));
	if (!bus_ensure_topology(admin, 1, &err))
		fail_msg("%s", err.msg);
	info = asks_api(admin, a, "$JS.API.CONSUMER.INFO.WORK.security-svc", NULL);
	assert_string_equal(json_get_str(json_get(info, "config"), "deliver_policy"), "all");
	assert_string_equal(json_get_str(json_get(info, "config"), "ack_policy"), "explicit");
}

/* ---- fetch and ack ---- */

static void a_message_is_fetched_once_and_gone_when_acked(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	const struct delivery *d;

	publishes(*state, "cr.api.shop.store", "one", NULL);
	d = expect(b, a, "one", 1000);
	assert_string_equal(d->subject, "cr.api.shop.store");
	assert_int_equal(d->attempt, 1);
	acks(b, d);
	assert_null(one(b, a, 100));
}

static void one_consumer_reads_several_filters_and_nothing_else(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct vec got;

	publishes(*state, "cr.security.shop.jwt", "not ours", NULL);
	publishes(*state, "cr.api.shop.store", "one", NULL);
	publishes(*state, "build.request.shop.store", "not ours", NULL);
	publishes(*state, "build.result.shop.store", "two", NULL);
	got = fetched(b, a, 10, 1000);
	assert_int_equal(got.n, 2);
	assert_string_equal(((struct delivery *)got.at[0])->data, "one");
	assert_string_equal(((struct delivery *)got.at[1])->data, "two");
}

static void fetch_takes_no_more_than_it_was_asked_for(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");

	for (int i = 0; i < 5; i++)
		publishes(*state, arena_printf(a, "cr.api.shop.s%d", i), "x", NULL);
	assert_int_equal(fetched(b, a, 2, 1000).n, 2);
	assert_int_equal(fetched(b, a, 0, 1000).n, 0);
	assert_int_equal(fetched(b, a, 100, 1000).n, 3);
}

static void fetch_of_nothing_ends_in_time(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	int64_t began = now_ms();

	(void)state;
	assert_null(one(b, a, 300));
	assert_in_range(now_ms() - began, 290, 450);
	began = now_ms();
	assert_null(one(b, a, 0));
	assert_in_range(now_ms() - began, 0, 50);
}

/* The publisher is our own thread, so the fetch must already have been asked for when the message
 * arrives: publish from a child process. Here the round trip with the message waiting is measured
 * instead. */
static void a_waiting_message_is_fetched_in_less_than_a_millisecond(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	int64_t best_us = INT64_MAX;

	for (int i = 0; i < 50; i++) {
		const struct delivery *d;
		int64_t began;

		publishes(*state, "cr.api.shop.store", "x", NULL);
		began = link_now_us();
		d = one(b, a, 1000);
		if (link_now_us() - began < best_us)
			best_us = link_now_us() - began;
		assert_non_null(d);
		acks(b, d);
	}
	print_message("fetch of a waiting message: %d us at best\n", (int)best_us);
	assert_in_range(best_us, 0, 1000);
}

/* ---- one message per subject ---- */

static void a_newer_message_replaces_an_older_one_that_waits(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");

	publishes(*state, "cr.api.shop.store", "old", NULL);
	publishes(*state, "cr.api.shop.store", "new", NULL);
	(void)expect(b, a, "new", 1000);
	assert_null(one(b, a, 100));
}

static void a_message_replaced_in_flight_is_delivered_to_another_and_the_late_ack_is_harmless(
	void **state)
{
	MEMORY(a);
	BUS(first, "api-svc");
	BUS(second, "api-svc");
	const struct delivery *old, *new;

	publishes(*state, "cr.api.shop.store", "old", NULL);
	old = expect(first, a, "old", 1000);
	publishes(*state, "cr.api.shop.store", "new", NULL);
	new = expect(second, a, "new", 1000);
	acks(first, old);
	naks(second, new, 0);
	new = expect(second, a, "new", 1000);
	assert_int_equal(new->attempt, 2);
	acks(second, new);
	assert_null(one(first, a, 100));
}

static void the_late_nak_of_a_replaced_message_is_harmless(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	const struct delivery *old;

	publishes(*state, "cr.api.shop.store", "old", NULL);
	old = expect(b, a, "old", 1000);
	publishes(*state, "cr.api.shop.store", "new", NULL);
	naks(b, old, 0);
	acks(b, expect(b, a, "new", 1000));
	assert_null(one(b, a, 200));
}

/* ---- nak, working, term ---- */

static void a_message_handed_back_comes_again_after_the_delay(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	int64_t began;
	const struct delivery *d;

	publishes(*state, "cr.api.shop.store", "x", NULL);
	naks(b, expect(b, a, "x", 1000), 400);
	began = now_ms();
	d = expect(b, a, "x", 3000);
	assert_in_range(now_ms() - began, 350, 1000);
	assert_int_equal(d->attempt, 2);
}

static void a_newer_message_does_not_wait_for_the_delay_of_the_older(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	int64_t began;

	publishes(*state, "cr.api.shop.store", "old", NULL);
	naks(b, expect(b, a, "old", 1000), 60000);
	assert_null(one(b, a, 50));
	began = now_ms();
	publishes(*state, "cr.api.shop.store", "new", NULL);
	(void)expect(b, a, "new", 2000);
	assert_in_range(now_ms() - began, 0, 300);
}

static void a_delayed_message_does_not_hold_up_others(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");

	publishes(*state, "cr.api.shop.slow", "slow", NULL);
	naks(b, expect(b, a, "slow", 1000), 60000);
	publishes(*state, "cr.api.shop.fast", "fast", NULL);
	(void)expect(b, a, "fast", 1000);
}

static void an_unacknowledged_message_comes_again_unless_work_goes_on(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	const struct delivery *d;
	struct err err;
	int64_t began;

	set_consumer(*state, "\"ack_wait\":1000000000");
	publishes(*state, "cr.api.shop.store", "x", NULL);
	d = expect(b, a, "x", 1000);
	began = now_ms();
	assert_null(one(b, a, 700));
	assert_true(ops.working(ops.self, d, &err));
	assert_null(one(b, a, 700));
	d = expect(b, a, "x", 3000);
	assert_int_equal(d->attempt, 2);
	assert_in_range(now_ms() - began, 1600, 3500);
}

static void a_terminated_message_is_noted_and_never_comes_again(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	struct err err;

	publishes(*state, "cr.api.shop.store", "garbage", NULL);
	assert_true(ops.term(ops.self, expect(b, a, "garbage", 1000), &err));
	becomes(*state, "DLQ", 1);
	assert_null(one(b, a, 100));
}

static void after_max_deliver_only_a_newer_message_gets_through(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");

	set_consumer(*state, "\"ack_wait\":1000000000,\"max_deliver\":2");
	publishes(*state, "cr.api.shop.store", "old", NULL);
	naks(b, expect(b, a, "old", 1000), 0);
	naks(b, expect(b, a, "old", 1000), 0);
	assert_null(one(b, a, 300));
	becomes(*state, "DLQ", 1);
	publishes(*state, "cr.api.shop.store", "new", NULL);
	(void)expect(b, a, "new", 1000);
}

/* ---- publish ---- */

static void a_repeated_id_is_stored_once_and_another_id_again(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");

	publishes(*state, "cr.api.shop.store", "one", "uid/1");
	acks(b, expect(b, a, "one", 1000));
	publishes(*state, "cr.api.shop.store", "one again", "uid/1");
	assert_null(one(b, a, 100));
	publishes(*state, "cr.api.shop.store", "two", "uid/1/cause");
	acks(b, expect(b, a, "two", 1000));
	publishes(*state, "cr.api.shop.store", "one late", "uid/1"); /* also after replacement */
	assert_null(one(b, a, 100));
}

static void a_subject_of_no_stream_is_unavailable_at_once(void **state)
{
	struct bus_ops ops = bus_ops(*state);
	struct bus_message m = { .subject = "nobody.cares", .data = "x", .n = 1 };
	struct err err;
	int64_t began = now_ms();

	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_in_range(now_ms() - began, 0, 200);
}

static void too_large_a_message_is_a_limit(void **state)
{
	MEMORY(a);
	struct bus_ops ops = bus_ops(*state);
	struct bus_message m = { .subject = "cr.api.shop.store" };
	struct err err;

	m.n = BUS_MAX_MESSAGE + 1;
	m.data = arena_alloc(a, m.n);
	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	m.n = 2 * 1024 * 1024;
	m.data = arena_alloc(a, m.n);
	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_LIMIT);
}

static void text_that_would_break_the_protocol_is_our_bug(void **state)
{
	struct bus_ops ops = bus_ops(*state);
	struct bus_message m = { .subject = "cr.api.a b", .data = "x", .n = 1 };
	struct err err;

	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_BUG);
	m.subject = "";
	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_BUG);
	m.subject = "cr.api.a.b";
	m.id = "1\r\nevil: yes";
	assert_false(ops.publish(ops.self, &m, &err));
	assert_int_equal(err.code, ERR_BUG);
}

static void a_cloud_event_carries_its_attributes_in_headers(void **state)
{
	MEMORY(a);
	struct bus_ops ops = bus_ops(*state);
	struct bus_message m = { .subject = "evt.build.started.shop.store",
		.data = "{}",
		.n = 2,
		.id = "e1",
		.ce_type = "com.wso2.apim.build.started",
		.ce_source = "/apim.wso2.com/builder-svc",
		.ce_id = "e1",
		.ce_subject = "shop/store",
		.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
	const struct json *got;
	const char *headers;
	struct err err;
	size_t n;

	assert_true(ops.publish(ops.self, &m, &err));
	got = asks_api(*state, a, "$JS.API.STREAM.MSG.GET.EVT",
		"{\"last_by_subj\":\"evt.build.started.shop.store\"}");
	headers = json_str(json_path(got, "message", "hdrs", NULL));
	headers = base64_decode(a, headers, strlen(headers), &n);
	assert_non_null(strstr(headers, "ce-type: com.wso2.apim.build.started\r\n"));
	assert_non_null(strstr(headers, "ce-source: /apim.wso2.com/builder-svc\r\n"));
	assert_non_null(strstr(headers, "ce-id: e1\r\n"));
	assert_non_null(strstr(headers, "ce-subject: shop/store\r\n"));
	assert_non_null(strstr(headers, "ce-specversion: 1.0\r\n"));
	assert_non_null(strstr(headers, "content-type: application/json\r\n"));
	assert_non_null(strstr(headers, "traceparent: 00-0af7"));
}

/* ---- several replicas ---- */

static void replicas_share_the_messages(void **state)
{
	enum {
		MESSAGES = 200
	};
	MEMORY(a);
	BUS(first, "api-svc");
	BUS(second, "api-svc");
	size_t got[2] = { 0, 0 };

	for (int i = 0; i < MESSAGES; i++)
		publishes(*state, arena_printf(a, "cr.api.shop.s%d", i), "x", NULL);
	for (int turn = 0; got[0] + got[1] < MESSAGES && turn < MESSAGES; turn++) {
		struct bus *b = turn % 2 ? second : first;
		struct vec batch = fetched(b, a, 8, 200);

		vec_foreach (const struct delivery *, d, &batch)
			acks(b, d);
		got[turn % 2] += batch.n;
	}
	assert_int_equal(got[0] + got[1], MESSAGES);
	assert_true(got[0] > 0 && got[1] > 0);
	assert_null(one(first, a, 100));
}

static void backlog_counts_what_waits_and_what_is_in_hand(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	uint64_t pending, in_flight;
	struct err err;

	publishes(*state, "cr.api.shop.a", "x", NULL);
	publishes(*state, "cr.api.shop.b", "x", NULL);
	publishes(*state, "cr.api.shop.c", "x", NULL);
	(void)expect(b, a, "x", 1000);
	assert_true(bus_backlog(b, &pending, &in_flight, &err));
	assert_int_equal(pending, 2);
	assert_int_equal(in_flight, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_server_a_bus_opens_and_its_calls_fail_soon),
		cmocka_unit_test(bad_options_are_refused),
#define ON_A_SERVER(test) cmocka_unit_test_setup_teardown(test, server_begin, server_end)
		ON_A_SERVER(topology_can_be_ensured_again_and_puts_changes_right),
		ON_A_SERVER(a_stream_that_has_anothers_subjects_lets_go_of_them),
		ON_A_SERVER(
			a_stream_of_another_name_that_has_our_subjects_is_named_and_wakes_go_on),
		ON_A_SERVER(without_its_own_subjects_nobody_is_woken_and_that_is_said),
		ON_A_SERVER(usage_pushes_no_other_event_out),
		ON_A_SERVER(a_consumer_that_cannot_be_updated_is_made_anew),
		ON_A_SERVER(a_message_is_fetched_once_and_gone_when_acked),
		ON_A_SERVER(one_consumer_reads_several_filters_and_nothing_else),
		ON_A_SERVER(fetch_takes_no_more_than_it_was_asked_for),
		ON_A_SERVER(fetch_of_nothing_ends_in_time),
		ON_A_SERVER(a_waiting_message_is_fetched_in_less_than_a_millisecond),
		ON_A_SERVER(a_newer_message_replaces_an_older_one_that_waits),
		ON_A_SERVER(
			a_message_replaced_in_flight_is_delivered_to_another_and_the_late_ack_is_harmless),
		ON_A_SERVER(the_late_nak_of_a_replaced_message_is_harmless),
		ON_A_SERVER(a_message_handed_back_comes_again_after_the_delay),
		ON_A_SERVER(a_newer_message_does_not_wait_for_the_delay_of_the_older),
		ON_A_SERVER(a_delayed_message_does_not_hold_up_others),
		ON_A_SERVER(an_unacknowledged_message_comes_again_unless_work_goes_on),
		ON_A_SERVER(a_terminated_message_is_noted_and_never_comes_again),
		ON_A_SERVER(after_max_deliver_only_a_newer_message_gets_through),
		ON_A_SERVER(a_repeated_id_is_stored_once_and_another_id_again),
		ON_A_SERVER(a_subject_of_no_stream_is_unavailable_at_once),
		ON_A_SERVER(too_large_a_message_is_a_limit),
		ON_A_SERVER(text_that_would_break_the_protocol_is_our_bug),
		ON_A_SERVER(a_cloud_event_carries_its_attributes_in_headers),
		ON_A_SERVER(replicas_share_the_messages),
		ON_A_SERVER(backlog_counts_what_waits_and_what_is_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
