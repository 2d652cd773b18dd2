#include "gateway/core/throttle.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000040, /* a whole minute */
};

static const char settings[] =
	"{'clockSkewSeconds':60,'removeAuthHeader':true,'verifyHostname':false,"
	"'jwtHeader':'X-JWT-Assertion','maxUriBytes':4096,'maxHeaderBytes':8192,'maxBodyBytes':-1,"
	"'tokenCacheEntries':100,'httpPort':9090,'httpsPort':9095,'metricsPort':9797,'http2':true}";

#define SECURED "'secured':true,'issuers':[0],'scopes':[],'endpoint':0"
#define OPEN "'secured':false,'issuers':[],'scopes':[],'endpoint':0"
#define LIMIT(name, count)                                                                         \
	"{'name':'" name "','count':" count ",'unitSeconds':60,'units':1,'overQuota':false}"

static const char apis[] =
	"[{'title':'Plain','version':'1','basePath':'/plain','authHeader':'authorization','paths':["
	"{'template':'/three','operations':[{'method':'GET','id':'a'," OPEN ",'tier':'three'},"
	"{'method':'PUT','id':'b'," OPEN ",'tier':'three'}]},"
	"{'template':'/missing','operations':[{'method':'GET','id':'c'," OPEN
	",'tier':'nobodys'}]},"
	"{'template':'/open','operations':[{'method':'GET','id':'d'," OPEN "}]},"
	"{'template':'/free','operations':[{'method':'GET','id':'j'," OPEN ",'tier':'free'}]},"
	"{'template':'/near','operations':[{'method':'GET','id':'k'," OPEN ",'tier':'near'}]},"
	"{'template':'/large','operations':[{'method':'GET','id':'l'," OPEN ",'tier':'large'}]},"
	"{'template':'/claim','operations':[{'method':'GET','id':'m'," SECURED ",'tier':'claim'}]},"
	"{'template':'/secured','operations':[{'method':'GET','id':'e'," SECURED "}]}]},"
	"{'title':'Other','version':'1','basePath':'/other','authHeader':'authorization','paths':["
	"{'template':'/open','operations':[{'method':'GET','id':'f'," OPEN "}]},"
	"{'template':'/secured','operations':[{'method':'GET','id':'g'," SECURED "}]}]},"
	"{'title':'Whole','version':'1','basePath':'/whole','authHeader':'authorization','tier':'three','paths':["
	"{'template':'/a','operations':[{'method':'GET','id':'h'," OPEN "}]},"
	"{'template':'/b','operations':[{'method':'GET','id':'i'," OPEN "}]}]}]";

/* clang-format off */
static const char limits[] =
	"{'resource':["
	"{'name':'claim','count':1,'unitSeconds':60,'units':1,'overQuota':false,'claim':'plan','claimValue':'7'},"
	"{'name':'free','count':1,'unitSeconds':60,'units':1,'overQuota':false,'header':'x-plan','headerValue':'free'},"
	"{'name':'large','count':100,'unitSeconds':60,'units':1,'overQuota':false,'bytes':1000},"
	"{'name':'near','count':1,'unitSeconds':60,'units':1,'overQuota':false,"
	"'addressFirst':'10.0.0.1','addressLast':'10.0.0.9','addressNot':false},"
	LIMIT("three", "3") "],"
	"'application':[" LIMIT("small", "2") "],"
	"'subscription':[" LIMIT("Default", "6") "," LIMIT("Silver", "4") "," LIMIT("Unauthenticated", "9")
	",{'name':'soft','count':1,'unitSeconds':60,'units':1,'overQuota':true}]}";
/* clang-format on */

static void free_core(void *core)
{
	core_free(core);
}

static struct core *gateway(struct arena *a)
{
	struct err err;
	char *key = test_key_json(a, test_key(0), 0, 0);
	struct json *root = json_format(a,
		"{'version':1,'apis':%j,'issuers':[{'security':'s','issuer':'iss','validateSubscription':false,"
		"'keys':[%j]}],'endpoints':[{'url':'http://h'}],'limits':%j,'settings':%j}",
		json_format(a, apis), json_parse(a, key, strlen(key), &err), json_format(a, limits),
		json_format(a, settings));
	struct core *core = core_new(a_contract(a, json_text(a, root)), NULL);

	arena_defer(a, free_core, core);
	return core;
}

