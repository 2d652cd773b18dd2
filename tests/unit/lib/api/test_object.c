#include "lib/api/object.h"
#include "lib/base/attr.h"
#include "tests/support/unit.h"

static void versions_are_compared_as_numbers_only(void **state UNUSED)
{
	assert_true(version_before("9", "10"));
	assert_true(version_before("10", "11"));
	assert_false(version_before("10", "10"));
	assert_false(version_before("11", "10"));
	assert_false(version_before("100", "99"));
	assert_false(version_before("", "1"));
	assert_false(version_before("1", ""));
	assert_false(version_before("a", "b"));
	assert_false(version_before("1a", "2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_compared_as_numbers_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
