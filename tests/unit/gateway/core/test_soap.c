#include "gateway/core/introspection.h"
#include "gateway/core/soap.h"
#include "gateway/core/token.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/shop.h"
#include "tests/support/unit.h"

enum {
	BELIEVE_S = 900,
};

#define BEFORE                                                                                     \
	"<?xml version='1.0' encoding='UTF-8'?>"                                                   \
	"<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"           \
	"<soapenv:Body><ns:validateKeyResponse xmlns:ns=\"http://org.apache.axis2/xsd\">"
#define RETURN                                                                                     \
	"<ns:return xmlns:x=\"http://dto.impl.apimgt.carbon.wso2.org/xsd\" "                       \
	"xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"x:APIKeyValidationInfoDTO\">"
#define AFTER "</ns:validateKeyResponse></soapenv:Body></soapenv:Envelope>"
#define WHOLE(fields) BEFORE RETURN fields "</ns:return>" AFTER

static const struct contract_operation operation = { .method = METHOD_DELETE };
static const struct contract_path path = { .template = "/pet/{petId}" };
static const struct contract_api api = {
	.title = "Pets & Co", .version = "v1", .base_path = "/pets/v1"
};
static const struct core_question question = {
	.token = { "0c8d9e", 6 }, .api = &api, .path = &path, .operation = &operation
};

static struct introspection said(struct arena *a, int status, const char *body)
{
	struct introspection i;

	soap_read(a, &question, status, (struct span){ body, strlen(body) }, NOW, BELIEVE_S, &i);
	return i;
}

/* ---- the question ---- */

static void the_question_is_about_one_use_of_a_token(void **state)
{
	struct span s = soap_question(*state, &question);

	assert_string_equal(s.at,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope "
		"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
		"xmlns:xsd=\"http://org.apache.axis2/xsd\"><soapenv:Body><xsd:validateKey>"
		"<xsd:context>/pets/v1</xsd:context><xsd:version>v1</xsd:version>"
		"<xsd:accessToken>0c8d9e</xsd:accessToken>"
		"<xsd:requiredAuthenticationLevel>Any</xsd:requiredAuthenticationLevel>"
		"<xsd:clientDomain>*</xsd:clientDomain>"
		"<xsd:matchingResource>/pet/{petId}</xsd:matchingResource>"
		"<xsd:httpVerb>DELETE</xsd:httpVerb>"
		"</xsd:validateKey></soapenv:Body></soapenv:Envelope>");
	assert_int_equal(s.n, strlen(s.at));
}

static void a_token_cannot_say_more_than_a_token(void **state)
{
	struct core_question q = question;

	q.token = (struct span){ "a</xsd:accessToken>&\"'", 22 };
	assert_non_null(strstr(soap_question(*state, &q).at,
		"<xsd:accessToken>a&#60;/xsd:accessToken&#62;&#38;&#34;&#39;</xsd:accessToken>"));
}

static void a_context_has_the_version_in_it(void **state)
{
	struct contract_api plain = { .title = "Pets", .version = "v1\n<", .base_path = "/pets" };
	struct core_question q = question;

	q.api = &plain;
	assert_non_null(strstr(soap_question(*state, &q).at,
		"<xsd:context>/pets/v1 &#60;</xsd:context><xsd:version>v1 &#60;</xsd:version>"));
}

/* ---- the answer ---- */

static void an_authorized_token_brings_all_that_is_said_of_it(void **state)
{
	struct introspection i = said(*state, 200,
		WHOLE("<x:apiName>Pets</x:apiName><x:apiTier>10kPerMin</x:apiTier>"
		      "<x:applicationId>7</x:applicationId><x:applicationName>shop</x:applicationName>"
		      "<x:applicationTier>50PerMin</x:applicationTier><x:authorized>true</x:authorized>"
		      "<x:endUserName>alice&amp;bob</x:endUserName>"
		      "<x:endUserToken>a.b.c</x:endUserToken><x:issuedTime>1699999990000</x:issuedTime>"
		      "<x:scopes>read</x:scopes><x:scopes>write</x:scopes>"
		      "<x:stopOnQuotaReach>false</x:stopOnQuotaReach><x:tier>Gold</x:tier>"
		      "<x:type>SANDBOX</x:type><x:validationStatus>0</x:validationStatus>"
		      "<x:validityPeriod>110000</x:validityPeriod>"));

	assert_null(i.failure);
	assert_true(i.is_active);
	assert_string_equal(i.token.subject, "alice&bob");
	assert_string_equal(i.token.application, "shop");
	assert_string_equal(i.token.application_id, "7");
	assert_string_equal(i.token.application_tier, "50PerMin");
	assert_string_equal(i.token.api_tier, "10kPerMin");
	assert_string_equal(token_subscription_tier(&i.token, api.title, api.version), "Gold");
	assert_string_equal(i.token.backend_jwt, "a.b.c");
	assert_true(i.token.sandbox && i.token.over_quota && i.token.is_judged);
	assert_int_equal(i.token.exp, NOW + 100);
}