struct headers {
	struct span authorization;
	struct span forwarded;
	struct span plan;
	size_t plans;
};

static struct span text(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

static bool header(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const struct headers *h = arg;

	if (str_eq(name, "x-plan")) {
		*ret = h->plan;
		*ret_n = h->plans;
		return h->plans > 0;
	}
	*ret = str_eq(name, "authorization")	 ? h->authorization
	       : str_eq(name, "x-forwarded-for") ? h->forwarded
						 : (struct span){ 0 };
	*ret_n = ret->at != NULL;
	return ret->at != NULL;
}

static struct arena *a;

/* 200, or the fault's code. */
static int ask(struct core *core, enum method m, const char *target, const char *claims,
	const char *forwarded, int64_t now_s)
{
	struct headers h = { .forwarded = text(forwarded) };
	struct core_request r = { .method = m,
		.method_name = text(method_name(m)),
		.target = text(target),
		.header = header,
		.arg = &h,
		.client = text("192.0.2.1"),
		.now_s = now_s };
	struct verdict v;

	if (claims)
		h.authorization =
			text(arena_printf(a, "Bearer %s", a_token(a, test_key(0), claims)));
	core_decide(core, a, &r, &v);
	return v.kind == VERDICT_FORWARD ? 200 : v.fault_code;
}

static int get(struct core *core, const char *target)
{
	return ask(core, METHOD_GET, target, NULL, NULL, NOW);
}

static int get_as(struct core *core, const char *target, const char *claims)
{
	return ask(core, METHOD_GET, target, claims, NULL, NOW);
}

/* So many pass, the next gets that code. */
static void passes(struct core *core, const char *target, const char *claims, int n, int code)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(get_as(core, target, claims), 200);
	assert_int_equal(get_as(core, target, claims), code);
}

static void an_operation_has_its_limit_for_all_callers(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(ask(core, METHOD_GET, "/plain/three", NULL, "192.0.2.7", NOW), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/three?x=1", NULL, "192.0.2.8", NOW), 200);
	passes(core, "/plain/three", NULL, 1, 900802);
	assert_int_equal(ask(core, METHOD_GET, "/plain/three", NULL, "192.0.2.9", NOW), 900802);
}

static void operations_of_one_path_are_counted_apart(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/three", NULL, 3, 900802);
	assert_int_equal(ask(core, METHOD_PUT, "/plain/three", NULL, NULL, NOW), 200);
}

static void an_api_has_its_limit_for_all_operations(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(get(core, "/whole/a"), 200);
	passes(core, "/whole/b", NULL, 2, 900800);
	assert_int_equal(get(core, "/whole/a"), 900800);
}

static void the_fault_is_the_originals(void **state)
{
	static const char body[] =
		"{\"fault\":{\"code\":900802, \"message\":\"Message throttled out\", "
		"\"description\":\"You have exceeded your quota\"}}";
	struct core *core = gateway(a);
	struct verdict v;

	(void)state;
	for (int i = 0; i < 4; i++)
		decide(core, a, METHOD_GET, "/plain/three", NULL, NOW, &v);
	assert_int_equal(v.status, 429);
	assert_string_equal(v.content_type, "application/json");
	assert_int_equal(v.body.n, sizeof(body) - 1);
	assert_memory_equal(v.body.at, body, v.body.n);
	assert_string_equal(v.reason, "limit of the operation");
}

static void a_tier_without_a_policy_refuses(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(get(core, "/plain/missing"), 900809);
	assert_int_equal(get_as(core, "/plain/secured",
				 "{\"iss\":\"iss\",\"application\":{\"id\":1,\"tier\":\"Huge\"}}"),
		900809);
	assert_int_equal(
		get_as(core, "/plain/secured",
			"{\"iss\":\"iss\",\"subscribedAPIs\":[{\"name\":\"Plain\",\"version\":\"1\","
			"\"subscriptionTier\":\"Lead\"}]}"),
		900809);
}

static void a_window_later_it_passes_again(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/three", NULL, 3, 900802);
	assert_int_equal(ask(core, METHOD_GET, "/plain/three", NULL, NULL, NOW + 59), 900802);
	assert_int_equal(ask(core, METHOD_GET, "/plain/three", NULL, NULL, NOW + 60), 200);
}

static void open_operations_are_counted_by_address_and_api(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/open", NULL, 9, 900804);
	assert_int_equal(get(core, "/other/open"), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL, "192.0.2.99", NOW), 200);
	assert_int_equal(
		ask(core, METHOD_GET, "/plain/open", NULL, "192.0.2.1, 10.0.0.1", NOW), 900804);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL, "2001:db8::1", NOW), 200);
}

