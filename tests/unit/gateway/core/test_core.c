#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/x509/cert.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000000
};

static const char settings[] =
	"{'clockSkewSeconds':60,'removeAuthHeader':true,'verifyHostname':false,"
	"'jwtHeader':'X-JWT-Assertion','maxUriBytes':4096,'maxHeaderBytes':8192,'maxBodyBytes':-1,"
	"'tokenCacheEntries':100,'httpPort':9090,'httpsPort':9095,'metricsPort':9797,'http2':true}";

static const char paths[] =
	"[{'template':'/products','operations':["
	"{'method':'GET','id':'list','secured':true,'issuers':[0],'scopes':[],'endpoint':0,'sandbox':1},"
	"{'method':'POST','id':'add','secured':true,'issuers':[0],'scopes':['add','admin'],'endpoint':0}]},"
	"{'template':'/products/{id}','operations':["
	"{'method':'GET','id':'one','secured':true,'issuers':[0],'scopes':[],'endpoint':0}]},"
	"{'template':'/open','operations':["
	"{'method':'GET','id':'open','secured':false,'issuers':[],'scopes':[],'endpoint':0}]},"
	"{'template':'/two','operations':["
	"{'method':'GET','id':'two','secured':true,'issuers':[0,1],'scopes':[],'endpoint':0}]},"
	"{'template':'/other','operations':["
	"{'method':'GET','id':'other','secured':true,'issuers':[1],'scopes':[],'endpoint':0}]},"
	"{'template':'/subscribers','operations':["
	"{'method':'GET','id':'subs','secured':true,'issuers':[2],'scopes':[],'endpoint':0}]},"
	"{'template':'/sandbox','operations':["
	"{'method':'GET','id':'sand','secured':false,'issuers':[],'scopes':[],'sandbox':1}]}]";

/* Issuers: 0 "iss"/"aud" with key 0; 1 "iss2" without audience, key 1 and dated key 2; 2 "sub" with
 * subscriptions. */
static struct core *store(struct arena *a)
{
	char *k0 = test_key_json(a, test_key(0), 0, 0);
	char *k1 = test_key_json(a, test_key(1), NOW - 100, NOW + 100);
	const char *issuers =
		"[{'security':'s','issuer':'iss','audience':'aud','validateSubscription':false,'keys':[%j]},"
		"{'security':'t','issuer':'iss2','validateSubscription':false,'keys':[%j]},"
		"{'security':'u','issuer':'sub','validateSubscription':true,'keys':[%j]}]";
	struct err err;
	struct json *v0 = json_parse(a, k0, strlen(k0), &err);
	struct json *v1 = json_parse(a, k1, strlen(k1), &err);
	struct json *root = json_format(a,
		"{'version':1,'apis':[{'title':'Store','version':'v1.0.0','basePath':'/store/v1',"
		"'authHeader':'authorization','paths':%j}],'issuers':%j,"
		"'endpoints':[{'url':'http://products/base/'},{'url':'https://sandbox:8443'}],'settings':%j}",
		json_format(a, paths), json_format(a, issuers, v0, v1, v0),
		json_format(a, settings));
	const char *text = json_text(a, root);

	return core_new(a_contract(a, text), NULL);
}

