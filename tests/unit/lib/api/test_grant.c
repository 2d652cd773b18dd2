#include "lib/api/grant.h"
#include "lib/base/arena.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

static const struct ref store = { KIND_API, "shop", "store" };
static const struct ref products = { KIND_TARGET_ENDPOINT, "backends", "products" };

/* One grant with these entries. */
static bool permits(const char *from, const char *to)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct json *grants = json_format(a, "{'items':[{'spec':{'from':%j,'to':%j}}]}",
		json_format(a, from), json_format(a, to));

	return grants_permit(grants, store, products);
}

#define FROM "[{'group':'wso2.com','kind':'API','namespace':'shop'}]"
#define TO "[{'group':'wso2.com','kind':'TargetEndpoint'}]"

static void a_grant_names_who_may_and_what(void **state UNUSED)
{
	assert_true(permits(FROM, TO));
	assert_true(
		permits(FROM, "[{'group':'wso2.com','kind':'TargetEndpoint','name':'products'}]"));
	assert_true(permits(
		"[{'group':'','kind':'Secret','namespace':'shop'},{'group':'wso2.com','kind':'API','namespace':'shop'}]",
		TO));
}

static void everything_else_is_not_permitted(void **state UNUSED)
{
	assert_false(grants_permit(NULL, store, products));
	assert_false(permits("[]", TO));
	assert_false(permits(FROM, "[]"));
	assert_false(permits("[{'group':'wso2.com','kind':'API','namespace':'other'}]", TO));
	assert_false(permits("[{'group':'wso2.com','kind':'API'}]", TO));
	assert_false(permits("[{'group':'wso2.com','kind':'Security','namespace':'shop'}]", TO));
	assert_false(permits("[{'group':'','kind':'API','namespace':'shop'}]", TO));
	assert_false(permits(FROM, "[{'group':'','kind':'Service'}]"));
	assert_false(
		permits(FROM, "[{'group':'wso2.com','kind':'TargetEndpoint','name':'others'}]"));
	assert_false(permits("{}", "7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_names_who_may_and_what),
		cmocka_unit_test(everything_else_is_not_permitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