static void what_is_no_address_is_the_peers(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/open", NULL, 9, 900804);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL, "unknown", NOW), 900804);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL, "", NOW), 900804);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL, "  , 1.2.3.4", NOW), 900804);
	assert_int_equal(ask(core, METHOD_GET, "/plain/open", NULL,
				 "00000000000000000000000000000000000000000000000000000", NOW),
		900804);
}

static void a_token_without_subscription_has_the_default_tier(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/secured", "{\"iss\":\"iss\",\"application\":{\"id\":1}}", 6, 900804);
	/* Another API, another application: counters of their own. */
	assert_int_equal(
		get_as(core, "/other/secured", "{\"iss\":\"iss\",\"application\":{\"id\":1}}"),
		200);
	assert_int_equal(
		get_as(core, "/plain/secured", "{\"iss\":\"iss\",\"application\":{\"id\":2}}"),
		200);
}

static void tokens_without_application_share_a_counter(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/secured", "{\"iss\":\"iss\",\"sub\":\"x\"}", 6, 900804);
	assert_int_equal(get_as(core, "/plain/secured", "{\"iss\":\"iss\",\"sub\":\"y\"}"), 900804);
}

static void a_subscription_has_the_tier_it_says(void **state)
{
	static const char claims[] =
		"{\"iss\":\"iss\",\"application\":{\"id\":\"app\"},\"subscribedAPIs\":["
		"{\"name\":\"Other\",\"version\":\"1\",\"subscriptionTier\":\"Unlimited\"},"
		"{\"name\":\"Plain\",\"version\":\"1\",\"subscriptionTier\":\"Silver\"}]}";
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/secured", claims, 4, 900804);
	for (int i = 0; i < 50; i++)
		assert_int_equal(get_as(core, "/other/secured", claims), 200);
}

static void a_subscription_tier_of_null_is_the_default(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	passes(core, "/plain/secured",
		"{\"iss\":\"iss\",\"subscribedAPIs\":[{\"name\":\"Plain\",\"version\":\"1\","
		"\"subscriptionTier\":null}]}",
		6, 900804);
}

static void a_soft_subscription_is_never_refused(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(get_as(core, "/plain/secured",
					 "{\"iss\":\"iss\",\"subscribedAPIs\":[{\"name\":\"Plain\","
					 "\"version\":\"1\",\"subscriptionTier\":\"soft\"}]}"),
			200);
}

static void an_application_is_counted_by_user_over_all_apis(void **state)
{
	static const char one[] = "{\"iss\":\"iss\",\"sub\":\"ann\",\"application\":{\"id\":1,"
				  "\"tier\":\"small\"}}";
	static const char two[] = "{\"iss\":\"iss\",\"sub\":\"bob\",\"application\":{\"id\":1,"
				  "\"tier\":\"small\"}}";
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(get_as(core, "/other/secured", one), 200);
	passes(core, "/plain/secured", one, 1, 900803);
	assert_int_equal(get_as(core, "/other/secured", one), 900803);
	assert_int_equal(get_as(core, "/plain/secured", two), 200);
}

static void refused_credentials_are_not_counted(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(core, "/plain/secured"), 900902);
	passes(core, "/plain/secured", "{\"iss\":\"iss\"}", 6, 900804);
}

static void the_nearest_limit_is_told(void **state)
{
	struct core *core = gateway(a);
	struct verdict v;

	(void)state;
	decide(core, a, METHOD_GET, "/plain/three", NULL, NOW + 20, &v);
	assert_int_equal(v.limit.count, 3);
	assert_int_equal(v.limit.remaining, 2);
	assert_int_equal(v.limit.reset_s, 40);
}

static int plan(struct core *core, const char *value, size_t times)
{
	struct headers h = { .plan = text(value), .plans = times };
	struct core_request r = { .method = METHOD_GET,
		.method_name = text("GET"),
		.target = text("/plain/free"),
		.header = header,
		.arg = &h,
		.client = text("192.0.2.1"),
		.now_s = NOW };
	struct verdict v;

	core_decide(core, a, &r, &v);
	return v.kind == VERDICT_FORWARD ? 200 : v.fault_code;
}

