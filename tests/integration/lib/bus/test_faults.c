/* What becomes of a bus whose server dies, hangs or forgets. */
#include <pthread.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/bus/topology.h"
#include "tests/support/bus.h"
#include "tests/support/nats.h"
#include "tests/support/unit.h"

static void fetch_until(struct bus *b, struct arena *a, const char *text, int64_t within_ms)
{
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };
	struct err err;
	int64_t began = now_ms();

	while (got.n == 0 && now_ms() - began < within_ms)
		(void)!ops.fetch(ops.self, a, 1, 1000, &got, &err);
	if (got.n == 0)
		fail_msg("%s did not come within %d ms", text, (int)within_ms);
	assert_string_equal(((struct delivery *)got.at[0])->data, text);
	print_message("recovered in %d ms\n", (int)(now_ms() - began));
}

static void wait_connected(struct bus *b)
{
	for (int64_t deadline = now_ms() + 10000; !bus_connected(b);)
		if (now_ms() > deadline)
			fail_msg("no connection");
}

static void a_killed_server_loses_nothing_and_the_session_number_grows(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	unsigned int before = bus_session(b);

	assert_int_equal(before, 1);
	publishes(*state, "cr.api.shop.store", "kept", NULL);
	nats_restart();
	fetch_until(b, a, "kept", 3000);
	assert_true(bus_session(b) > before);
}

static void a_wiped_server_is_made_whole_and_the_consumer_goes_on(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };
	struct err err;

	publishes(*state, "cr.api.shop.store", "lost", NULL);
	nats_kill();
	nats_wipe();
	assert_false(ops.fetch(ops.self, a, 1, 5000, &got, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	nats_start();
	wait_connected(b);
	for (int i = 0; i < 3; i++)
		if (!ops.fetch(ops.self, a, 1, 5000, &got, &err))
			assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(got.n, 0);
	wait_connected(*state);
	assert_true(bus_ensure_topology(*state, 1, &err));
	publishes(*state, "cr.api.shop.store", "new life", NULL);
	fetch_until(b, a, "new life", 1000);
}

static void a_connection_lost_during_a_fetch_ends_it(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };
	struct err err;
	int64_t began = now_ms();

	(void)state;
	if (fork() == 0) {
		(void)nanosleep(&(struct timespec){ 0, 300000000 }, NULL);
		nats_kill();
		_exit(0);
	}
	assert_false(ops.fetch(ops.self, a, 1, 20000, &got, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_in_range(now_ms() - began, 250, 1500);
	nats_start();
}

/* On a connection that the main thread does not use meanwhile, while it waits in fetch. */
static void *delete_consumer(void *admin)
{
	MEMORY(a);

	(void)nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
	(void)asks_api(admin, a, "$JS.API.CONSUMER.DELETE.WORK.api-svc", NULL);
	return NULL;
}

static void a_consumer_deleted_during_a_fetch_ends_it_and_comes_back(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	struct vec got = { 0 };
	struct err err;
	int64_t began = now_ms();
	pthread_t other;

	assert_int_equal(pthread_create(&other, NULL, delete_consumer, *state), 0);
	assert_false(ops.fetch(ops.self, a, 1, 20000, &got, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_in_range(now_ms() - began, 0, 3000);
	assert_int_equal(pthread_join(other, NULL), 0);
	(void)!ops.fetch(ops.self, a, 1, 20000, &got, &err);
	(void)!ops.fetch(ops.self, a, 1, 20000, &got, &err);
	assert_int_equal(got.n, 0);
	assert_in_range(now_ms() - began, 0, 4000);
	assert_true(bus_ensure_topology(*state, 1, &err));
	publishes(*state, "cr.api.shop.store", "again", NULL);
	fetch_until(b, a, "again", 1000);
}

static void an_ack_for_a_consumer_that_is_gone_fails_soon(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	const struct delivery *d;
	struct err err;

	publishes(*state, "cr.api.shop.store", "x", NULL);
	d = expect(b, a, "x", 1000);
	assert_non_null(asks_api(*state, a, "$JS.API.STREAM.DELETE.WORK", NULL));
	assert_false(ops.ack(ops.self, d, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void a_hanging_server_is_a_timeout_and_then_a_new_session(void **state)
{
	MEMORY(a);
	BUS(b, "api-svc");
	struct bus_ops ops = bus_ops(b);
	struct bus_message m = { .subject = "cr.api.shop.store", .data = "x", .n = 1 };
	struct err err;
	int64_t began = now_ms();

	(void)state;
	nats_stop();
	assert_false(ops.publish(ops.self, &m, &err));
	assert_true(err.code == ERR_TIMEOUT || err.code == ERR_UNAVAILABLE);
	assert_in_range(now_ms() - began, 0, 5000);
	while (bus_connected(b))
		if (now_ms() - began > 15000)
			fail_msg("the connection to a hanging server was not given up");
	nats_continue();
	wait_connected(b);
	assert_true(bus_session(b) > 1);
	/* Whether the first one arrived nobody knows: who was told of a failure says it again. */
	began = now_ms();
	while (!ops.publish(ops.self, &m, &err))
		if (now_ms() - began > 15000)
			fail_msg("not told again: %s", err.msg);
	fetch_until(b, a, "x", 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON_A_SERVER(test) cmocka_unit_test_setup_teardown(test, server_begin, server_end)
		ON_A_SERVER(a_killed_server_loses_nothing_and_the_session_number_grows),
		ON_A_SERVER(a_wiped_server_is_made_whole_and_the_consumer_goes_on),
		ON_A_SERVER(a_connection_lost_during_a_fetch_ends_it),
		ON_A_SERVER(a_consumer_deleted_during_a_fetch_ends_it_and_comes_back),
		ON_A_SERVER(an_ack_for_a_consumer_that_is_gone_fails_soon),
		ON_A_SERVER(a_hanging_server_is_a_timeout_and_then_a_new_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