static int setup(void **state)
{
	struct arena *a = arena_new();

	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void free_core(void *core)
{
	core_free(core);
}

static struct core *a_store(struct arena *a)
{
	struct core *core = store(a);

	arena_defer(a, free_core, core);
	return core;
}

static void body_is(const struct verdict *v, int status, const char *body)
{
	assert_int_equal(v->kind, VERDICT_ANSWER);
	assert_int_equal(v->status, status);
	assert_int_equal(v->body.n, strlen(body));
	assert_memory_equal(v->body.at, body, v->body.n);
}

static void is_fault(const struct verdict *v, int status, int code)
{
	assert_int_equal(v->kind, VERDICT_ANSWER);
	if (v->status != status || v->fault_code != code)
		fail_msg("status %d code %d reason %s, expected %d %d", v->status, v->fault_code,
			v->reason, status, code);
}

static void forwards(const struct verdict *v, const char *target)
{
	if (v->kind != VERDICT_FORWARD)
		fail_msg("not forwarded: %d %s", v->status, v->reason ? v->reason : "");
	assert_int_equal(v->forward.n, strlen(target));
	assert_memory_equal(v->forward.at, target, v->forward.n);
}

static struct verdict get(struct arena *a, struct core *core, const char *target, const char *token)
{
	struct verdict v;

	decide(core, a, METHOD_GET, target, token ? arena_printf(a, "Bearer %s", token) : NULL, NOW,
		&v);
	return v;
}

static char *good_token(struct arena *a)
{
	return a_token(a, test_key(0),
		"{\"iss\":\"iss\",\"aud\":\"aud\",\"sub\":\"me\",\"exp\":1700003600,"
		"\"application\":{\"name\":\"app\",\"id\":3}}");
}

static void a_good_token_reaches_the_backend(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v = get(*state, core, "/store/v1/products?x=1&y=%2F", good_token(*state));

	forwards(&v, "/products?x=1&y=%2F");
	assert_true(v.strip_auth);
	assert_string_equal(v.endpoint->urls[0], "http://products/base/");
	assert_string_equal(v.operation->id, "list");
	assert_memory_equal(v.subject.at, "me", 2);
	assert_memory_equal(v.application.at, "app", 3);
	assert_false(v.token_cached);
	v = get(*state, core, "/store/v1/products/101", good_token(*state));
	forwards(&v, "/products/101");
}

static void a_second_look_at_a_token_comes_from_the_cache(void **state)
{
	struct core *core = a_store(*state);
	char *token = good_token(*state);
	struct core_stats stats;
	struct verdict v;

	(void)get(*state, core, "/store/v1/products", token);
	v = get(*state, core, "/store/v1/products", token);
	forwards(&v, "/products");
	assert_true(v.token_cached);
	core_stats(core, &stats);
	assert_int_equal(stats.token_cache_hits, 1);
	assert_int_equal(stats.token_cache_misses, 1);
	assert_int_equal(stats.token_cache_entries, 1);
}

static void a_cached_token_still_expires(void **state)
{
	struct core *core = a_store(*state);
	char *header = arena_printf(*state, "Bearer %s", good_token(*state));
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
	struct core *core = a_store(*state);
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
	struct core *core = a_store(*state);
	char *token = good_token(*state);
	struct verdict v = get(*state, core, "/store/v1/two", token);

	forwards(&v, "/two");
	v = get(*state, core, "/store/v1/other", token);
	is_fault(&v, 401, 900901);
	v = get(*state, core, "/store/v1/subscribers", token);
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
					cert.not_after, json_format(a, settings)))),
		NULL);
	arena_defer(a, free_core, core);
	v = get(a, core, "/store/v1.0.0/products", token);
	forwards(&v, "/products");
	assert_memory_equal(v.subject.at, "admin@carbon.super", 18);
	assert_memory_equal(v.application.at, "sample-crd-application", 22);
	token[200] ^= 1;
	v = get(a, core, "/store/v1.0.0/products", token);
	is_fault(&v, 401, 900901);
}

static void without_credentials_they_are_missing(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v = get(*state, core, "/store/v1/products", NULL);

	body_is(&v, 401,
		"{\"fault\":{\"code\":900902, \"message\":\"Missing Credentials\", "
		"\"description\":\"Missing Credentials. Make sure your API request provides required "
		"credentials\"}}");
	assert_string_equal(v.content_type, "application/json");
	decide(core, *state, METHOD_GET, "/store/v1/products", "", NOW, &v);
	is_fault(&v, 401, 900902);
}

static void other_schemes_are_refused(void **state)
{
	struct core *core = a_store(*state);
	static const struct {
		const char *header;
		int code;
	} cases[] = {
		{ "Basic YWRtaW46YWRtaW4=", 900917 },
		{ "bAsIc x", 900917 },
		{ "Bearer", 900901 },
		{ "Bearer  ", 900901 },
		{ "Bearer opaque", 900901 },
		{ "Digest a.b.c", 900901 },
		{ "Bearera.b.c", 900901 },
		{ "a.b.c", 900901 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;

		decide(core, *state, METHOD_GET, "/store/v1/products", cases[i].header, NOW, &v);
		is_fault(&v, 401, cases[i].code);
	}
}

static bool two_headers(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const char *value = arg;

	(void)name;
	*ret = (struct span){ value, strlen(value) };
	*ret_n = 2;
	return true;
}

static void two_credentials_are_refused_even_if_one_is_good(void **state)
{
	struct core *core = a_store(*state);
	struct core_request r = {
		.method = METHOD_GET,
		.method_name = { "GET", 3 },
		.target = { "/store/v1/products", 18 },
		.header = two_headers,
		.arg = arena_printf(*state, "Bearer %s", good_token(*state)),
		.now_s = NOW,
	};
	struct verdict v;

	core_decide(core, *state, &r, &v);
	is_fault(&v, 401, 900901);
	r.header = NULL;
	core_decide(core, *state, &r, &v);
	is_fault(&v, 401, 900902);
}

static void the_scheme_word_ignores_case(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v;

	decide(core, *state, METHOD_GET, "/store/v1/products",
		arena_printf(*state, "BEARER   %s  ", good_token(*state)), NOW, &v);
	forwards(&v, "/products");
}

static void claims_decide(void **state)
{
	struct core *core = a_store(*state);
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
			struct verdict v = get(*state, core, "/store/v1/products", token);

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
	struct core *core = a_store(*state);
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
		struct verdict v = get(a, core, "/store/v1/products", token);

		if ((v.kind == VERDICT_FORWARD) != cases[i].good)
			fail_msg("%s with %d", cases[i].header, cases[i].hash);
	}
}

