#include "lib/api/finding.h"
#include "lib/api/security.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *arena;
	struct security security;
	struct findings findings;
};

static void release(struct fixture *x)
{
	arena_free(x->arena);
}

static struct fixture decoded(const char *spec)
{
	struct fixture x = { .arena = arena_new() };
	struct json *object = json_object(x.arena);

	json_set(x.arena, object, "spec", json_format(x.arena, spec));
	findings_init(&x.findings, x.arena);
	security_decode(x.arena, object, &x.security, &x.findings);
	return x;
}

static const struct security_entry *entry(const struct fixture *x, size_t i)
{
	return x->security.entries.at[i];
}

static void types_are_compared_without_regard_to_case(void **state UNUSED)
{
	AUTO(release)
	struct fixture jwt = decoded("{'type':'JWT','issuer':'i','certificate':'c'}");
	AUTO(release)
	struct fixture oauth = decoded("{'type':'OAuth','endpoint':'https://k','credentials':'s'}");
	AUTO(release) struct fixture key = decoded("{'type':'APIKEY'}");
	AUTO(release) struct fixture other = decoded("{'type':'mTLS'}");

	assert_int_equal(jwt.security.type, SECURITY_JWT);
	assert_int_equal(oauth.security.type, SECURITY_OAUTH);
	assert_int_equal(key.security.type, SECURITY_APIKEY);
	assert_null(findings_fatal(&key.findings));
	assert_int_equal(findings_fatal(&other.findings)->kind, FINDING_UNKNOWN_TYPE);
}

static void flat_fields_are_one_entry(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'type':'JWT','issuer':'i','audience':'a','certificate':'c','validateSubscription':true}");

	assert_int_equal(x.findings.all.n, 0);
	assert_int_equal(x.security.entries.n, 1);
	assert_string_equal(entry(&x, 0)->path, "spec");
	assert_string_equal(entry(&x, 0)->audience, "a");
	assert_true(entry(&x, 0)->validate_subscription);
}

static void an_empty_list_means_the_flat_fields(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded("{'type':'basic','credentials':'user','securityConfig':[]}");

	assert_null(findings_fatal(&x.findings));
	assert_string_equal(entry(&x, 0)->credentials, "user");
}

static void basic_without_anything_is_a_finding_and_no_crash(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{'type':'basic','securityConfig':[]}");

	assert_string_equal(findings_fatal(&x.findings)->path, "spec.credentials");
}

static void the_audience_is_optional_and_a_url_stands_for_a_certificate(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'type':'JWT','securityConfig':[{'issuer':'i','jwksURL':'https://i/jwks'},{'issuer':'j'}]}");

	assert_int_equal(x.findings.all.n, 1);
	assert_string_equal(
		findings_fatal(&x.findings)->path, "spec.securityConfig[1].certificate");
}

static void urls_are_urls(void **state UNUSED)
{
	AUTO(release)
	struct fixture x =
		decoded("{'type':'Oauth','endpoint':'km.example:9443','credentials':'c'}");
	AUTO(release)
	struct fixture newline =
		decoded("{'type':'Oauth','endpoint':'https://a\\nb','credentials':'c'}");

	assert_string_equal(findings_fatal(&x.findings)->path, "spec.endpoint");
	assert_non_null(findings_fatal(&newline.findings));
}

