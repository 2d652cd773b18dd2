#include "tests/support/bus.h"

#include <sys/wait.h>

#include "lib/base/err.h"
#include "lib/bus/link.h"
#include "lib/bus/topology.h"
#include "lib/json/json.h"
#include "tests/support/nats.h"
#include "tests/support/unit.h"

int64_t now_ms(void)
{
	return link_now_us() / 1000;
}

struct bus *open_as(const char *name, const char *consumer, const char *url)
{
	struct bus_options o = { .url = url, .name = name, .consumer = consumer };
	struct err err;
	struct bus *b = bus_new(&o, &err);

	if (!b)
		fail_msg("%s", err.msg);
	return b;
}

struct bus *connected(const char *name, const char *consumer)
{
	struct bus *b = open_as(name, consumer, nats_url());

	for (int64_t end = now_ms() + 5000; !bus_connected(b);)
		if (now_ms() > end)
			fail_msg("%s does not connect", name);
	return b;
}

void close_bus(struct bus **b)
{
	bus_free(*b);
}

void close_arena(struct arena **a)
{
	arena_free(*a);
}

const struct json *asks_api(struct bus *b, struct arena *a, const char *subject, const char *body)
{
	const struct json *answer = NULL;
	struct err err = { .msg = "" };
	int64_t code;

	if (!link_ask_api(b, a, subject, body ? body : "", &answer, &code, &err))
		return NULL;
	return answer;
}

int server_begin(void **state)
{
	MEMORY(a);
	struct bus *admin = connected("watcher", NULL);
	int64_t began = now_ms();
	struct err err;

	(void)asks_api(admin, a, "$JS.API.STREAM.DELETE.WORK", NULL);
	(void)asks_api(admin, a, "$JS.API.STREAM.DELETE.EVT", NULL);
	(void)asks_api(admin, a, "$JS.API.STREAM.DELETE.DLQ", NULL);
	/* The server may still be at deleting the old store. */
	while (!bus_ensure_topology(admin, 1, &err))
		if (now_ms() - began > 10000)
			fail_msg("%s", err.msg);
	*state = admin;
	return 0;
}

int server_end(void **state)
{
	bus_free(*state);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return 0;
}

void publishes(struct bus *b, const char *subject, const char *text, const char *id)
{
	struct bus_ops ops = bus_ops(b);
	struct bus_message m = { .subject = subject, .data = text, .n = strlen(text), .id = id };
	struct err err;

	if (!ops.publish(ops.self, &m, &err))
		fail_msg("%s", err.msg);
}

struct vec fetched(struct bus *b, struct arena *a, size_t max, int timeout_ms)
{
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };
	struct err err;

	if (!ops.fetch(ops.self, a, max, timeout_ms, &got, &err))
		fail_msg("%s", err.msg);
	return got;
}

const struct delivery *one(struct bus *b, struct arena *a, int timeout_ms)
{
	struct vec got = fetched(b, a, 1, timeout_ms);

	return got.n > 0 ? got.at[0] : NULL;
}

const struct delivery *expect(struct bus *b, struct arena *a, const char *text, int timeout_ms)
{
	const struct delivery *d = one(b, a, timeout_ms);

	if (!d)
		fail_msg("nothing came, %s was expected", text);
	else
		assert_string_equal(d->data, text);
	return d;
}

void acks(struct bus *b, const struct delivery *d)
{
	struct bus_ops ops = bus_ops(b);
	struct err err;

	if (!ops.ack(ops.self, d, &err))
		fail_msg("%s", err.msg);
}

void naks(struct bus *b, const struct delivery *d, int64_t delay_ms)
{
	struct bus_ops ops = bus_ops(b);
	struct err err;

	if (!ops.nak(ops.self, d, delay_ms, &err))
		fail_msg("%s", err.msg);
}

void set_consumer(struct bus *admin, const char *more)
{
	MEMORY(a);

	assert_non_null(asks_api(admin, a, "$JS.API.CONSUMER.CREATE.WORK.api-svc",
		arena_printf(a,
			"{\"stream_name\":\"WORK\",\"config\":{\"name\":\"api-svc\","
			"\"durable_name\":\"api-svc\",\"deliver_policy\":\"all\",\"ack_policy\":"
			"\"explicit\",\"max_ack_pending\":1000,\"filter_subjects\":[\"cr.api.>\","
			"\"build.result.>\"],%s}}",
			more)));
}

int64_t messages_in(struct bus *admin, const char *stream)
{
	MEMORY(a);
	const struct json *info =
		asks_api(admin, a, arena_printf(a, "$JS.API.STREAM.INFO.%s", stream), NULL);

	return json_get_int(json_get(info, "state"), "messages", -1);
}

void becomes(struct bus *admin, const char *stream, int64_t messages)
{
	for (int64_t deadline = now_ms() + 5000; messages_in(admin, stream) != messages;)
		if (now_ms() > deadline)
			fail_msg("%s holds %d messages", stream, (int)messages_in(admin, stream));
}
