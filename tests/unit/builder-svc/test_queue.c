#include "builder-svc/queue.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

static void waits(struct queue *q, const char *ns, const char *name, int64_t since)
{
	queue_add_waiting(q, (struct ref){ KIND_API, ns, name }, since);
}

/* "ns/name ns/name": who may begin. */
static const char *next(struct queue *q)
{
	struct vec found = queue_next(q);
	char *text = arena_dup(q->arena, "");

	vec_foreach (const struct ref *, r, &found)
		text = arena_printf(q->arena, "%s%s%s/%s", text, *text ? " " : "", r->ns, r->name);
	return text;
}

static void as_many_begin_as_there_are_places(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct queue q = { .arena = a, .places = 3 };

	queue_add_going(&q, "shop");
	waits(&q, "shop", "a", 10);
	waits(&q, "shop", "b", 20);
	waits(&q, "shop", "c", 30);
	assert_string_equal(next(&q), "shop/a shop/b");
	assert_string_equal(next(&q), "");
}

static void none_begins_when_more_are_going_than_allowed(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct queue q = { .arena = a, .places = 1 };

	queue_add_going(&q, "shop");
	queue_add_going(&q, "shop");
	waits(&q, "shop", "a", 10);
	assert_string_equal(next(&q), "");
}

static void fifty_of_one_namespace_do_not_keep_anothers_one_waiting(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct queue q = { .arena = a, .places = 4 };

	for (int i = 0; i < 3; i++)
		queue_add_going(&q, "many");
	for (int i = 0; i < 47; i++)
		waits(&q, "many", arena_printf(a, "a%02d", i), 10);
	waits(&q, "one", "late", 99);
	assert_string_equal(next(&q), "one/late");
}

static void namespaces_take_turns(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct queue q = { .arena = a, .places = 4 };

	waits(&q, "x", "1", 1);
	waits(&q, "x", "2", 2);
	waits(&q, "x", "3", 3);
	waits(&q, "y", "1", 4);
	waits(&q, "y", "2", 5);
	assert_string_equal(next(&q), "x/1 y/1 x/2 y/2");
}

static void who_waits_longest_goes_first_and_names_decide_the_rest(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct queue q = { .arena = a, .places = 4 };

	waits(&q, "x", "c", 9);
	waits(&q, "x", "b", 9);
	waits(&q, "x", "d", 1000);
	waits(&q, "x", "a", 0);
	assert_string_equal(next(&q), "x/a x/b x/c x/d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_begin_as_there_are_places),
		cmocka_unit_test(none_begins_when_more_are_going_than_allowed),
		cmocka_unit_test(fifty_of_one_namespace_do_not_keep_anothers_one_waiting),
		cmocka_unit_test(namespaces_take_turns),
		cmocka_unit_test(who_waits_longest_goes_first_and_names_decide_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
