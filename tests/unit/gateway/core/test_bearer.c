/* Tokens that a gateway verifies, remembers, refuses. */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/x509/cert.h"
#include "tests/support/shop.h"
#include "tests/support/unit.h"

static void a_second_look_at_a_token_comes_from_the_cache(void **state)
{
	struct core *core = a_shop(*state);
	char *token = a_good_token(*state);
	struct core_stats stats;
	struct verdict v;

	(void)shop_get(*state, core, "/store/v1/products", token);
	v = shop_get(*state, core, "/store/v1/products", token);
	forwards(&v, "/products");
	assert_true(v.token_cached);
	core_stats(core, &stats);
	assert_int_equal(stats.token_cache_hits, 1);
	assert_int_equal(stats.token_cache_misses, 1);
	assert_int_equal(stats.token_cache_entries, 1);
}

static void a_cached_token_still_expires(void **state)
{
	struct core *core = a_shop(*state);
	char *header = arena_printf(*state, "Bearer %s", a_good_token(*state));
	struct verdict v;

	decide(core, *state, METHOD_GET, "/store/v1/products", header, 1700003659, &v);
	forwards(&v, "/products");
	decide(core, *state, METHOD_GET, "/store/v1/products", header, 1700003660, &v);
	is_fault(&v, 401, 900901);
	assert_true(v.token_cached);
	assert_string_equal(v.reason, "token expired");
}

static void a_cached_token_dies_with_its_certificate(void **state)
{
	struct core *core = a_shop(*state);
	char *token = a_token(*state, test_key(1), "{\"iss\":\"iss2\"}");
	char *header = arena_printf(*state, "bearer %s", token);
	struct verdict v;

	decide(core, *state, METHOD_GET, "/store/v1/other", header, NOW + 100, &v);
	forwards(&v, "/other");
	decide(core, *state, METHOD_GET, "/store/v1/other", header, NOW + 101, &v);
	is_fault(&v, 401, 900901);
	decide(core, *state, METHOD_GET, "/store/v1/other", header, NOW - 101, &v);
	is_fault(&v, 401, 900901);
}

static void a_cached_token_is_judged_for_each_operation(void **state)
{
	struct core *core = a_shop(*state);
	char *token = a_good_token(*state);
	struct verdict v = shop_get(*state, core, "/store/v1/two", token);

	forwards(&v, "/two");
	v = shop_get(*state, core, "/store/v1/other", token);
	is_fault(&v, 401, 900901);
	v = shop_get(*state, core, "/store/v1/subscribers", token);
	is_fault(&v, 401, 900901);
}

static void the_articles_token_verifies_under_its_public_certificate(void **state)
{
	struct arena *a = *state;
	char *token = test_file(a, "tests/data/sample-token.jwt", NULL);
	struct cert cert;
	struct core *core;
	struct verdict v;
	struct err err;
	size_t n;
	char *der = test_file(a, "tests/data/wso2am300.der", &n);

	assert_true(cert_read(a, der, n, &cert, &err));
	core = core_new(
		a_contract(a,
			json_text(a,
				json_format(a,
					"{'version':1,'apis':[{'title':'OnlineStore','version':'v1.0.0',"
					"'basePath':'/store/v1.0.0','authHeader':'authorization','paths':"
					"[{'template':'/products','operations':[{'method':'GET','id':'p',"
					"'secured':true,'issuers':[0],'scopes':[],'endpoint':0}]}]}],"
					"'issuers':[{'security':'default-security-jwt',"
					"'issuer':'https://wso2apim:32001/oauth2/token',"
					"'audience':'http://org.wso2.apimgt/gateway',"
					"'validateSubscription':false,'keys':[{'id':%s,'pem':%s,"
					"'notBefore':%l,'notAfter':%l}]}],"
					"'endpoints':[{'url':'http://products'}],'settings':%j}",
					cert.key_id, cert.public_key_pem, cert.not_before,
					cert.not_after, json_format(a, test_settings)))),
		NULL);
	shop_frees(a, core);
	v = shop_get(a, core, "/store/v1.0.0/products", token);
	forwards(&v, "/products");
	assert_memory_equal(v.subject.at, "admin@carbon.super", 18);
	assert_memory_equal(v.application.at, "sample-crd-application", 22);
	token[200] ^= 1;
	v = shop_get(a, core, "/store/v1.0.0/products", token);
	is_fault(&v, 401, 900901);
}

