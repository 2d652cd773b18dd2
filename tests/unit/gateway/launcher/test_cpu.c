#include <sys/stat.h>
#include <unistd.h>

#include "gateway/launcher/cpu.h"
#include "lib/base/arena.h"
#include "tests/support/unit.h"

static struct arena *a;
static char root[64];

static int set_up(void **state)
{
	(void)state;
	a = arena_new();
	(void)snprintf(root, sizeof(root), "/tmp/test-cpu-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "cpu.max", "cpu/cpu.cfs_quota_us",
		"cpu/cpu.cfs_period_us" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(arena_printf(a, "%s/%s", root, files[i]));
	(void)rmdir(arena_printf(a, "%s/cpu", root));
	arena_free(a);
	return rmdir(root);
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", root, name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void parts_of_a_processor_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(cpu_of_quota(50000, 100000), 1);
	assert_int_equal(cpu_of_quota(100000, 100000), 1);
	assert_int_equal(cpu_of_quota(100001, 100000), 2);
	assert_int_equal(cpu_of_quota(1, 1000000), 1);
}

static void no_quota_is_no_limit(void **state)
{
	(void)state;
	assert_int_equal(cpu_of_quota(-1, 100000), 0);
	assert_int_equal(cpu_of_quota(100000, 0), 0);
	assert_int_equal(cpu_parse_max("max 100000\n"), 0);
	assert_int_equal(cpu_parse_max(""), 0);
	assert_int_equal(cpu_parse_max("garbage"), 0);
}

static void version_2_is_read(void **state)
{
	(void)state;
	assert_int_equal(cpu_parse_max("250000 100000\n"), 3);
	put("cpu.max", "20000 100000\n");
	assert_int_equal(cpu_workers(root), 1);
}

static void version_1_is_read(void **state)
{
	(void)state;
	assert_int_equal(mkdir(arena_printf(a, "%s/cpu", root), 0700), 0);
	put("cpu/cpu.cfs_quota_us", "10000\n");
	put("cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(cpu_workers(root), 1);
}

static void there_is_always_a_worker_and_never_more_than_processors(void **state)
{
	long here = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	assert_in_range(cpu_workers(root), 1, here);
	put("cpu.max", "9900000 100000\n");
	assert_in_range(cpu_workers(root), 1, here);
	assert_in_range(cpu_workers("/nonexistent"), 1, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_processor_are_rounded_up),
		cmocka_unit_test(no_quota_is_no_limit),
		cmocka_unit_test_setup_teardown(version_2_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(version_1_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			there_is_always_a_worker_and_never_more_than_processors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