static void a_key_manager_is_external_unless_it_says_otherwise(void **state UNUSED)
{
#define KM "'type':'Oauth','credentials':'c','endpoint':'https://km:9443"
	static const struct {
		const char *spec;
		bool external;
		const char *wrong;
	} cases[] = {
		{ "{" KM "'}", true, NULL },
		{ "{" KM "','external':true}", true, NULL },
		{ "{" KM "','external':false}", false, NULL },
		{ "{" KM "/oauth2/introspect'}", true, NULL },
		{ "{" KM "/oauth2/introspect','external':false}", false, "spec.endpoint" },
		{ "{" KM SECURITY_SOAP_PATH "','external':false}", false, NULL },
		{ "{" KM SECURITY_SOAP_PATH "'}", true, NULL },
		{ "{" KM SECURITY_SOAP_PATH "','external':true}", true, "spec.endpoint" },
		{ "{" KM "','external':'no'}", true, "spec.external" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(release) struct fixture x = decoded(cases[i].spec);
		const struct finding *f = findings_fatal(&x.findings);

		assert_int_equal(entry(&x, 0)->external, cases[i].external);
		assert_int_equal(f != NULL, cases[i].wrong != NULL);
		if (f)
			assert_string_equal(f->path, cases[i].wrong);
	}
}

static void entries_that_ask_in_two_ways_are_two_key_managers(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'type':'Oauth','securityConfig':[{'endpoint':'https://km','credentials':'c'},"
		"{'endpoint':'https://km','credentials':'c','external':false}]}");
	AUTO(release)
	struct fixture other = decoded("{'type':'basic','credentials':'c','external':false}");

	assert_string_equal(findings_fatal(&x.findings)->path, "spec.securityConfig[1]");
	assert_null(findings_fatal(&other.findings));
	assert_int_equal(other.findings.all.n, 1); /* has no effect there */
}

static void any_json_is_decoded(void **state UNUSED)
{
	static const char *const texts[] = { "null", "[]", "{'spec':[]}", "{'spec':{}}",
		"{'spec':{'type':7}}", "{'spec':{'type':'JWT','securityConfig':{'a':1}}}",
		"{'spec':{'type':'JWT','securityConfig':[7,null,[],{'issuer':{}}]}}" };
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct security s;
		struct findings f;

		findings_init(&f, a);
		security_decode(a, json_format(a, texts[i]), &s, &f);
		assert_non_null(findings_fatal(&f));
	}
}

/* ---- the compiled policy ---- */

static struct security_policy policy(struct arena *a)
{
	struct security_policy p = { .type = SECURITY_JWT };
	struct security_policy_entry *e = arena_alloc(a, sizeof(*e));
	struct security_key *k = arena_alloc(a, sizeof(*k));

	*k = (struct security_key){ "id", "pem", 5, 7 };
	e->issuer = "https://i";
	e->validate_subscription = true;
	vec_add(a, &e->keys, k);
	vec_add(a, &p.entries, e);
	return p;
}

static void a_policy_survives_the_trip_through_its_secret(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct security_policy p = policy(a);
	const char *text = json_canonical(a, security_policy_json(a, &p));
	const struct security_policy_entry *e;
	struct security_policy back;

	assert_true(security_policy_read(a, text, strlen(text), &back, &err));
	assert_string_equal(json_canonical(a, security_policy_json(a, &back)), text);
	e = back.entries.at[0];
	assert_null(e->audience);
	assert_true(e->validate_subscription);
	assert_int_equal(((const struct security_key *)e->keys.at[0])->not_after, 7);
}

static bool reads(struct arena *a, const char *text, struct err *err)
{
	struct security_policy p;

	return security_policy_read(a, text, strlen(text), &p, err);
}

static void a_damaged_policy_is_refused_without_quoting_it(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };

	assert_false(reads(a, "", &err));
	assert_false(reads(a, "{}", &err));
	assert_false(reads(a, "{\"type\":\"jwt\",\"entries\":[{\"issuer\":\"i\"}]}", &err));
	assert_false(reads(a,
		"{\"type\":\"basic\",\"entries\":[{\"username\":\"u\",\"password\":[\"hunter2\"]}]}",
		&err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_null(strstr(err.msg, "hunter2"));
	assert_true(reads(a, "{\"type\":\"apikey\",\"entries\":[{}]}", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_compared_without_regard_to_case),
		cmocka_unit_test(flat_fields_are_one_entry),
		cmocka_unit_test(an_empty_list_means_the_flat_fields),
		cmocka_unit_test(basic_without_anything_is_a_finding_and_no_crash),
		cmocka_unit_test(the_audience_is_optional_and_a_url_stands_for_a_certificate),
		cmocka_unit_test(urls_are_urls),
		cmocka_unit_test(a_key_manager_is_external_unless_it_says_otherwise),
		cmocka_unit_test(entries_that_ask_in_two_ways_are_two_key_managers),
		cmocka_unit_test(any_json_is_decoded),
		cmocka_unit_test(a_policy_survives_the_trip_through_its_secret),
		cmocka_unit_test(a_damaged_policy_is_refused_without_quoting_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