static void a_wrong_key_does_not_count(void **state)
{
	struct core *core = a_store(*state);
	char *token = a_token(*state, test_key(1), "{\"iss\":\"iss\",\"aud\":\"aud\"}");
	struct verdict v = get(*state, core, "/store/v1/products", token);

	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "signature");
	/* Right key for issuer 1, and the operation accepts both issuers. */
	v = get(*state, core, "/store/v1/two", a_token(*state, test_key(1), "{\"iss\":\"iss2\"}"));
	forwards(&v, "/two");
	v = get(*state, core, "/store/v1/two", a_token(*state, test_key(0), "{\"iss\":\"iss2\"}"));
	is_fault(&v, 401, 900901);
}

static void damaged_tokens_are_refused(void **state)
{
	struct core *core = a_store(*state);
	struct arena *a = *state;
	char *good = good_token(a);
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
		struct verdict v = get(a, core, "/store/v1/products", bad[i]);

		is_fault(&v, 401, 900901);
	}
}

static void padding_is_tolerated_and_signed_as_sent(void **state)
{
	struct core *core = a_store(*state);
	struct arena *a = *state;
	char *head = arena_printf(a, "%s.%s", "eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJpc3MyIn0=");
	char *token = sign_token(a, test_key(1), 256, "{\"alg\":\"RS256\"}", "{\"iss\":\"iss2\"}");
	struct verdict v;

	/* Padding added behind the signer's back is another text, so another signature. */
	v = get(a, core, "/store/v1/other", arena_printf(a, "%s%s", head, strrchr(token, '.')));
	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "signature");
	v = get(a, core, "/store/v1/other", arena_printf(a, "%s==", token));
	forwards(&v, "/other");
}

static void tokens_beyond_the_bound_are_refused_before_work(void **state)
{
	struct core *core = a_store(*state);
	char *huge = arena_alloc(*state, 20000);
	struct verdict v;

	memset(huge, 'a', 19999);
	v = get(*state, core, "/store/v1/products", huge);
	is_fault(&v, 401, 900901);
	assert_string_equal(v.reason, "token too long");
}

static char *with_scope(struct arena *a, const char *scope)
{
	return a_token(a, test_key(0),
		arena_printf(a, "{\"iss\":\"iss\",\"aud\":\"aud\",\"scope\":%s}", scope));
}

