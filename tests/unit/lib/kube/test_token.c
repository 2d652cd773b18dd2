#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/attr.h"
#include "lib/kube/config.h"
#include "lib/kube/token.h"
#include "tests/support/unit.h"

enum {
	SECOND_US = 1000 * 1000
};

static char path[64];

static int setup(void **state UNUSED)
{
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/test-token.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state UNUSED)
{
	unlink(path);
	return 0;
}

/* As kubelet does: a new file takes the place of the old one. */
static void renew(const char *text)
{
	char new[80];
	FILE *out;

	(void)snprintf(new, sizeof(new), "%s.new", path);
	out = fopen(new, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(new, path), 0);
}

static void no_token_is_no_token(void **state UNUSED)
{
	const struct kube_config none = { 0 };
	struct token t;

	token_init(&t, &none);
	assert_null(token_get(&t, 0));
	assert_false(token_refused(&t, 0));
	token_free(&t);
}

static void a_fixed_token_stays(void **state UNUSED)
{
	const struct kube_config fixed = { .token = "abc" };
	struct token t;

	token_init(&t, &fixed);
	assert_string_equal(token_get(&t, 0), "abc");
	assert_false(token_refused(&t, 0));
	token_free(&t);
}

static void a_file_is_read_again_when_it_changes(void **state UNUSED)
{
	const struct kube_config c = { .token_file = path };
	struct token t;

	renew("one\n");
	token_init(&t, &c);
	assert_string_equal(token_get(&t, 0), "one");
	renew("two\n");
	assert_string_equal(token_get(&t, 1), "two");
	unlink(path);
	assert_string_equal(token_get(&t, 100LL * SECOND_US), "two");
	token_free(&t);
}

static void a_refused_token_is_worth_a_retry_if_the_file_has_another(void **state UNUSED)
{
	const struct kube_config c = { .token_file = path };
	struct token t;

	renew("one");
	token_init(&t, &c);
	assert_string_equal(token_get(&t, 0), "one");
	assert_false(token_refused(&t, 1));
	renew("two");
	assert_true(token_refused(&t, 1));
	assert_string_equal(token_get(&t, 1), "two");
	token_free(&t);
}

static void a_token_that_would_break_a_header_is_not_used(void **state UNUSED)
{
	const struct kube_config c = { .token_file = path };
	const char *const wrong[] = { "", "\n", "a b", "a\r\nX: y", "\xff", "a\nb" };
	struct token t;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		renew(wrong[i]);
		token_init(&t, &c);
		assert_null(token_get(&t, 0));
		token_free(&t);
	}
}

#define a_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		a_test(no_token_is_no_token),
		a_test(a_fixed_token_stays),
		a_test(a_file_is_read_again_when_it_changes),
		a_test(a_refused_token_is_worth_a_retry_if_the_file_has_another),
		a_test(a_token_that_would_break_a_header_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
