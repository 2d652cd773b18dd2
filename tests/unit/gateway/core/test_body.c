#include "gateway/core/body.h"
#include "gateway/core/contract.h"
#include "gateway/core/mock.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

#define OPEN "'secured':false,'issuers':[],'scopes':[]"
static const char apis[] =
	"[{'title':'A','version':'1','basePath':'/a','authHeader':'authorization','paths':["
	"{'template':'/b','operations':["
	"{'method':'POST','id':'post'," OPEN
	",'endpoint':0,'tier':'one','request':{'required':true,"
	"'types':[{'type':'application/json','schema':0},{'type':'text/*'}]},"
	"'responses':[{'status':0,'types':[{'type':'*/*','schema':1}]},{'status':2,'types':[{'type':'application/json','schema':0}]},"
	"{'status':204,'types':[]}]},"
	"{'method':'PUT','id':'put','secured':true,'issuers':[0],'scopes':['w'],'endpoint':0,'request':{'required':false,'types':[]}}]},"
	"{'template':'/hooked','operations':["
	"{'method':'POST','id':'hooked'," OPEN
	",'endpoint':0,'tier':'one','requestHook':0,'request':{'required':true,'types':[{'type':'application/json','schema':0}]}},"
	"{'method':'PUT','id':'blind'," OPEN ",'endpoint':0,'requestHook':1,'responseHook':0}]}]}]";

static struct arena *a;
static struct core *core;
static struct contract *contract;

struct sent {
	const char *type;
	const char *authorization;
	const char *coding;
	bool is_stream;
};

static struct span text(const char *s)
{
	return (struct span){ s, s ? strlen(s) : 0 };
}

static bool header(void *arg, const char *name, struct span *ret, size_t *ret_n)
{
	const struct sent *sent = arg;

	*ret = text(str_eq(name, "content-type")       ? sent->type
		    : str_eq(name, "authorization")    ? sent->authorization
		    : str_eq(name, "content-encoding") ? sent->coding
						       : NULL);
	*ret_n = ret->at != NULL;
	return ret->at != NULL;
}

static struct verdict ask_at(const char *target, enum method m, struct sent sent, const char *body)
{
	struct span bytes = text(body);
	struct core_request r = { .method = m,
		.method_name = text(method_name(m)),
		.target = text(target),
		.is_stream = sent.is_stream,
		.header = header,
		.arg = &sent,
		.client = text("192.0.2.1"),
		.now_s = 1700000040,
		.body = body ? &bytes : NULL };
	struct verdict v;

	core_decide(core, a, &r, &v);
	return v;
}

static struct verdict ask(enum method m, struct sent sent, const char *body)
{
	return ask_at("/a/b", m, sent, body);
}

static int start(void **state)
{
	struct err err;
	struct json *root;
	char *key;

	(void)state;
	a = arena_new();
	key = test_key_json(a, test_key(0), 0, 0);
	root = json_format(a,
		"{'version':1,'apis':%j,'issuers':[{'security':'s','issuer':'iss','validateSubscription':false,"
		"'keys':[%j]}],'endpoints':[{'url':'http://h'}],'schemas':[{'type':'object','required':['n']},{'type':'array'}],"
		"'hooks':{'milliseconds':5,'kilobytes':64,'scripts':['--! body 2 kB','return nil']},"
		"'limits':{'resource':[{'name':'one','count':1,'unitSeconds':60,'units':1,'overQuota':false}],"
		"'application':[],'subscription':[{'name':'Default','count':9,'unitSeconds':60,'units':1,'overQuota':false},"
		"{'name':'Unauthenticated','count':9,'unitSeconds':60,'units':1,'overQuota':false}]},'settings':%j}",
		json_format(a, apis), json_parse(a, key, strlen(key), &err),
		json_format(a, test_settings));
	contract = a_contract(a, json_text(a, root));
	core = core_new(contract, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	core_free(core);
	arena_free(a);
	return 0;
}

static void a_refused_body_is_not_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			ask(METHOD_POST, (struct sent){ .type = "application/json" }, "{}").status,
			400);
	assert_int_equal(
		ask(METHOD_POST, (struct sent){ .type = "application/json" }, "{\"n\":1}").kind,
		VERDICT_FORWARD);
	assert_int_equal(ask(METHOD_POST, (struct sent){ .type = "application/json" }, "{\"n\":1}")
				 .fault_code,
		900802);
}