static void claims_decide(void **state)
{
	struct core *core = a_shop(*state);
	static const struct {
		const char *claims;
		bool good;
	} cases[] = {
		{ "{\"iss\":\"iss\",\"aud\":\"aud\"}", true },
		{ "{\"iss\":\"iss\",\"aud\":[\"x\",\"aud\"]}", true },
		{ "{\"iss\":\"iss\",\"aud\":[\"x\",1,null]}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"audience\"}", false },
		{ "{\"iss\":\"iss\",\"aud\":[\"x\\\",\\\"aud\"]}", false },
		{ "{\"iss\":\"iss\",\"aud\":{\"aud\":\"aud\"}}", false },
		{ "{\"iss\":\"iss\"}", false },
		{ "{\"iss\":\"is\",\"aud\":\"aud\"}", false },
		{ "{\"iss\":\"i\\u0073s\",\"aud\":\"aud\"}", true },
		{ "{\"iss\":[\"iss\"],\"aud\":\"aud\"}", false },
		{ "{\"ISS\":\"iss\",\"aud\":\"aud\"}", false },
		{ "{\"iss\":\"iss\",\"iss\":\"iss\",\"aud\":\"aud\"}", false },
		{ "{\"iss\":\"iss\\u0000x\",\"aud\":\"aud\"}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":1699999941}", true },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":1699999940}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":\"1800000000\"}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":1800000000.5}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":true}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":null}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":99999999999999999999}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"exp\":-1}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"nbf\":1700000060}", true },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"nbf\":1700000061}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"nbf\":\"1\"}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\"} x", false },
		{ "[\"iss\"]", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = a_token(*state, test_key(0), cases[i].claims);

		for (int again = 0; again < 2; again++) {
			struct verdict v = shop_get(*state, core, "/store/v1/products", token);

			if ((v.kind == VERDICT_FORWARD) != cases[i].good)
				fail_msg("%s: %s", cases[i].claims,
					v.reason ? v.reason : "forwarded");
			if (!cases[i].good)
				is_fault(&v, 401, 900901);
		}
	}
}

static void the_key_decides_the_algorithm(void **state)
{
	static const char claims[] = "{\"iss\":\"iss\",\"aud\":\"aud\"}";
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	static const struct {
		const char *header;
		int hash;
		bool good;
	} cases[] = {
		{ "{\"alg\":\"RS256\"}", 256, true },
		{ "{\"alg\":\"RS384\"}", 384, true },
		{ "{\"alg\":\"RS512\",\"kid\":\"any\"}", 512, true },
		{ "{\"alg\":\"RS512\"}", 256, false },
		{ "{\"alg\":\"RS256\"}", 512, false },
		{ "{\"alg\":\"none\"}", 256, false },
		{ "{\"alg\":\"None\"}", 256, false },
		{ "{\"alg\":\"rs256\"}", 256, false },
		{ "{\"alg\":\"HS256\"}", 256, false },
		{ "{\"alg\":\"ES256\"}", 256, false },
		{ "{\"alg\":\"PS256\"}", 256, false },
		{ "{\"alg\":[\"RS256\"]}", 256, false },
		{ "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", 256, false },
		{ "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", 256, false },
		{ "{}", 256, false },
		{ "\"RS256\"", 256, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = sign_token(a, test_key(0), cases[i].hash, cases[i].header, claims);
		struct verdict v = shop_get(a, core, "/store/v1/products", token);

		if ((v.kind == VERDICT_FORWARD) != cases[i].good)
			fail_msg("%s with %d", cases[i].header, cases[i].hash);
	}
}

static void a_wrong_key_does_not_count(void **state)
{
	struct core *core = a_shop(*state);
	char *token = a_token(*state, test_key(1), "{\"iss\":\"iss\",\"aud\":\"aud\"}");
	struct verdict v = shop_get(*state, core, "/store/v1/products", token);

	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "signature");
	/* Right key for issuer 1, and the operation accepts both issuers. */
	v = shop_get(
		*state, core, "/store/v1/two", a_token(*state, test_key(1), "{\"iss\":\"iss2\"}"));
	forwards(&v, "/two");
	v = shop_get(
		*state, core, "/store/v1/two", a_token(*state, test_key(0), "{\"iss\":\"iss2\"}"));
	is_fault(&v, 401, 900901);
}

