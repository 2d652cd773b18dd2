/* Who is looked at when: with a service that waits in the middle of every pass, as one does that
 * asks an API server. */
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/fiber.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/msg/wake.h"
#include "lib/plan/plan.h"
#include "lib/plan/world.h"
#include "lib/svc/batch.h"
#include "lib/svc/log.h"
#include "lib/svc/memo.h"
#include "lib/svc/runtime.h"
#include "lib/svc/service.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"

static char story[256];

static void note(const char *what, const struct world *w)
{
	size_t n = strlen(story);

	(void)snprintf(story + n, sizeof(story) - n, "%s%s ", what, w->root_ref.name);
}

static void no_wait(void *arg UNUSED, int timeout_ms UNUSED)
{
}

static void no_needs(const struct world *w UNUSED, struct needs *n UNUSED)
{
}

static bool wait_a_turn(struct world *w, struct err *err UNUSED)
{
	note("+", w);
	fiber_wait();
	assert_string_equal(log_context_get().key, ref_text(w->arena, w->root_ref));
	return true;
}

static bool decide(const struct world *w, struct plan *p, struct err *err)
{
	note("-", w);
	p->keep_status = true;
	return !str_eq(w->root_ref.name, "broken") || err_set(err, ERR_UNAVAILABLE, "no");
}

static const struct service several = {
	.name = "several",
	.about = "test",
	.needs = no_needs,
	.observe = wait_a_turn,
	.reconcile = decide,
	.passes = 3,
};

static const struct service one_by_one = {
	.name = "one-by-one",
	.about = "test",
	.needs = no_needs,
	.observe = wait_a_turn,
	.reconcile = decide,
};

struct fixture {
	struct arena *arena;
	struct memory memory;
	struct runtime rt;
	struct batch *batch;
	struct vec deliveries;
	char settled[256]; /* what became of the messages, in order */
};

static struct fixture *now; /* whose bus is settled */

static void settle(const char *how, const struct delivery *d)
{
	size_t n = strlen(now->settled);

	(void)snprintf(now->settled + n, sizeof(now->settled) - n, "%s %s; ", how, d->subject);
}

static bool ack(void *self UNUSED, const struct delivery *d, struct err *err UNUSED)
{
	settle("ack", d);
	return true;
}

static bool nak(
	void *self UNUSED, const struct delivery *d, int64_t ms UNUSED, struct err *e UNUSED)
{
	settle("nak", d);
	return true;
}

static bool term(void *self UNUSED, const struct delivery *d, struct err *err UNUSED)
{
	settle("term", d);
	return true;
}

static void start(struct fixture *f, const struct service *s)
{
	*f = (struct fixture){ .arena = arena_new() };
	now = f;
	story[0] = '\0';
	memory_init(&f->memory, f->arena);
	f->rt = (struct runtime){ .service = s,
		.kube = memory_kube(&f->memory),
		.bus = memory_bus(&f->memory),
		.clock = memory_clock(&f->memory),
		.system_ns = "wso2-system",
		.instance = "x" };
	f->rt.bus.ack = ack;
	f->rt.bus.nak = nak;
	f->rt.bus.term = term;
	f->batch = batch_new(&f->rt, (struct batch_wait){ no_wait, NULL }, NULL);
	log_open("test", LOG_ERROR);
}

static void end(struct fixture *f)
{
	batch_rest(f->batch);
	batch_free(f->batch);
	arena_free(f->arena);
}

static void comes(struct fixture *f, const char *subject, const char *name)
{
	struct delivery *d = arena_alloc(f->arena, sizeof(*d));
	struct wake wake = { .ref = { KIND_API, "shop", name }, .cause = "test" };

	*d = (struct delivery){ .subject = subject, .attempt = 1 };
	wake_encode(f->arena, &wake, &d->data, &d->n);
	vec_add(f->arena, &f->deliveries, d);
}

static void passes_over_different_objects_take_turns(void **state UNUSED)
{
	struct fixture f;

	start(&f, &several);
	comes(&f, "cr.a", "a");
	comes(&f, "cr.b", "b");
	comes(&f, "cr.c", "c");
	comes(&f, "cr.d", "d");
	batch_handle(f.batch, &f.deliveries);
	assert_string_equal(story, "+a +b +c -a -b -c +d -d ");
	assert_string_equal(f.settled, "ack cr.a; ack cr.b; ack cr.c; ack cr.d; ");
	assert_int_equal(f.rt.counts.passes_done, 4);
	end(&f);
}

static void a_service_that_says_nothing_looks_at_one_at_a_time(void **state UNUSED)
{
	struct fixture f;

	start(&f, &one_by_one);
	comes(&f, "cr.a", "a");
	comes(&f, "cr.b", "b");
	batch_handle(f.batch, &f.deliveries);
	assert_string_equal(story, "+a -a +b -b ");
	end(&f);
}

static void passes_over_the_same_object_do_not_overlap(void **state UNUSED)
{
	struct fixture f;

	start(&f, &several);
	comes(&f, "cr.a", "a");
	comes(&f, "build.result.a", "a");
	comes(&f, "cr.b", "b");
	batch_handle(f.batch, &f.deliveries);
	assert_string_equal(story, "+a +b -a +a -b -a ");
	end(&f);
}