static void a_body_is_asked_for_only_from_who_may_send_one(void **state)
{
	const char *token =
		a_token(a, test_key(0), "{\"iss\":\"iss\",\"scope\":\"w\",\"exp\":1700001000}");
	const char *other = a_token(a, test_key(0), "{\"iss\":\"iss\",\"exp\":1700001000}");

	(void)state;
	assert_int_equal(ask(METHOD_PUT, (struct sent){ 0 }, NULL).fault_code, 900902);
	assert_int_equal(
		ask(METHOD_PUT,
			(struct sent){ .authorization = arena_printf(a, "Bearer %s", other) }, NULL)
			.fault_code,
		900910);
	assert_int_equal(
		ask(METHOD_PUT,
			(struct sent){ .authorization = arena_printf(a, "Bearer %s", token) }, NULL)
			.kind,
		VERDICT_READ);
	assert_int_equal(
		ask(METHOD_PUT,
			(struct sent){ .authorization = arena_printf(a, "Bearer %s", token) }, "")
			.kind,
		VERDICT_FORWARD);
}

static void a_body_that_hooks_ask_for_is_read_and_not_judged_yet(void **state)
{
	const struct sent json = { .type = "application/json" };
	struct verdict v = ask_at("/a/hooked", METHOD_POST, json, NULL);

	(void)state;
	assert_int_equal(v.kind, VERDICT_READ);
	assert_int_equal(v.most_body, 2048);
	v = ask_at("/a/hooked", METHOD_POST, json, "{}");
	assert_int_equal(v.kind, VERDICT_FORWARD);
	assert_false(body_is_as_documented(a, contract,
		&(struct core_request){ .header = header,
			.arg = &(struct sent){ .type = "text/csv" },
			.body = &(struct span){ "x", 1 } },
		&v));
	assert_int_equal(v.status, 400);
	assert_int_equal(ask_at("/a/hooked", METHOD_PUT, json, NULL).kind, VERDICT_FORWARD);
	v = ask(METHOD_POST, json, NULL);
	assert_int_equal(v.most_body, 1024 * 1024);
}

static void a_body_that_hooks_cannot_read_is_refused_unread(void **state)
{
	const struct sent coded = { .type = "application/json", .coding = "gzip" };
	const struct sent stream = { .type = "application/grpc", .is_stream = true };

	(void)state;
	assert_int_equal(ask_at("/a/hooked", METHOD_POST, coded, NULL).status, 415);
	assert_int_equal(ask_at("/a/hooked", METHOD_PUT, coded, NULL).kind, VERDICT_FORWARD);
	/* Nobody sees a stream's: the document judges it as elsewhere. */
	assert_int_equal(ask_at("/a/hooked", METHOD_POST, stream, "x").status, 400);
}

static void a_type_that_is_not_named_is_refused(void **state)
{
	const struct contract_operation *op = &contract->apis[0].paths[0].operations[0];

	(void)state;
	assert_null(body_request_wrong(a, contract, op, text("text/csv"), 1, text("x")));
	assert_null(body_request_wrong(
		a, contract, op, text("Application/JSON ; charset=utf-8"), 1, text("{\"n\":1}")));
	assert_non_null(body_request_wrong(a, contract, op, text("text/"), 1, text("x")));
	assert_non_null(body_request_wrong(a, contract, op, text("application/xml"), 1, text("x")));
	assert_non_null(body_request_wrong(a, contract, op, text("text/csv"), 2, text("x")));
	assert_non_null(body_request_wrong(a, contract, op, text(""), 0, text("x")));
	assert_non_null(body_request_wrong(a, contract, op, text(""), 0, text("")));
}

