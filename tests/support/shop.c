#include "tests/support/shop.h"

#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

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

int shop_begin(void **state)
{
	*state = arena_new();
	return 0;
}

int shop_end(void **state)
{
	arena_free(*state);
	return 0;
}

static void free_core(void *core)
{
	core_free(core);
}

void shop_frees(struct arena *a, struct core *core)
{
	arena_defer(a, free_core, core);
}

struct core *a_shop(struct arena *a)
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
		json_format(a, test_settings));
	struct core *core = core_new(a_contract(a, json_text(a, root)), NULL);

	shop_frees(a, core);
	return core;
}

char *a_good_token(struct arena *a)
{
	return a_token(a, test_key(0),
		"{\"iss\":\"iss\",\"aud\":\"aud\",\"sub\":\"me\",\"exp\":1700003600,"
		"\"application\":{\"name\":\"app\",\"id\":3}}");
}

struct verdict shop_get(struct arena *a, struct core *core, const char *target, const char *token)
{
	struct verdict v;

	decide(core, a, METHOD_GET, target, token ? arena_printf(a, "Bearer %s", token) : NULL, NOW,
		&v);
	return v;
}

void body_is(const struct verdict *v, int status, const char *body)
{
	assert_int_equal(v->kind, VERDICT_ANSWER);
	assert_int_equal(v->status, status);
	assert_int_equal(v->body.n, strlen(body));
	assert_memory_equal(v->body.at, body, v->body.n);
}

void is_fault(const struct verdict *v, int status, int code)
{
	assert_int_equal(v->kind, VERDICT_ANSWER);
	if (v->status != status || v->fault_code != code)
		fail_msg("status %d code %d reason %s, expected %d %d", v->status, v->fault_code,
			v->reason, status, code);
}

void forwards(const struct verdict *v, const char *target)
{
	if (v->kind != VERDICT_FORWARD)
		fail_msg("not forwarded: %d %s", v->status, v->reason ? v->reason : "");
	assert_int_equal(v->forward.n, strlen(target));
	assert_memory_equal(v->forward.at, target, v->forward.n);
}