static void of_two_messages_of_a_subject_the_newer_counts(void **state UNUSED)
{
	struct fixture f;

	start(&f, &several);
	comes(&f, "cr.a", "a");
	comes(&f, "cr.b", "b");
	comes(&f, "cr.a", "a");
	batch_handle(f.batch, &f.deliveries);
	assert_string_equal(story, "+b +a -b -a ");
	assert_string_equal(f.settled, "ack cr.a; ack cr.b; ack cr.a; ");
	end(&f);
}

static void a_failure_and_nonsense_do_not_stop_the_others(void **state UNUSED)
{
	struct fixture f;

	start(&f, &several);
	comes(&f, "cr.broken", "broken");
	comes(&f, "cr.nonsense", "n");
	((struct delivery *)f.deliveries.at[1])->n = 1;
	comes(&f, "cr.b", "b");
	batch_handle(f.batch, &f.deliveries);
	assert_string_equal(f.settled, "term cr.nonsense; nak cr.broken; ack cr.b; ");
	assert_int_equal(f.rt.counts.passes_failed, 1);
	end(&f);
}

/* ---- what several read ---- */

static unsigned int gets_of_the_shared;

static bool slow_get(void *self, struct arena *a, struct object *objects, size_t n, struct err *err)
{
	struct kube_ops at_once = memory_kube(self);

	for (size_t i = 0; i < n; i++)
		gets_of_the_shared += str_eq(objects[i].ref.name, "shared");
	fiber_wait();
	return at_once.get(self, a, objects, n, err);
}

static void need_the_shared(const struct world *w, struct needs *n)
{
	need_input(n, KIND_CONFIG_MAP, w->root_ref.ns, "shared");
}

static bool find_the_shared(const struct world *w, struct plan *p, struct err *err UNUSED)
{
	p->keep_status = true;
	note(world_get(w, KIND_CONFIG_MAP, "shop", "shared") ? "has " : "misses ", w);
	return true;
}

static const struct service readers = {
	.name = "readers",
	.about = "test",
	.needs = need_the_shared,
	.reconcile = find_the_shared,
	.passes = 3,
};

static void read_by_three(struct fixture *f)
{
	f->rt.memo = memo_new();
	f->rt.kube.get = slow_get;
	batch_free(f->batch);
	f->batch = batch_new(&f->rt, (struct batch_wait){ no_wait, NULL }, NULL);
	gets_of_the_shared = 0;
	comes(f, "cr.a", "a");
	comes(f, "cr.b", "b");
	comes(f, "cr.c", "c");
	batch_handle(f->batch, &f->deliveries);
	memo_free(f->rt.memo);
}

static void what_several_need_is_read_once(void **state UNUSED)
{
	struct fixture f;

	start(&f, &readers);
	memory_put(
		&f.memory, "{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'shared'}}");
	read_by_three(&f);
	assert_string_equal(story, "has a has b has c ");
	assert_int_equal(gets_of_the_shared, 1);
	end(&f);
}

static void who_waits_for_a_read_that_fails_reads_for_itself(void **state UNUSED)
{
	struct fixture f;

	start(&f, &readers);
	memory_put(
		&f.memory, "{'kind':'ConfigMap','metadata':{'namespace':'shop','name':'shared'}}");
	f.memory.fail_call = 4; /* after the three roots: the first one's read */
	read_by_three(&f);
	assert_string_equal(story, "has b has c ");
	assert_string_equal(f.settled, "nak cr.a; ack cr.b; ack cr.c; ");
	end(&f);
}

enum {
	STEPS = 6 /* each input names the next one */
};

static void need_step_by_step(const struct world *w, struct needs *n)
{
	const char *ns = w->root_ref.ns;

	for (int i = 0; i < STEPS; i++) {
		const char *name = arena_printf(n->arena, "step-%d", i);

		need_input(n, KIND_CONFIG_MAP, ns, name);
		if (!world_find(w, KIND_CONFIG_MAP, ns, name))
			return;
	}
}

static const struct service climbers = {
	.name = "climbers",
	.about = "test",
	.needs = need_step_by_step,
	.reconcile = find_the_shared,
	.passes = 3,
};

static void waiting_for_anothers_read_is_no_round_of_its_own(void **state UNUSED)
{
	struct fixture f;

	start(&f, &climbers);
	read_by_three(&f);
	assert_string_equal(f.settled, "ack cr.a; ack cr.b; ack cr.c; ");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_over_different_objects_take_turns),
		cmocka_unit_test(a_service_that_says_nothing_looks_at_one_at_a_time),
		cmocka_unit_test(passes_over_the_same_object_do_not_overlap),
		cmocka_unit_test(of_two_messages_of_a_subject_the_newer_counts),
		cmocka_unit_test(a_failure_and_nonsense_do_not_stop_the_others),
		cmocka_unit_test(what_several_need_is_read_once),
		cmocka_unit_test(who_waits_for_a_read_that_fails_reads_for_itself),
		cmocka_unit_test(waiting_for_anothers_read_is_no_round_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