static void an_answer_is_judged_by_its_status(void **state)
{
	const struct contract_operation *op = &contract->apis[0].paths[0].operations[0];
	struct span json = text("application/json");

	(void)state;
	assert_ptr_equal(body_answer_schema(contract, op, 201, json), &contract->schemas[0]);
	assert_ptr_equal(body_answer_schema(contract, op, 404, json), &contract->schemas[1]);
	assert_null(body_answer_schema(contract, op, 204, json));
	assert_null(body_answer_schema(contract, op, 404, text("text/html")));
	assert_null(body_wrong(a, &contract->schemas[1], text("[]")));
	assert_non_null(body_wrong(a, &contract->schemas[1], text("")));
}

/* What the loader says of a contract with these schemas and this operation. */
static const char *refusal(const char *schemas, const char *operation)
{
	static const char limits[] = "{'resource':[],'application':[],'subscription':[]}";
	struct err err = { .msg = "" };
	const char *json = json_text(a,
		json_format(a,
			"{'version':1,'apis':[{'title':'A','version':'1','basePath':'/a','authHeader':'authorization','paths':["
			"{'template':'/b','operations':[%j]}]}],'issuers':[],'endpoints':[{'url':'http://h'}],'schemas':%j,"
			"'limits':%j,'settings':%j}",
			json_format(a, operation), json_format(a, schemas), json_format(a, limits),
			json_format(a, test_settings)));

	if (contract_load(a, json, strlen(json), &err))
		return "";
	return arena_dup(a, err.msg);
}

#define OPERATION "{'method':'GET','id':'i'," OPEN

static void a_contract_that_cannot_be_enforced_does_not_load(void **state)
{
	(void)state;
	assert_string_equal(refusal("[{'type':'object'}]", OPERATION ",'endpoint':0}"), "");
	assert_non_null(strstr(refusal("[{},{'format':'date'}]", OPERATION ",'endpoint':0}"),
		"schemas[1].#/format: is not supported"));
	assert_non_null(strstr(refusal("[{'pattern':'(?!a)'}]", OPERATION ",'endpoint':0}"),
		"schemas[0].#/pattern: "));
	assert_non_null(strstr(
		refusal("[{}]", OPERATION
			",'endpoint':0,'request':{'required':true,'types':[{'type':'a/b','schema':1}]}}"),
		"types[0].schema: "));
	assert_non_null(strstr(
		refusal("[]", OPERATION ",'endpoint':0,'responses':[{'status':7,'types':[]}]}"),
		"responses[0].status: "));
	assert_non_null(strstr(
		refusal("[]", OPERATION
			",'endpoint':0,'examples':[{'status':200,'name':'','type':'','body':''}]}"),
		"endpoint: "));
	assert_string_equal(refusal("[]", OPERATION
				    ",'examples':[{'status':200,'name':'','type':'','body':''}]}"),
		"");
	assert_non_null(strstr(
		refusal("[]", OPERATION
			",'examples':[{'status':200,'name':'','type':'a/b\\r\\nX: y','body':''}]}"),
		"examples[0].type: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_body_is_not_counted),
		cmocka_unit_test(a_body_is_asked_for_only_from_who_may_send_one),
		cmocka_unit_test(a_body_that_hooks_ask_for_is_read_and_not_judged_yet),
		cmocka_unit_test(a_body_that_hooks_cannot_read_is_refused_unread),
		cmocka_unit_test(a_type_that_is_not_named_is_refused),
		cmocka_unit_test(an_answer_is_judged_by_its_status),
		cmocka_unit_test(a_contract_that_cannot_be_enforced_does_not_load),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
