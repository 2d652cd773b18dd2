/* With a service that waits for a build, as builder-svc does. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/bus/ops.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"
#include "lib/svc/later.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

static int64_t wants_again_ms;
static bool fails;

static void no_needs(const struct world *w UNUSED, struct needs *n UNUSED)
{
}

static bool decide(const struct world *w UNUSED, struct plan *p, struct err *err)
{
	p->keep_status = true;
	plan_requeue(p, wants_again_ms);
	return !fails || err_set(err, ERR_UNAVAILABLE, "not now");
}

static const struct service patient = {
	.name = "patient",
	.about = "test",
	.needs = no_needs,
	.reconcile = decide,
	.settles = true,
};

struct fixture {
	struct arena *arena;
	struct memory memory;
	struct runtime rt;
};

static void start(struct fixture *f)
{
	*f = (struct fixture){ .arena = arena_new() };
	memory_init(&f->memory, f->arena);
	f->rt = (struct runtime){ .service = &patient,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.memo = memo_new(),
		.later = later_new() };
	fails = false;
	log_open("test", LOG_ERROR);
	memory_put(&f->memory, "{'kind':'API','metadata':{'namespace':'shop','name':'store'}}");
	memory_put(&f->memory, "{'kind':'API','metadata':{'namespace':'shop','name':'other'}}");
}

static void end(struct fixture *f)
{
	memo_free(f->rt.memo);
	later_free(f->rt.later);
	arena_free(f->arena);
}

static struct outcome comes_about(
	struct fixture *f, const char *api, const char *id, unsigned int attempt, int64_t again_ms)
{
	struct wake wake = { .ref = { KIND_API, "shop", api }, .cause = "test" };
	struct delivery d = { .id = id, .attempt = attempt };

	wants_again_ms = again_ms;
	f->rt.in_hand = &d;
	return runtime_pass(&f->rt, f->arena, &wake, attempt);
}

static struct outcome comes(
	struct fixture *f, const char *id, unsigned int attempt, int64_t again_ms)
{
	return comes_about(f, "store", id, attempt, again_ms);
}

static void once_all_is_done_a_message_that_comes_back_is_not_looked_at(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	assert_true(comes(&f, "1/t", 1, 30000).again);
	assert_false(comes(&f, "2/t", 1, 0).again);
	f.memory.reads = 0;
	assert_false(comes(&f, "1/t", 2, 30000).again);
	assert_int_equal(f.memory.reads, 0);
	assert_int_equal(f.rt.counts.settled, 1);
	/* Once: should it ever come again, somebody else had it in hand. */
	assert_true(comes(&f, "1/t", 3, 30000).again);
	end(&f);
}

static void while_something_is_left_it_is_looked_at(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	assert_true(comes(&f, "1/t", 1, 30000).again);
	assert_true(comes(&f, "2/t", 1, 30000).again);
	assert_true(comes(&f, "1/t", 2, 30000).again);
	end(&f);
}

static void what_is_done_about_another_object_settles_nothing(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	assert_true(comes(&f, "1/t", 1, 30000).again);
	assert_false(comes_about(&f, "other", "2/t", 1, 0).again);
	assert_true(comes(&f, "1/t", 2, 30000).again);
	end(&f);
}

static void a_failure_is_always_looked_at_again(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	fails = true;
	assert_true(comes(&f, "1/t", 1, 0).again);
	fails = false;
	assert_false(comes(&f, "2/t", 1, 0).again);
	f.memory.reads = 0;
	assert_false(comes(&f, "1/t", 2, 0).again);
	assert_true(f.memory.reads > 0);
	end(&f);
}

static void a_message_of_another_process_is_looked_at(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	assert_false(comes(&f, "1/t", 1, 0).again);
	assert_true(comes(&f, "2/t", 2, 30000).again);
	/* The same number in a stream that was made anew. */
	assert_false(comes(&f, "3/t", 1, 0).again);
	assert_true(comes(&f, "2/u", 2, 30000).again);
	end(&f);
}

static void only_so_many_are_remembered(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct ref store = { KIND_API, "shop", "store" };
	struct later *l = later_new();

	later_add(l, a, "first", store);
	for (int i = 0; i < LATER_MAX; i++)
		later_add(l, a, arena_printf(a, "%d", i), store);
	later_settle(l, a, store);
	assert_false(later_is_settled(l, "first"));
	assert_true(later_is_settled(l, "0"));
	later_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_all_is_done_a_message_that_comes_back_is_not_looked_at),
		cmocka_unit_test(while_something_is_left_it_is_looked_at),
		cmocka_unit_test(what_is_done_about_another_object_settles_nothing),
		cmocka_unit_test(a_failure_is_always_looked_at_again),
		cmocka_unit_test(a_message_of_another_process_is_looked_at),
		cmocka_unit_test(only_so_many_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
