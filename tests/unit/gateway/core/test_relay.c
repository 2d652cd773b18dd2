/* What is the key manager's, and not the gateway's or an API's. */
#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/shop.h"
#include "tests/support/unit.h"

static const char apis[] =
	"[{'title':'Root','version':'1','basePath':'','authHeader':'authorization','paths':["
	"{'template':'/revoke','operations':[{'method':'POST','id':'r','secured':false,'issuers':[],"
	"'scopes':[],'endpoint':0}]}]}]";

static const char one_endpoint[] = "[{'url':'https://km/oauth2'},"
				   "{'url':'https://km/oauth2','scheme':1}]";

static struct json *root(struct arena *a, const char *endpoints)
{
	return json_format(a,
		"{'version':1,'apis':%j,'issuers':[],'schemes':[{'type':'basic','security':'b'},"
		"{'type':'oauth','security':'km','url':'https://km/oauth2/introspect'}],"
		"'endpoints':%j,'settings':%j}",
		json_format(a, apis), json_format(a, endpoints), json_format(a, test_settings));
}

static struct core *a_gateway(struct arena *a, const char *endpoints)
{
	struct core *core = core_new(a_contract(a, json_text(a, root(a, endpoints))), NULL);

	shop_frees(a, core);
	return core;
}

struct call {
	enum method method;
	const char *target;
	bool is_plain;
	bool is_at_its_listener;
};

static struct verdict called(struct arena *a, struct core *core, struct call c)
{
	struct core_request r = { .method = c.method,
		.method_name = { method_name(c.method), strlen(method_name(c.method)) },
		.target = { c.target, strlen(c.target) },
		.is_tls = !c.is_plain,
		.is_for_key_manager = c.is_at_its_listener,
		.now_s = NOW };
	struct verdict v;

	core_decide(core, a, &r, &v);
	return v;
}

static void relays(const struct verdict *v, const char *target)
{
	assert_int_equal(v->kind, VERDICT_RELAY);
	assert_non_null(v->endpoint->key_manager);
	assert_int_equal(v->forward.n, strlen(target));
	assert_memory_equal(v->forward.at, target, v->forward.n);
	assert_null(v->api);
	assert_null(v->operation);
	assert_false(v->strip_auth);
}

static void four_paths_are_the_key_managers(void **state)
{
	struct core *core = a_gateway(*state, one_endpoint);
	static const char *const paths[] = { "/token", "/authorize", "/userinfo", "/revoke" };
	struct verdict v;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		v = called(*state, core, (struct call){ METHOD_POST, paths[i], false, true });
		relays(&v, paths[i]);
	}
	v = called(
		*state, core, (struct call){ METHOD_GET, "/authorize?a=%2F&token", false, false });
	relays(&v, "/authorize?a=%2F&token");
	v = called(*state, core, (struct call){ METHOD_OPTIONS, "/%74oken", false, false });
	relays(&v, "/token");
}

static void documents_go_before_it(void **state)
{
	struct core *core = a_gateway(*state, one_endpoint);
	struct verdict v =
		called(*state, core, (struct call){ METHOD_POST, "/revoke", false, false });

	assert_int_equal(v.kind, VERDICT_FORWARD);
	assert_null(v.endpoint->key_manager);
	v = called(*state, core, (struct call){ METHOD_GET, "/revoke", false, false });
	assert_int_equal(v.status, 405); /* by the document */
	v = called(*state, core, (struct call){ METHOD_POST, "/revoke", false, true });
	relays(&v, "/revoke");
}

static void nothing_else_is_relayed(void **state)
{
	struct core *core = a_gateway(*state, one_endpoint);
	static const char *const targets[] = { "/introspect", "/token/", "/token/x", "/Token",
		"/tokens", "/oauth2/token", "//token", "/", "/apikey" };
	struct verdict v;

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		v = called(*state, core, (struct call){ METHOD_POST, targets[i], false, true });
		assert_int_equal(v.kind, VERDICT_ANSWER);
		assert_int_equal(v.status, 404);
	}
	v = called(*state, core, (struct call){ METHOD_POST, "/x/../token", false, true });
	assert_int_equal(v.status, 400);
	v = called(*state, core, (struct call){ METHOD_POST, "/token", true, false });
	assert_int_equal(v.status, 404);
	v = called(*state, core, (struct call){ METHOD_DELETE, "/token", false, true });
	assert_int_equal(v.status, 405);
	assert_memory_equal(v.allow.at, "GET, HEAD, POST, OPTIONS", v.allow.n);
	v = called(*state, core, (struct call){ METHOD_OTHER, "/token", false, true });
	assert_int_equal(v.status, 405);
	v = called(*state, core, (struct call){ METHOD_GET, "/health", false, true });
	assert_int_equal(v.kind, VERDICT_HEALTH);
}

static void without_a_key_manager_nothing_is(void **state)
{
	struct core *core = a_gateway(*state, "[{'url':'https://km/oauth2'}]");
	struct verdict v =
		called(*state, core, (struct call){ METHOD_POST, "/token", false, false });

	assert_int_equal(v.status, 404);
	v = called(*state, core, (struct call){ METHOD_POST, "/token", false, true });
	assert_int_equal(v.status, 404);
}

/* ---- in the contract ---- */

static void it_is_a_target_of_its_own(void **state)
{
	struct contract *c = a_contract(*state, json_text(*state, root(*state, one_endpoint)));
	const struct json *written = contract_json(*state, c);

	assert_int_equal(c->n_targets, 2);
	assert_string_equal(c->targets[0].url, c->targets[1].url);
	assert_int_equal(c->endpoints[0].targets[0], 0);
	assert_int_equal(c->endpoints[1].targets[0], 1);
	assert_null(c->targets[0].key_manager);
	assert_ptr_equal(c->targets[1].key_manager, &c->schemes[1]);
	assert_int_equal(json_get_int(json_at(json_get(written, "endpoints"), 1), "scheme", -1), 1);
	assert_null(json_get(json_at(json_get(written, "endpoints"), 0), "scheme"));
}

static void there_is_one_and_it_is_asked_about_tokens(void **state)
{
	static const struct {
		const char *endpoints;
		const char *why;
	} cases[] = {
		{ "[{'url':'https://km','scheme':0}]", "endpoints[0].scheme" },
		{ "[{'url':'https://km','scheme':2}]", "endpoints[0].scheme" },
		{ "[{'url':'https://km','scheme':-1}]", "endpoints[0].scheme" },
		{ "[{'url':'https://km','scheme':'km'}]", "endpoints[0].scheme" },
		{ "[{'url':'https://km','further':['https://b'],'scheme':1}]",
			"endpoints[0].scheme" },
		{ "[{'url':'https://km','scheme':1},{'url':'https://k2','scheme':1}]",
			"endpoints[1].scheme" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = json_text(*state, root(*state, cases[i].endpoints));
		struct err err = { .msg = "" };

		assert_null(contract_load(*state, text, strlen(text), &err));
		if (!strstr(err.msg, cases[i].why))
			fail_msg("%s: %s", cases[i].endpoints, err.msg);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_begin, shop_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(four_paths_are_the_key_managers),
		TEST(documents_go_before_it),
		TEST(nothing_else_is_relayed),
		TEST(without_a_key_manager_nothing_is),
		TEST(it_is_a_target_of_its_own),
		TEST(there_is_one_and_it_is_asked_about_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