static void what_is_not_said_is_nothing(void **state)
{
	struct introspection i = said(*state, 200,
		WHOLE("<x:authorized>true</x:authorized><x:tier i:nil=\"1\"/><x:type/>"
		      "<x:validityPeriod>9223372036854775807</x:validityPeriod>"
		      "<x:endUserToken>a b\n</x:endUserToken>"));

	assert_true(i.is_active);
	assert_string_equal(i.token.subject, "");
	assert_string_equal(i.token.api_tier, "");
	assert_string_equal(i.token.backend_jwt, "");
	assert_string_equal(token_subscription_tier(&i.token, api.title, api.version), "");
	assert_false(i.token.sandbox || i.token.over_quota);
	assert_int_equal(i.token.exp, NOW + BELIEVE_S);
}

static void a_token_is_not_believed_beyond_its_end(void **state)
{
	static const struct {
		const char *fields;
		bool is_active;
		int64_t exp;
	} cases[] = {
		{ "<x:validityPeriod>5000</x:validityPeriod>", true, NOW + 5 },
		{ "<x:validityPeriod>-1</x:validityPeriod>", true, NOW + BELIEVE_S },
		{ "<x:validityPeriod>0</x:validityPeriod>", true, NOW + BELIEVE_S },
		{ "<x:validityPeriod>soon</x:validityPeriod>", true, NOW + BELIEVE_S },
		{ "<x:validityPeriod>999999999999999999</x:validityPeriod>"
		  "<x:issuedTime>999999999999999999</x:issuedTime>",
			true, NOW + BELIEVE_S },
		{ "<x:validityPeriod>1000</x:validityPeriod><x:issuedTime>0</x:issuedTime>", false,
			NOW + INTROSPECTION_BAD_S },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct introspection got = said(*state, 200,
			arena_printf(*state, WHOLE("<x:authorized>true</x:authorized>%s"),
				cases[i].fields));

		assert_null(got.failure);
		assert_int_equal(got.is_active, cases[i].is_active);
		assert_int_equal(got.token.exp, cases[i].exp);
		assert_int_equal(got.token.refused, cases[i].is_active ? 0 : 900903);
	}
}

