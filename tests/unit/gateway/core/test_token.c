/* What a whole gateway accepts as a token: algorithms, claims, encodings. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gateway/core/core.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"

enum {
	NOW = 1700000000
};

static const char claims[] = "{\"iss\":\"iss\",\"aud\":\"aud\"}";

static void free_core(void *core)
{
	core_free(core);
}

/* One issuer per kind of key; all of them accept what names their issuer. */
static struct core *a_store(struct arena *a)
{
	static const char *const types[] = { "P-256", "P-384", "P-521", "ED25519" };
	struct json *issuers = json_array(a);
	struct json *numbers = json_array(a);
	struct core *core;
	struct json *root;
	const char *key;
	struct err err;

	for (size_t i = 0; i <= ARRAY_LEN(types); i++) {
		key = test_key_json(a, i > 0 ? test_key_of(types[i - 1]) : test_key(0), 0, 0);
		json_add(issuers,
			json_format(a,
				"{'security':'s','issuer':'iss','audience':'aud','validateSubscription':false,'keys':[%j]}",
				json_parse(a, key, strlen(key), &err)));
		json_add(numbers, json_number(a, (double)i));
	}
	root = json_format(a,
		"{'version':1,'apis':[{'title':'Store','version':'v1.0.0','basePath':'/store/v1',"
		"'authHeader':'authorization','paths':[{'template':'/products','operations':["
		"{'method':'GET','id':'list','secured':true,'issuers':%j,'scopes':[],'endpoint':0},"
		"{'method':'POST','id':'add','secured':true,'issuers':%j,'scopes':['add','admin'],'endpoint':0}]}]}],"
		"'issuers':%j,'endpoints':[{'url':'http://products'}],'settings':%j}",
		numbers, json_dup(a, numbers), issuers, json_format(a, test_settings));
	core = core_new(a_contract(a, json_text(a, root)), NULL);
	arena_defer(a, free_core, core);
	return core;
}

static struct verdict get(struct arena *a, struct core *core, const char *token)
{
	struct verdict v;

	decide(core, a, METHOD_GET, "/store/v1/products", arena_printf(a, "Bearer %s", token), NOW,
		&v);
	return v;
}

static void forwards(const struct verdict *v)
{
	if (v->kind != VERDICT_FORWARD)
		fail_msg("not forwarded: %d %s", v->status, v->reason ? v->reason : "");
}

static void is_refused(const struct verdict *v, const char *reason)
{
	assert_int_equal(v->kind, VERDICT_ANSWER);
	assert_int_equal(v->fault_code, 900901);
	assert_string_equal(v->reason, reason);
}

static void every_kind_of_key_verifies_and_is_remembered(void **state)
{
	struct arena *a = *state;
	struct core *core = a_store(a);
	static const struct {
		const char *name;
		enum signature_alg alg;
		const char *key;
	} cases[] = { { "RS256", ALG_RS256, NULL }, { "PS256", ALG_PS256, NULL },
		{ "PS384", ALG_PS384, NULL }, { "PS512", ALG_PS512, NULL },
		{ "ES256", ALG_ES256, "P-256" }, { "ES384", ALG_ES384, "P-384" },
		{ "ES512", ALG_ES512, "P-521" }, { "EdDSA", ALG_EDDSA, "ED25519" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct evp_pkey_st *key = cases[i].key ? test_key_of(cases[i].key) : test_key(0);
		char *token = a_token_as(a, key, cases[i].alg, cases[i].name, claims);
		struct verdict v = get(a, core, token);

		forwards(&v);
		assert_false(v.token_cached);
		v = get(a, core, token);
		forwards(&v);
		assert_true(v.token_cached);
		for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
			token = a_token_as(a, key, cases[i].alg, cases[k].name, claims);
			v = get(a, core, token);
			if ((v.kind == VERDICT_FORWARD) != (i == k))
				fail_msg("%s named %s", cases[i].name, cases[k].name);
		}
	}
}

