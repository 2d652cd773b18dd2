#include "gateway/core/usage.h"
#include "lib/base/attr.h"
#include "tests/support/unit.h"

static char datagram[USAGE_MAX_DATAGRAM];

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct usage an_answer(const char *operation, uint16_t status)
{
	return (struct usage){ .api = span("Store"),
		.version = span("v1"),
		.operation = span(operation),
		.application = span("app"),
		.status = status,
		.ms = 12,
		.backend_ms = 7,
		.sandbox = true };
}

static void is_text(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.at, text, s.n);
}

static void what_was_written_is_read(void **state UNUSED)
{
	struct usage first = an_answer("list", 200), second = an_answer("", 401), got;
	size_t n = usage_begin(3, datagram);
	struct usage_reader r;

	n = usage_write(&first, datagram, n);
	n = usage_write(&second, datagram, n);
	assert_true(usage_read(&r, datagram, n));
	assert_int_equal(r.lost, 3);
	assert_true(usage_next(&r, &got));
	is_text(got.api, "Store");
	is_text(got.version, "v1");
	is_text(got.operation, "list");
	is_text(got.application, "app");
	assert_int_equal(got.status, 200);
	assert_int_equal(got.ms, 12);
	assert_int_equal(got.backend_ms, 7);
	assert_true(got.sandbox);
	assert_true(usage_next(&r, &got));
	is_text(got.operation, "");
	assert_int_equal(got.status, 401);
	assert_false(usage_next(&r, &got));
}

static void a_long_text_is_cut_between_two_characters(void **state UNUSED)
{
	struct usage u = an_answer("x", 200), got;
	char name[USAGE_MAX_TEXT + 10];
	struct usage_reader r;
	size_t n;

	memset(name, 'x', sizeof(name));
	memcpy(name + USAGE_MAX_TEXT - 1, "\xc3\xa9", 2);
	u.application = (struct span){ name, sizeof(name) };
	n = usage_write(&u, datagram, usage_begin(0, datagram));
	assert_true(usage_read(&r, datagram, n));
	assert_true(usage_next(&r, &got));
	assert_int_equal(got.application.n, USAGE_MAX_TEXT - 1);
}

static void what_does_not_fit_is_not_written(void **state UNUSED)
{
	struct usage u = an_answer("list", 200), got;
	size_t n = usage_begin(0, datagram), next, written = 0, seen = 0;
	struct usage_reader r;

	while ((next = usage_write(&u, datagram, n)) > n) {
		n = next;
		written++;
	}
	assert_true(n <= USAGE_MAX_DATAGRAM);
	assert_true(written > 300);
	assert_true(usage_read(&r, datagram, n));
	while (usage_next(&r, &got))
		seen++;
	assert_int_equal(seen, written);
}

static void what_is_no_datagram_of_ours_is_refused(void **state UNUSED)
{
	struct usage u = an_answer("list", 200), got;
	size_t n = usage_write(&u, datagram, usage_begin(0, datagram));
	struct usage_reader r;

	assert_false(usage_read(&r, "", 0));
	assert_false(usage_read(&r, "12345678", 8));
	for (size_t less = n - 1; less >= usage_begin(0, datagram); less--) {
		assert_true(usage_read(&r, datagram, less));
		assert_false(usage_next(&r, &got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(a_long_text_is_cut_between_two_characters),
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(what_is_no_datagram_of_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