static void a_refusal_has_the_key_managers_code(void **state)
{
	static const struct {
		const char *status;
		int code;
	} cases[] = { { "900901", 900901 }, { "900903", 900903 }, { "900908", 900908 },
		{ "900910", 900910 }, { "900911", 900901 }, { "900902", 900901 },
		{ "900999", 900901 }, { "", 900901 }, { "-1", 900901 },
		{ "9009080000000000000000", 900901 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct introspection got = said(*state, 200,
			arena_printf(*state,
				WHOLE("<x:authorized>false</x:authorized>"
				      "<x:validationStatus>%s</x:validationStatus>"),
				cases[i].status));

		assert_null(got.failure);
		assert_false(got.is_active);
		assert_int_equal(got.token.refused, cases[i].code);
		assert_int_equal(got.token.exp, NOW + INTROSPECTION_BAD_S);
	}
}

static void a_key_manager_in_trouble_says_nothing_of_a_token(void **state)
{
	static const char own[] = WHOLE("<x:authorized>false</x:authorized>"
					"<x:validationStatus>900900</x:validationStatus>");

	assert_string_equal(said(*state, 401, "").failure,
		"key manager: status 401, it refuses the gateway's own credentials");
	assert_string_equal(said(*state, 500, WHOLE("<x:authorized>true</x:authorized>")).failure,
		"key manager: status 500");
	assert_string_equal(
		said(*state, 200, own).failure, "key manager: an error of its own, 900900");
}

static void only_the_one_answer_is_one(void **state)
{
	static const char *const bodies[] = {
		"",
		"<html>",
		WHOLE(""),
		WHOLE("<x:authorized>TRUE</x:authorized>"),
		WHOLE("<x:authorized>true</x:authorized><x:authorized>true</x:authorized>"),
		WHOLE("<x:authorized><x:authorized>true</x:authorized></x:authorized>"),
		WHOLE("<x:authorized>tr<b/>ue</x:authorized>"),
		WHOLE("<x:more><x:authorized>true</x:authorized></x:more>"),
		WHOLE("<ns:authorized>true</ns:authorized>"),
		WHOLE("<authorized>true</authorized>"),
		WHOLE("<x:authorized>true</x:authorized>") "<more/>",
		BEFORE RETURN "<x:authorized>true</x:authorized>",
		BEFORE RETURN "</ns:return>" RETURN
			      "<x:authorized>true</x:authorized></ns:return>" AFTER,
		BEFORE "<ns:more>" RETURN
		       "<x:authorized>true</x:authorized></ns:return></ns:more>" AFTER,
		"<!DOCTYPE x [<!ENTITY yes \"true\">]>"
		"<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"
		"<soapenv:Body><ns:validateKeyResponse xmlns:ns=\"http://org.apache.axis2/xsd\">" RETURN
		"<x:authorized>&yes;</x:authorized></ns:return>" AFTER,
		"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>",
		WHOLE("<x:authorized>true</x:authorized><x:tier>&yes;</x:tier>"),
		WHOLE("<x:authorized>true</x:authorized><x:tier>\xff</x:tier>"),
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_string_equal(said(*state, 200, bodies[i]).failure,
			"key manager: no answer of validateKey");
	assert_null(said(*state, 200, WHOLE("<x:authorized>true</x:authorized>")).failure);
}

static void fields_are_bounded(void **state)
{
	char *longest = arena_alloc(*state, TOKEN_MAX_BYTES + 2);
	static const char format[] = WHOLE("<x:authorized>true</x:authorized><x:tier>%s</x:tier>");

	memset(longest, 'x', TOKEN_MAX_BYTES + 1);
	assert_non_null(said(*state, 200, arena_printf(*state, format, longest)).failure);
	longest[1000] = '\0';
	assert_null(said(*state, 200, arena_printf(*state, format, longest)).failure);
}

/* ---- what the core makes of it ---- */

static struct core *a_gateway(struct arena *a)
{
	struct json *root = json_format(a,
		"{'version':1,'apis':[{'title':'Pets','version':'v1','basePath':'/pets',"
		"'authHeader':'authorization','paths':["
		"{'template':'/pet/{id}','operations':["
		"{'method':'GET','id':'get','secured':true,'issuers':[],'schemes':[0],'scopes':['read'],"
		"'endpoint':0,'sandbox':1},"
		"{'method':'PUT','id':'put','secured':true,'issuers':[],'schemes':[0],'scopes':[],"
		"'endpoint':0}]}]}],"
		"'schemes':[{'type':'oauth','security':'km','url':'https://km:9443/soap','soap':true}],'issuers':[],"
		"'limits':{'resource':[{'name':'1PerMin','count':1,'unitSeconds':60,'units':1,'overQuota':false}],"
		"'application':[],'subscription':["
		"{'name':'Tiny','count':1,'unitSeconds':60,'units':1,'overQuota':false}]},"
		"'endpoints':[{'url':'http://pets'},{'url':'http://sandbox'}],'settings':%j}",
		json_format(a, test_settings));
	struct core *core = core_new(a_contract(a, json_text(a, root)), NULL);

	shop_frees(a, core);
	return core;
}

static bool authorization(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	*ret = *(const struct span *)arg;
	*ret_n = 1;
	return str_eq(name, "authorization");
}

static struct verdict called(struct arena *a, struct core *core, enum method method,
	const char *token, const struct introspection *told)
{
	const char *value = arena_printf(a, "Bearer %s", token);
	struct span header = { value, strlen(value) };
	struct core_request r = { .method = method,
		.method_name = { method_name(method), strlen(method_name(method)) },
		.target = { "/pets/pet/1", 11 },
		.header = authorization,
		.arg = &header,
		.now_s = NOW,
		.introspection = told };
	struct verdict v;

	core_decide(core, a, &r, &v);
	return v;
}

/* As the module does it: asks, learns, decides again. */
static struct verdict answered(struct arena *a, struct core *core, enum method method,
	const char *token, const char *fields)
{
	struct verdict v = called(a, core, method, token, NULL);
	struct introspection i;
	const char *body = arena_printf(a, "%s%s%s", BEFORE RETURN, fields, "</ns:return>" AFTER);

	assert_int_equal(v.kind, VERDICT_ASK);
	assert_string_equal(v.ask.path->template, "/pet/{id}");
	assert_int_equal(v.ask.operation->method, method);
	soap_read(a, &v.ask, 200, (struct span){ body, strlen(body) }, NOW, BELIEVE_S, &i);
	core_learn(core, &v.ask, &i);
	return called(a, core, method, token, &i);
}

#define GOOD "<x:authorized>true</x:authorized>"

static void each_operation_is_asked_about_once(void **state)
{
	struct core *core = a_gateway(*state);
	struct verdict v = answered(*state, core, METHOD_GET, "good",
		GOOD "<x:endUserToken>a.b.c</x:endUserToken><x:type>SANDBOX</x:type>"
		     "<x:tier>Unlimited</x:tier>");

	assert_int_equal(v.kind, VERDICT_FORWARD); /* its scopes are the key manager's business */
	assert_true(v.sandbox);
	assert_int_equal(v.backend_jwt.n, 5);
	v = called(*state, core, METHOD_GET, "good", NULL);
	assert_int_equal(v.kind, VERDICT_FORWARD);
	assert_true(v.token_cached && v.sandbox);
	assert_int_equal(v.backend_jwt.n, 5);
	assert_int_equal(called(*state, core, METHOD_PUT, "good", NULL).kind, VERDICT_ASK);
	assert_int_equal(called(*state, core, METHOD_GET, "other", NULL).kind, VERDICT_ASK);
}

static void the_key_managers_fault_is_the_clients(void **state)
{
	struct core *core = a_gateway(*state);
	static const char format[] = "<x:authorized>false</x:authorized>"
				     "<x:validationStatus>%d</x:validationStatus>";
	static const struct {
		int code;
		int status;
	} cases[] = { { 900901, 401 }, { 900903, 401 }, { 900906, 403 }, { 900908, 403 },
		{ 900909, 401 } };
	struct verdict v;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *token = arena_printf(*state, "t%zu", i);

		v = answered(*state, core, METHOD_GET, token,
			arena_printf(*state, format, cases[i].code));
		is_fault(&v, cases[i].status, cases[i].code);
		v = called(*state, core, METHOD_GET, token, NULL);
		is_fault(&v, cases[i].status, cases[i].code);
		assert_true(v.token_cached);
	}
	v = answered(*state, core, METHOD_GET, "scope", arena_printf(*state, format, 900910));
	body_is(&v, 403,
		"{\"fault\":{\"code\":900910, \"message\":\"The access token does not allow you to access "
		"the requested resource\", \"description\":\"The access token does not allow you to access "
		"the requested resource. Unclassified Authentication Failure\"}}");
}

static void tiers_are_the_key_managers(void **state)
{
	struct core *core = a_gateway(*state);
	const char *fields = GOOD "<x:tier>Tiny</x:tier><x:applicationId>1</x:applicationId>";
	struct verdict v = answered(*state, core, METHOD_GET, "tiny", fields);

	assert_int_equal(v.kind, VERDICT_FORWARD);
	v = called(*state, core, METHOD_GET, "tiny", NULL);
	is_fault(&v, 429, 900804);
	v = answered(*state, core, METHOD_GET, "free",
		GOOD "<x:tier>Tiny</x:tier><x:applicationId>1</x:applicationId>"
		     "<x:stopOnQuotaReach>false</x:stopOnQuotaReach>");
	assert_int_equal(v.kind, VERDICT_FORWARD);
	v = answered(*state, core, METHOD_GET, "api",
		GOOD "<x:apiTier>1PerMin</x:apiTier><x:tier>Unlimited</x:tier>");
	assert_int_equal(v.kind, VERDICT_FORWARD);
	v = called(*state, core, METHOD_GET, "api", NULL);
	is_fault(&v, 429, 900800);
	v = answered(*state, core, METHOD_GET, "unknown",
		GOOD "<x:apiTier>Nobody's</x:apiTier><x:tier>Unlimited</x:tier>");
	is_fault(&v, 500, 900809);
}

static void what_xml_cannot_say_is_not_asked(void **state)
{
	struct core *core = a_gateway(*state);
	static const char *const tokens[] = { "a b", "a\tb", "a\x01", "a\xc3\xa9", "a\x7f" };

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		struct verdict v = called(*state, core, METHOD_GET, tokens[i], NULL);

		is_fault(&v, 401, 900901);
	}
	assert_int_equal(called(*state, core, METHOD_GET, "a<&>\"'", NULL).kind, VERDICT_ASK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_begin, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_question_is_about_one_use_of_a_token),
		TEST(a_token_cannot_say_more_than_a_token),
		TEST(a_context_has_the_version_in_it),
		TEST(an_authorized_token_brings_all_that_is_said_of_it),
		TEST(what_is_not_said_is_nothing),
		TEST(a_token_is_not_believed_beyond_its_end),
		TEST(a_refusal_has_the_key_managers_code),
		TEST(a_key_manager_in_trouble_says_nothing_of_a_token),
		TEST(only_the_one_answer_is_one),
		TEST(fields_are_bounded),
		TEST(each_operation_is_asked_about_once),
		TEST(the_key_managers_fault_is_the_clients),
		TEST(tiers_are_the_key_managers),
		TEST(what_xml_cannot_say_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
