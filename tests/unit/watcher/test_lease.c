#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/memory.h"
#include "tests/support/unit.h"
#include "watcher/lease.h"

struct scene {
	struct arena *arena;
	struct memory cluster;
	struct clock_ops clock;
	int64_t now_us;
	struct lease a;
	struct lease b;
};

static int64_t scene_us(void *self)
{
	return ((struct scene *)self)->now_us;
}

static int64_t scene_ms(void *self)
{
	return 1572256179007 + scene_us(self) / 1000;
}

static int begin(void **state)
{
	struct arena *a = arena_new();
	struct scene *s = arena_alloc(a, sizeof(*s));

	s->arena = a;
	memory_init(&s->cluster, a);
	s->clock = (struct clock_ops){ s, scene_ms, scene_us, NULL };
	lease_init(&s->a, memory_kube(&s->cluster), s->clock, "wso2-system", "pod-a");
	lease_init(&s->b, memory_kube(&s->cluster), s->clock, "wso2-system", "pod-b");
	*state = s;
	return 0;
}

static int end(void **state)
{
	arena_free(((struct scene *)*state)->arena);
	return 0;
}

static bool steps(struct scene *s, struct lease *l)
{
	struct err err;

	if (!lease_step(l, s->arena, &err))
		fail_msg("%s", err.msg);
	return lease_leads(l);
}

static const struct json *spec(struct scene *s)
{
	return json_get(memory_get(&s->cluster, KIND_LEASE, "wso2-system", "apim-watcher"), "spec");
}

static void seconds_pass(struct scene *s, int64_t n)
{
	s->now_us += n * 1000000;
}

#define SCENE struct scene *s = *state

static void the_first_creates_the_lease_and_leads(void **state)
{
	SCENE;

	assert_true(steps(s, &s->a));
	assert_string_equal(json_get_str(spec(s), "holderIdentity"), "pod-a");
	assert_int_equal(json_get_int(spec(s), "leaseDurationSeconds", 0), 15);
	assert_string_equal(json_get_str(spec(s), "renewTime"), "2019-10-28T09:49:39.007000Z");
	assert_false(steps(s, &s->b));
}

static void nothing_is_asked_before_it_is_due(void **state)
{
	SCENE;
	unsigned int calls;

	(void)steps(s, &s->a);
	calls = s->cluster.calls;
	seconds_pass(s, LEASE_RENEW_S - 1);
	assert_true(steps(s, &s->a));
	assert_int_equal(s->cluster.calls, calls);
	seconds_pass(s, 1);
	assert_true(steps(s, &s->a));
	assert_true(s->cluster.calls > calls);
}

static void a_renewed_lease_is_not_taken(void **state)
{
	SCENE;

	(void)steps(s, &s->a);
	for (int i = 0; i < 60; i++) {
		seconds_pass(s, 1);
		assert_true(steps(s, &s->a));
		assert_false(steps(s, &s->b));
	}
}

static void a_lease_that_is_not_renewed_is_taken_after_its_time(void **state)
{
	SCENE;
	int waited = 0;

	(void)steps(s, &s->a);
	while (!steps(s, &s->b)) {
		seconds_pass(s, 1);
		waited++;
	}
	assert_in_range(waited, LEASE_DURATION_S, LEASE_DURATION_S + LEASE_LOOK_S);
	assert_string_equal(json_get_str(spec(s), "holderIdentity"), "pod-b");
	assert_int_equal(json_get_int(spec(s), "leaseTransitions", 0), 1);
	/* The one that slept through it finds out. */
	assert_false(steps(s, &s->a));
}

static void a_lease_given_back_is_taken_at_the_next_look(void **state)
{
	SCENE;

	(void)steps(s, &s->a);
	(void)steps(s, &s->b);
	lease_release(&s->a, s->arena);
	assert_false(lease_leads(&s->a));
	seconds_pass(s, LEASE_LOOK_S);
	assert_true(steps(s, &s->b));
}

static void a_lease_that_is_not_ours_is_not_given_back(void **state)
{
	SCENE;

	(void)steps(s, &s->a);
	(void)steps(s, &s->b);
	lease_release(&s->b, s->arena);
	assert_string_equal(json_get_str(spec(s), "holderIdentity"), "pod-a");
}

static void the_same_pod_goes_on_after_a_restart(void **state)
{
	SCENE;
	struct lease again;

	(void)steps(s, &s->a);
	lease_init(&again, memory_kube(&s->cluster), s->clock, "wso2-system", "pod-a");
	assert_true(steps(s, &again));
	assert_int_equal(json_get_int(spec(s), "leaseTransitions", 9), 0);
}

static void a_deleted_lease_is_made_again(void **state)
{
	SCENE;

	(void)steps(s, &s->a);
	memory_delete(&s->cluster, KIND_LEASE, "wso2-system", "apim-watcher");
	seconds_pass(s, LEASE_RENEW_S);
	(void)steps(s, &s->a);
	assert_true(steps(s, &s->a));
}

static void who_cannot_renew_stops_leading_in_time(void **state)
{
	SCENE;
	struct err err;
	int led = 0;

	(void)steps(s, &s->a);
	for (; lease_leads(&s->a) && led < 100; led++) {
		seconds_pass(s, 1);
		s->cluster.fail_call = s->cluster.calls + 1;
		if (!lease_step(&s->a, s->arena, &err))
			assert_int_equal(err.code, ERR_UNAVAILABLE);
	}
	assert_in_range(led, LEASE_DEADLINE_S, LEASE_DURATION_S - 1);
	s->cluster.fail_call = 0;
	seconds_pass(s, LEASE_LOOK_S);
	assert_true(steps(s, &s->a));
}

static void one_failed_renewal_does_not_matter(void **state)
{
	SCENE;
	struct err err;

	(void)steps(s, &s->a);
	seconds_pass(s, LEASE_RENEW_S);
	s->cluster.fail_call = s->cluster.calls + 1;
	assert_false(lease_step(&s->a, s->arena, &err));
	assert_true(lease_leads(&s->a));
	seconds_pass(s, LEASE_RETRY_S);
	assert_true(steps(s, &s->a));
}

int main(void)
{
#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		IN_A_SCENE(the_first_creates_the_lease_and_leads),
		IN_A_SCENE(nothing_is_asked_before_it_is_due),
		IN_A_SCENE(a_renewed_lease_is_not_taken),
		IN_A_SCENE(a_lease_that_is_not_renewed_is_taken_after_its_time),
		IN_A_SCENE(a_lease_given_back_is_taken_at_the_next_look),
		IN_A_SCENE(a_lease_that_is_not_ours_is_not_given_back),
		IN_A_SCENE(the_same_pod_goes_on_after_a_restart),
		IN_A_SCENE(a_deleted_lease_is_made_again),
		IN_A_SCENE(who_cannot_renew_stops_leading_in_time),
		IN_A_SCENE(one_failed_renewal_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