static void a_limit_for_a_header_is_for_that_header(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(plan(core, "free", 1), 200);
	assert_int_equal(plan(core, "free", 1), 900802);
	assert_int_equal(plan(core, "paid", 1), 200);
	assert_int_equal(plan(core, "fre", 1), 200);
	assert_int_equal(plan(core, "", 0), 200);
	/* Sent twice it may mean either. */
	assert_int_equal(plan(core, "paid", 2), 900802);
}

static void a_limit_for_a_claim_is_for_callers_with_it(void **state)
{
#define UNLIMITED                                                                                  \
	"{\"iss\":\"iss\",\"subscribedAPIs\":[{\"name\":\"Plain\",\"version\":\"1\","              \
	"\"subscriptionTier\":\"Unlimited\"}]"
#define PLAN(value) UNLIMITED ",\"plan\":" value "}"
	static const char *const others[] = { UNLIMITED "}", PLAN("\"8\""), PLAN("77"),
		PLAN("[\"6\",\"8\"]"), PLAN("{\"7\":\"7\"}"), PLAN("true") };
	static const char *const its[] = { PLAN("\"7\""), PLAN("7"), PLAN("[\"6\",\"7\"]"),
		PLAN("[6,7]") };
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(get_as(core, "/plain/claim", its[0]), 200);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (int again = 0; again < 2; again++) /* from the cache, too */
			assert_int_equal(get_as(core, "/plain/claim", others[i]), 200);
	for (size_t i = 0; i < ARRAY_LEN(its); i++)
		assert_int_equal(get_as(core, "/plain/claim", its[i]), 900802);
}

static void a_limit_for_addresses_is_for_those(void **state)
{
	struct core *core = gateway(a);

	(void)state;
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, "10.0.0.1", NOW), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, "10.0.0.9", NOW), 900802);
	assert_int_equal(
		ask(core, METHOD_GET, "/plain/near", NULL, "::ffff:10.0.0.5", NOW), 900802);
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, "10.0.0.10", NOW), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, "9.255.255.255", NOW), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, "2001:db8::1", NOW), 200);
	assert_int_equal(ask(core, METHOD_GET, "/plain/near", NULL, NULL, NOW), 200);
}

static void what_requests_move_counts(void **state)
{
	struct core *core = gateway(a);
	struct verdict v;

	(void)state;
	decide(core, a, METHOD_GET, "/plain/large", NULL, NOW, &v);
	core_charge(core, &v, 999, NOW);
	decide(core, a, METHOD_GET, "/plain/large", NULL, NOW, &v);
	assert_int_equal(v.kind, VERDICT_FORWARD);
	core_charge(core, &v, 999, NOW);
	decide(core, a, METHOD_GET, "/plain/large", NULL, NOW, &v);
	assert_int_equal(v.fault_code, 900802);
	core_charge(core, &v, 999, NOW);
	decide(core, a, METHOD_GET, "/plain/open", NULL, NOW, &v);
	assert_int_equal(v.n_charged, 0);
}

static int setup(void **state)
{
	(void)state;
	a = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_operation_has_its_limit_for_all_callers),
		TEST(operations_of_one_path_are_counted_apart),
		TEST(an_api_has_its_limit_for_all_operations),
		TEST(the_fault_is_the_originals),
		TEST(a_tier_without_a_policy_refuses),
		TEST(a_window_later_it_passes_again),
		TEST(open_operations_are_counted_by_address_and_api),
		TEST(what_is_no_address_is_the_peers),
		TEST(a_token_without_subscription_has_the_default_tier),
		TEST(tokens_without_application_share_a_counter),
		TEST(a_subscription_has_the_tier_it_says),
		TEST(a_subscription_tier_of_null_is_the_default),
		TEST(a_soft_subscription_is_never_refused),
		TEST(an_application_is_counted_by_user_over_all_apis),
		TEST(refused_credentials_are_not_counted),
		TEST(the_nearest_limit_is_told),
		TEST(a_limit_for_a_header_is_for_that_header),
		TEST(a_limit_for_a_claim_is_for_callers_with_it),
		TEST(a_limit_for_addresses_is_for_those),
		TEST(what_requests_move_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
