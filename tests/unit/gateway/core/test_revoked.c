#include "gateway/core/revoked.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static const struct revoked *of(struct arena *a, const char *text)
{
	return revoked_read(a, text, strlen(text));
}

static void an_id_is_a_line_of_its_own(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct revoked *r = of(a, "b\r\n# a comment\n\n  a b \t\nb\nlonger-id");

	(void)state;
	assert_int_equal(revoked_count(r), 4);
	assert_true(revoked_has(r, "b"));
	assert_true(revoked_has(r, "a b"));
	assert_true(revoked_has(r, "longer-id"));
	assert_false(revoked_has(r, "a"));
	assert_false(revoked_has(r, "longer-i"));
	assert_false(revoked_has(r, "# a comment"));
	assert_false(revoked_has(r, "B"));
}

static void no_id_is_never_revoked(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_false(revoked_has(NULL, "a"));
	assert_false(revoked_has(of(a, ""), ""));
	assert_false(revoked_has(of(a, "\n\n"), ""));
	assert_int_equal(revoked_count(NULL), 0);
	assert_int_equal(revoked_count(of(a, "\n \n#")), 0);
}

static void many_ids_are_found(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	char *text = arena_alloc(a, 20000 * 8 + 1);
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		n += (size_t)snprintf(text + n, 9, "%07d\n", i * 7);
	for (int i = 0; i < 20000; i += 997) {
		char id[16];

		(void)snprintf(id, sizeof(id), "%07d", i * 7);
		assert_true(revoked_has(revoked_read(a, text, n), id));
		(void)snprintf(id, sizeof(id), "%07d", i * 7 + 1);
		assert_false(revoked_has(revoked_read(a, text, n), id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_a_line_of_its_own),
		cmocka_unit_test(no_id_is_never_revoked),
		cmocka_unit_test(many_ids_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