static void one_scope_of_the_operation_suffices(void **state)
{
	struct core *core = a_store(*state);
	struct arena *a = *state;
	static const struct {
		const char *scope;
		bool good;
	} cases[] = {
		{ "\"add\"", true },
		{ "\"x admin y\"", true },
		{ "\" add\"", true },
		{ "\"adder\"", false },
		{ "\"ad\"", false },
		{ "\"xadd\"", false },
		{ "\"add,admin\"", false },
		{ "null", false },
		{ "\"\"", false },
		{ "\"ADD\"", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v;

		decide(core, a, METHOD_POST, "/store/v1/products",
			arena_printf(a, "Bearer %s", with_scope(a, cases[i].scope)), NOW, &v);
		if (cases[i].good)
			forwards(&v, "/products");
		else
			body_is(&v, 403,
				"{\"fault\":{\"code\":900910, \"message\":\"The access token does "
				"not allow you to access the requested resource\", "
				"\"description\":\"The access token does not allow you to access "
				"the requested resource\"}}");
	}
}

static void subscriptions_are_matched_exactly_where_asked_for(void **state)
{
	struct core *core = a_store(*state);
	struct arena *a = *state;
	static const struct {
		const char *apis;
		bool good;
	} cases[] = {
		{ "[{\"name\":\"Store\",\"version\":\"v1.0.0\"}]", true },
		{ "[{\"name\":\"x\",\"version\":\"y\"},{\"name\":\"Store\",\"version\":\"v1.0.0\"}]",
			true },
		{ "[{\"name\":\"Store\",\"version\":\"v1\"}]", false },
		{ "[{\"name\":\"store\",\"version\":\"v1.0.0\"}]", false },
		{ "[{\"name\":\"v1.0.0\",\"version\":\"Store\"}]", false },
		{ "[{\"name\":\"a\",\"version\":\"Store\"},{\"name\":\"v1.0.0\",\"version\":\"b\"}]",
			false },
		{ "[]", false },
		{ "{}", false },
		{ "null", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = a_token(a, test_key(0),
			arena_printf(a, "{\"iss\":\"sub\",\"subscribedAPIs\":%s}", cases[i].apis));
		struct verdict v = get(a, core, "/store/v1/subscribers", token);

		if (cases[i].good)
			forwards(&v, "/subscribers");
		else
			is_fault(&v, 403, 900908);
	}
}

static void the_key_type_chooses_the_backend(void **state)
{
	struct core *core = a_store(*state);
	struct arena *a = *state;
	char *token = a_token(
		a, test_key(0), "{\"iss\":\"iss\",\"aud\":\"aud\",\"keytype\":\"SANDBOX\"}");
	struct verdict v = get(a, core, "/store/v1/products", token);

	forwards(&v, "/products");
	assert_string_equal(v.endpoint->urls[0], "https://sandbox:8443");
	assert_true(v.sandbox);
	v = get(a, core, "/store/v1/products/1", token);
	body_is(&v, 403,
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Sandbox key offered to the API with no "
		"sandbox endpoint\"}");
	v = get(a, core, "/store/v1/sandbox", NULL);
	body_is(&v, 403,
		"{\"ERROR_CODE\":\"900901\", \"ERROR_MESSAGE\":\"Production key offered to the API with "
		"no production endpoint\"}");
}

static void open_operations_keep_their_own_credentials(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v = get(*state, core, "/store/v1/open", "for.the.backend");

	forwards(&v, "/open");
	assert_false(v.strip_auth);
}

static void unknown_places_are_404_in_plain_text(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v = get(*state, core, "/nothing?x", NULL);

	body_is(&v, 404, "no matching service found for path : /nothing");
	assert_string_equal(v.content_type, "text/plain");
	v = get(*state, core, "/store/v1/nothing", NULL);
	body_is(&v, 404, "no matching resource found for path : /store/v1/nothing , method : GET");
	v = get(*state, core, "/store/v1x/products", NULL);
	body_is(&v, 404, "no matching service found for path : /store/v1x/products");
}

static void other_methods_are_405_with_allow(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v;

	decide(core, *state, METHOD_DELETE, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
	assert_memory_equal(v.allow.at, "GET, POST, OPTIONS", v.allow.n);
	decide(core, *state, METHOD_OTHER, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
	decide(core, *state, METHOD_HEAD, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 405, "Method not allowed");
}

static void options_is_answered_by_the_gateway(void **state)
{
	struct core *core = a_store(*state);
	struct verdict v;

	decide(core, *state, METHOD_OPTIONS, "/store/v1/products", NULL, NOW, &v);
	body_is(&v, 200, "");
	assert_int_equal(v.allow.n, strlen("GET, POST, OPTIONS"));
	decide(core, *state, METHOD_OPTIONS, "/store/v1/nothing", NULL, NOW, &v);
	assert_int_equal(v.status, 404);
}

static void health_needs_no_credentials(void **state)
{
	struct core *core = a_store(*state);
	static const char *const places[] = { "/health", "/health?x", "/health/", "/health/a/b" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct verdict v = get(*state, core, places[i], NULL);

		assert_int_equal(v.kind, VERDICT_HEALTH);
		assert_int_equal(v.status, 200);
		assert_memory_equal(v.body.at, "{\"status\":\"healthy\"}", v.body.n);
	}
	assert_int_equal(get(*state, core, "/healthy", NULL).status, 404);
}

static void long_targets_are_414(void **state)
{
	struct core *core = a_store(*state);
	char *target = arena_alloc(*state, 5000);
	struct verdict v;

	memset(target, 'a', 4097);
	target[0] = '/';
	v = get(*state, core, target, NULL);
	assert_int_equal(v.status, 414);
	target[4096] = '\0';
	v = get(*state, core, target, NULL);
	assert_int_equal(v.status, 404);
}

static void no_spelling_of_a_path_opens_it(void **state)
{
	struct core *core = a_store(*state);
	static const struct {
		const char *target;
		int status;
	} cases[] = {
		{ "/store/v1/open/../products", 400 },
		{ "/store/v1/open/..;/products", 400 },
		{ "/store/v1/open/%2e%2e/products", 400 },
		{ "/store/v1/open/.%2E/products", 400 },
		{ "/store/v1/./products", 400 },
		{ "/store/v1/open%2f..%2fproducts", 400 },
		{ "/store/v1/open%5c..%5cproducts", 400 },
		{ "/store/v1/open\\..\\products", 400 },
		{ "/store/v1/open%00", 400 },
		{ "/store/v1/open%0d%0aX:", 400 },
		{ "/store/v1/open;x=1", 400 },
		{ "/store/v1/open%3bx", 400 },
		{ "/store/v1/products%", 400 },
		{ "/store/v1/products%4", 400 },
		{ "/store/v1/products%zz", 400 },
		{ "/store/v1/open#/products", 400 },
		{ "/store/v1/open?a#b", 400 },
		{ "store/v1/products", 400 },
		{ "http://x/store/v1/open", 400 },
		{ "", 400 },
		{ "?", 400 },
		{ "/store/v1//products", 404 },
		{ "//store/v1/products", 404 },
		{ "/store/v1/products//", 404 },
		{ "/store/v1/PRODUCTS", 404 },
		{ "/store/v1/%70roducts", 401 },
		{ "/store/%76%31/products", 401 },
		{ "/store/v1/products/", 401 },
		{ "/store/v1/products/%252e%252e", 401 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = get(*state, core, cases[i].target, NULL);

		if (v.kind != VERDICT_ANSWER || v.status != cases[i].status)
			fail_msg("%s: %d, expected %d", cases[i].target, v.status, cases[i].status);
	}
}

static void what_was_matched_is_forwarded_in_one_spelling(void **state)
{
	struct core *core = a_store(*state);
	char *token = good_token(*state);
	static const char *const cases[][2] = {
		{ "/store/v1/%70roducts", "/products" },
		{ "/store/v1/products/a%20b", "/products/a%20b" },
		{ "/store/v1/products/%c3%a9", "/products/%C3%A9" },
		{ "/store/v1/products/\xc3\xa9", "/products/%C3%A9" },
		{ "/store/v1/products/%7Ea%3ab%25", "/products/~a:b%25" },
		{ "/store/v1/products/%252f", "/products/%252f" },
		{ "/store/v1/products/{x}", "/products/%7Bx%7D" },
		{ "/store/v1/products/", "/products/" },
		{ "/store/v1/products?a=/../%2f", "/products?a=/../%2f" },
		{ "/store/v1/products??", "/products??" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = get(*state, core, cases[i][0], token);

		forwards(&v, cases[i][1]);
	}
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
				json_format(*state, settings))));
	char *token = a_token(*state, test_key(0), "{\"iss\":\"i\"}");
	struct core *core;
	struct verdict v;

	c.token_cache_entries = 0;
	core = core_new(&c, NULL);
	arena_defer(*state, free_core, core);
	for (int i = 0; i < 2; i++) {
		v = get(*state, core, "/", token);
		forwards(&v, "/");
		assert_false(v.token_cached);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_token_reaches_the_backend, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_second_look_at_a_token_comes_from_the_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cached_token_still_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_cached_token_dies_with_its_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_cached_token_is_judged_for_each_operation, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_articles_token_verifies_under_its_public_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_credentials_they_are_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(other_schemes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			two_credentials_are_refused_even_if_one_is_good, setup, teardown),
		cmocka_unit_test_setup_teardown(the_scheme_word_ignores_case, setup, teardown),
		cmocka_unit_test_setup_teardown(claims_decide, setup, teardown),
		cmocka_unit_test_setup_teardown(the_key_decides_the_algorithm, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_key_does_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_tokens_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			padding_is_tolerated_and_signed_as_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tokens_beyond_the_bound_are_refused_before_work, setup, teardown),
		cmocka_unit_test_setup_teardown(
			one_scope_of_the_operation_suffices, setup, teardown),
		cmocka_unit_test_setup_teardown(
			subscriptions_are_matched_exactly_where_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(the_key_type_chooses_the_backend, setup, teardown),
		cmocka_unit_test_setup_teardown(
			open_operations_keep_their_own_credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(
			unknown_places_are_404_in_plain_text, setup, teardown),
		cmocka_unit_test_setup_teardown(other_methods_are_405_with_allow, setup, teardown),
		cmocka_unit_test_setup_teardown(
			options_is_answered_by_the_gateway, setup, teardown),
		cmocka_unit_test_setup_teardown(health_needs_no_credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(long_targets_are_414, setup, teardown),
		cmocka_unit_test_setup_teardown(no_spelling_of_a_path_opens_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_matched_is_forwarded_in_one_spelling, setup, teardown),
		cmocka_unit_test_setup_teardown(the_cache_may_be_switched_off, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
