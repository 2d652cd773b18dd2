#include "gateway/core/contract.h"
#include "gateway/core/mock.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "tests/support/unit.h"

static void examples_have_headers_of_their_own_and_no_others(void **state UNUSED)
{
	static const char *const good[][2] = { { "X-Total", "2" },
		{ "Link", "</a?page=2>; rel=\"next\"" }, { "Set-Cookie", "a=b" },
		{ "x-accelerated", "" } };
	static const char *const bad[][2] = { { "", "x" }, { "X Total", "2" }, { "X-Total:", "2" },
		{ "X-Total", "a\r\nX-Other: b" }, { "X-Total", "\x7f" },
		{ "Transfer-Encoding", "chunked" }, { "content-LENGTH", "7" },
		{ "Content-Type", "text/plain" }, { "Connection", "close" },
		{ "X-Accel-Redirect", "/secret" }, { "Access-Control-Allow-Origin", "*" } };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(mock_header_wrong(good[i][0], good[i][1]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(mock_header_wrong(bad[i][0], bad[i][1]));
}

static bool is_loaded(struct arena *a, const char *headers, struct err *err)
{
	const char *text = arena_printf(a,
		"{\"version\":%d,\"apis\":[{\"title\":\"T\",\"version\":\"v1\",\"basePath\":\"/t\","
		"\"authHeader\":\"authorization\",\"paths\":[{\"template\":\"/a\",\"operations\":["
		"{\"method\":\"GET\",\"id\":\"a\",\"secured\":false,\"issuers\":[],\"scopes\":[],"
		"\"examples\":[{\"status\":200,\"name\":\"\",\"type\":\"text/plain\",\"body\":\"x\","
		"\"headers\":%s}]}]}]}],\"issuers\":[],\"endpoints\":[],\"limits\":{\"resource\":[],"
		"\"application\":[],\"subscription\":[]},\"settings\":{\"clockSkewSeconds\":60,"
		"\"removeAuthHeader\":true,\"verifyHostname\":true,\"jwtHeader\":\"x\","
		"\"maxUriBytes\":4096,\"maxHeaderBytes\":8192,\"maxBodyBytes\":-1,"
		"\"tokenCacheEntries\":10,\"httpPort\":9090,\"httpsPort\":9095,\"metricsPort\":9797,"
		"\"http2\":true}}",
		CONTRACT_VERSION, headers);

	return contract_load(a, text, strlen(text), err) != NULL;
}

static void a_contract_with_other_headers_is_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .msg = "" };

	if (!is_loaded(a, "[{\"name\":\"X-Total\",\"value\":\"2\"}]", &err))
		fail_msg("%s", err.msg);
	assert_false(is_loaded(a, "[{\"name\":\"Upgrade\",\"value\":\"x\"}]", &err));
	assert_non_null(strstr(err.msg, "headers[0]"));
	assert_non_null(strstr(err.msg, "the gateway says that header itself"));
	assert_false(is_loaded(a, "[{\"name\":\"X-Total\"}]", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_have_headers_of_their_own_and_no_others),
		cmocka_unit_test(a_contract_with_other_headers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