/* The classic confusion: the public key, which everybody knows, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state)
{
	struct arena *a = *state;
	struct core *core = a_store(a);
	char *pem = test_key_pem(a, test_key(0));
	char *text = arena_printf(a, "%s.%s", base64url(a, "{\"alg\":\"HS256\"}", 15),
		base64url(a, claims, strlen(claims)));
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n;
	struct verdict v;

	assert_non_null(HMAC(
		EVP_sha256(), pem, (int)strlen(pem), (unsigned char *)text, strlen(text), mac, &n));
	v = get(a, core, arena_printf(a, "%s.%s", text, base64url(a, mac, n)));
	is_refused(&v, "algorithm");
}

static void claims_may_be_lists_escaped_and_in_any_script(void **state)
{
	struct arena *a = *state;
	struct core *core = a_store(a);
	static const struct {
		const char *claims;
		bool good;
	} cases[] = {
		{ "{\"iss\":\"iss\",\"aud\":[\"x\",\"aud\"]}", true },
		{ "{\"iss\":\"iss\",\"aud\":[]}", false },
		{ "{\"iss\":\"iss\",\"aud\":{\"aud\":\"aud\"}}", false },
		{ "{\"iss\":\"iss\",\"aud\":[[\"aud\"]]}", false },
		{ "{\"iss\":[\"iss\"],\"aud\":\"aud\"}", false },
		{ "{\"iss\":\"\\u0069ss\",\"aud\":\"a\\u0075d\"}", true },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\\u0000\"}", false },
		{ "{\"iss\":\"iss\",\"aud\":\"aud\",\"sub\":\"Zo\xc3\xab \\ud83d\\ude00\"}", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = get(a, core, a_token(a, test_key(0), cases[i].claims));

		if ((v.kind == VERDICT_FORWARD) != cases[i].good)
			fail_msg("%s: %s", cases[i].claims, v.reason ? v.reason : "forwarded");
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	struct arena *a = *state;
	char *token = sign_token(a, test_key(0), 256, "{\"alg\":\"RS256\"}",
		"{\"iss\":\"iss\",\"aud\":\"aud\",\"sub\":\"\xff\"}");
	struct verdict v = get(a, a_store(a), token);

	is_refused(&v, "malformed");
}

static void scopes_may_be_a_list_of_words(void **state)
{
	struct arena *a = *state;
	struct core *core = a_store(a);
	static const struct {
		const char *scope;
		bool good;
	} cases[] = { { "\"x add\"", true }, { "[\"x\",\"add\"]", true }, { "[\"x add\"]", false },
		{ "[]", false }, { "[1,null,\"\",\"admin\"]", true }, { "[[\"add\"]]", false },
		{ "{\"add\":true}", false }, { "\"adding\"", false } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *token = a_token(a, test_key(0),
			arena_printf(a, "{\"iss\":\"iss\",\"aud\":\"aud\",\"scope\":%s}",
				cases[i].scope));
		struct verdict v;

		decide(core, a, METHOD_POST, "/store/v1/products",
			arena_printf(a, "Bearer %s", token), NOW, &v);
		if ((v.kind == VERDICT_FORWARD) != cases[i].good)
			fail_msg("%s: %s", cases[i].scope, v.reason ? v.reason : "forwarded");
	}
}

static void padding_in_any_part_is_tolerated_and_signed_as_sent(void **state)
{
	struct arena *a = *state;
	struct core *core = a_store(a);
	char *head = base64_encode(a, "{\"alg\":\"RS256\"} ", 16);
	char *body = base64_encode(a, claims, strlen(claims));
	char *text = arena_printf(a, "%s.%s", head, body);
	struct span signature = test_sign(a, test_key(0), ALG_RS256, text);
	struct verdict v;

	assert_true(str_ends(head, "=="));
	for (int padded = 0; padded < 2; padded++) {
		char *encoded = base64url(a, signature.at, signature.n);

		v = get(a, core, arena_printf(a, "%s.%s%s", text, encoded, padded ? "==" : ""));
		forwards(&v);
	}
	head[strlen(head) - 2] = '\0';
	v = get(a, core,
		arena_printf(a, "%s.%s.%s", head, body, base64url(a, signature.at, signature.n)));
	is_refused(&v, "signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(every_kind_of_key_verifies_and_is_remembered),
		WITH_ARENA(a_public_key_is_no_secret),
		WITH_ARENA(claims_may_be_lists_escaped_and_in_any_script),
		WITH_ARENA(bytes_that_are_no_text_are_refused),
		WITH_ARENA(scopes_may_be_a_list_of_words),
		WITH_ARENA(padding_in_any_part_is_tolerated_and_signed_as_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
