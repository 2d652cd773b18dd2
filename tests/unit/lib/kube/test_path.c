#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/kube/path.h"
#include "tests/support/unit.h"

static const char *of(
	struct arena *a, enum kind kind, const char *ns, const char *name, const char *sub)
{
	const struct ref r = { kind, ns, name };
	const char *path = NULL;
	struct err err;

	return path_object(a, r, sub, &path, &err) ? path : NULL;
}

static void the_core_group_has_its_own_root(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(of(a, KIND_SECRET, "ns", "x", NULL), "/api/v1/namespaces/ns/secrets/x");
	assert_string_equal(of(a, KIND_API, "ns", "x", "status"),
		"/apis/wso2.com/v1alpha1/namespaces/ns/apis/x/status");
	assert_string_equal(
		of(a, KIND_JOB, "ns", "x", NULL), "/apis/batch/v1/namespaces/ns/jobs/x");
}

static void names_are_percent_encoded(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(of(a, KIND_SECRET, "n s", "a?b#c&d=e.f", NULL),
		"/api/v1/namespaces/n%20s/secrets/a%3Fb%23c%26d%3De.f");
	assert_string_equal(of(a, KIND_SECRET, "ns", "\xc3\xa4\n", NULL),
		"/api/v1/namespaces/ns/secrets/%C3%A4%0A");
}

static void what_no_object_can_be_called_is_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *const impossible[] = { NULL, "", ".", "..", "a/b", "/", "%", "%2e%2e", "../x" };
	char *longest = arena_alloc(a, 254 + 1);

	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		assert_null(of(a, KIND_SECRET, "ns", impossible[i], NULL));
		assert_null(of(a, KIND_SECRET, impossible[i], "x", NULL));
	}
	memset(longest, 'a', 254);
	assert_null(of(a, KIND_SECRET, "ns", longest, NULL));
	assert_non_null(of(a, KIND_SECRET, "ns", longest + 1, NULL));
	assert_null(of(a, KIND_SECRET, longest + 254 - 64, "x", NULL));
	assert_non_null(of(a, KIND_SECRET, longest + 254 - 63, "x", NULL));
}

static void a_kind_that_we_do_not_know_is_our_bug(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct ref r = { KIND_NONE, "ns", "x" };
	const char *path;
	struct err err;

	assert_false(path_object(a, r, NULL, &path, &err));
	assert_int_equal(err.code, ERR_BUG);
	assert_false(path_collection(a, KIND_COUNT, NULL, &path, &err));
	assert_int_equal(err.code, ERR_BUG);
}

static void a_collection_is_of_one_namespace_or_of_all(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const char *path = NULL;
	struct err err;

	assert_true(path_collection(a, KIND_DEPLOYMENT, NULL, &path, &err));
	assert_string_equal(path, "/apis/apps/v1/deployments");
	assert_true(path_collection(a, KIND_DEPLOYMENT, "ns", &path, &err));
	assert_string_equal(path, "/apis/apps/v1/namespaces/ns/deployments");
	assert_false(path_collection(a, KIND_DEPLOYMENT, "", &path, &err));
}

static void queries_are_encoded_and_optional(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct str s = path_begin(a, "/x");
	struct err err;

	path_query(&s, "none", NULL);
	assert_string_equal(s.ptr, "/x");
	path_query(&s, "a", "b=c,d in (e)");
	path_query(&s, "empty", "");
	assert_string_equal(s.ptr, "/x?a=b%3Dc%2Cd%20in%20%28e%29&empty=");
	for (int i = 0; i < 1000; i++)
		path_query(&s, "again", "0123456789");
	assert_false(str_ok(&s, "path", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_core_group_has_its_own_root),
		cmocka_unit_test(names_are_percent_encoded),
		cmocka_unit_test(what_no_object_can_be_called_is_refused),
		cmocka_unit_test(a_kind_that_we_do_not_know_is_our_bug),
		cmocka_unit_test(a_collection_is_of_one_namespace_or_of_all),
		cmocka_unit_test(queries_are_encoded_and_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