static void damaged_tokens_are_refused(void **state)
{
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	char *good = a_good_token(a);
	size_t head = (size_t)(strrchr(good, '.') - good);
	const char *bad[] = {
		arena_printf(a, "%.*s", (int)head, good),
		arena_printf(a, "%.*s.", (int)head, good),
		arena_printf(a, "%s.", good),
		arena_printf(a, "%s.x", good),
		arena_printf(a, ".%s", good),
		arena_printf(a, "%sA", good),
		arena_printf(a, "%s!", good),
		arena_printf(a, "%s x", good),
		arena_printf(a, "%.*sAAAA", (int)strlen(good) - 4, good),
		"..",
		"a.b.c",
		"....",
		"eyJhbGciOiJub25lIn0.e30.",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct verdict v = shop_get(a, core, "/store/v1/products", bad[i]);

		is_fault(&v, 401, 900901);
	}
}

static void padding_is_tolerated_and_signed_as_sent(void **state)
{
	struct core *core = a_shop(*state);
	struct arena *a = *state;
	char *head = arena_printf(a, "%s.%s", "eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJpc3MyIn0=");
	char *token = sign_token(a, test_key(1), 256, "{\"alg\":\"RS256\"}", "{\"iss\":\"iss2\"}");
	struct verdict v;

	/* Padding added behind the signer's back is another text, so another signature. */
	v = shop_get(
		a, core, "/store/v1/other", arena_printf(a, "%s%s", head, strrchr(token, '.')));
	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "signature");
	v = shop_get(a, core, "/store/v1/other", arena_printf(a, "%s==", token));
	forwards(&v, "/other");
}

static void tokens_beyond_the_bound_are_refused_before_work(void **state)
{
	struct core *core = a_shop(*state);
	char *huge = arena_alloc(*state, 20000);
	struct verdict v;

	memset(huge, 'a', 19999);
	v = shop_get(*state, core, "/store/v1/products", huge);
	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "token too long");
}

static void the_cache_may_be_switched_off(void **state)
{
	struct contract c = *a_contract(*state,
		json_text(*state,
			json_format(*state,
				"{'version':1,'apis':[{'title':'t','version':'1','basePath':'',"
				"'authHeader':'authorization','paths':[{'template':'/*','operations':"
				"[{'method':'GET','id':'a','secured':true,'issuers':[0],'scopes':[],"
				"'endpoint':0}]}]}],'issuers':[{'security':'s','issuer':'i',"
				"'validateSubscription':false,'keys':[%j]}],'endpoints':"
				"[{'url':'http://h'}],'settings':%j}",
				json_parse(*state, test_key_json(*state, test_key(0), 0, 0),
					strlen(test_key_json(*state, test_key(0), 0, 0)),
					&(struct err){ 0 }),
				json_format(*state, test_settings))));
	char *token = a_token(*state, test_key(0), "{\"iss\":\"i\"}");
	struct core *core;
	struct verdict v;

	c.token_cache_entries = 0;
	core = core_new(&c, NULL);
	shop_frees(*state, core);
	for (int i = 0; i < 2; i++) {
		v = shop_get(*state, core, "/", token);
		forwards(&v, "/");
		assert_false(v.token_cached);
	}
}

int main(void)
{
#define IN_A_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_begin, shop_end)
	const struct CMUnitTest tests[] = {
		IN_A_SHOP(a_second_look_at_a_token_comes_from_the_cache),
		IN_A_SHOP(a_cached_token_still_expires),
		IN_A_SHOP(a_cached_token_dies_with_its_certificate),
		IN_A_SHOP(a_cached_token_is_judged_for_each_operation),
		IN_A_SHOP(the_articles_token_verifies_under_its_public_certificate),
		IN_A_SHOP(claims_decide),
		IN_A_SHOP(the_key_decides_the_algorithm),
		IN_A_SHOP(a_wrong_key_does_not_count),
		IN_A_SHOP(damaged_tokens_are_refused),
		IN_A_SHOP(padding_is_tolerated_and_signed_as_sent),
		IN_A_SHOP(tokens_beyond_the_bound_are_refused_before_work),
		IN_A_SHOP(the_cache_may_be_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
