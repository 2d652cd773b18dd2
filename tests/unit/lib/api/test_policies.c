#include "lib/api/finding.h"
#include "lib/api/policies.h"
#include "lib/api/ratelimiting.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/yaml/yaml.h"
#include "tests/support/unit.h"

static void the_defaults_are_those_of_the_original(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct policies p;

	policies_defaults(a, &p);
	assert_int_equal(p.lists[POLICY_RESOURCE].n, 3);
	assert_int_equal(p.lists[POLICY_APPLICATION].n, 3);
	assert_int_equal(p.lists[POLICY_SUBSCRIPTION].n, 5);
	assert_int_equal(policies_get(&p, POLICY_SUBSCRIPTION, "Bronze")->count, 1000);
	assert_int_equal(policy_unit_s(policies_get(&p, POLICY_RESOURCE, "50kPerMin")), 60);
	assert_null(policies_get(&p, POLICY_RESOURCE, "Gold"));
}

static void the_document_survives_the_trip(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct policy odd = {
		.name = "true", .count = 7, .unit_time = 2, .time_unit = "month", .over_quota = true
	};
	struct err err = { .code = ERR_NONE };
	struct policies back;
	struct policies p;
	char *yaml;

	policies_defaults(a, &p);
	policies_put(a, &p, POLICY_RESOURCE, &odd);
	yaml = policies_yaml(a, &p);
	assert_true(policies_read(a, yaml_parse(a, yaml, strlen(yaml), NULL, &err), &back, &err));
	assert_string_equal(policies_yaml(a, &back), yaml);
	assert_true(policies_get(&back, POLICY_RESOURCE, "true")->over_quota);
	assert_int_equal(policy_unit_s(policies_get(&back, POLICY_RESOURCE, "true")), 30 * 86400);
}

static void a_policy_of_the_same_name_replaces(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct policy gold = {
		.name = "Gold", .count = 1, .unit_time = 1, .time_unit = "day", .over_quota = false
	};
	struct policies p;

	policies_defaults(a, &p);
	policies_put(a, &p, POLICY_SUBSCRIPTION, &gold);
	assert_int_equal(p.lists[POLICY_SUBSCRIPTION].n, 5);
	assert_int_equal(policies_get(&p, POLICY_SUBSCRIPTION, "Gold")->count, 1);
}

static const char *refusal(struct arena *a, const char *document)
{
	struct err err = { .code = ERR_NONE };
	struct policies p;

	return policies_read(a, json_format(a, document), &p, &err) ? "" : arena_dup(a, err.msg);
}

static void a_damaged_document_is_refused_with_the_path(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(refusal(a, "[]"), "is a list, expected a map of policy lists");
	assert_string_equal(refusal(a, "{'resourcePolicies':[{'a':{},'b':{}}]}"),
		"resourcePolicies[0]: expected a map of one policy");
	assert_string_equal(
		refusal(a,
			"{'resourcePolicies':[{'a':{'count':0,'unitTime':1,'timeUnit':'sec'}}]}"),
		"resourcePolicies[0].a.count: is 0, expected 1 to 9223372036854775807; "
		"resourcePolicies[0].a.timeUnit: is \"sec\", expected min, hour, day, week, month or year");
	assert_string_equal(refusal(a, "{'applicationPolicies':null}"), "");
}

/* ---- RateLimiting ---- */

static struct rate_limiting decoded(struct arena *a, const char *spec, struct findings *f)
{
	struct json *object = json_format(a, "{'metadata':{'name':'five-req'}}");
	struct rate_limiting r;

	json_set(a, object, "spec", json_format(a, spec));
	findings_init(f, a);
	rate_limiting_decode(a, object, &r, f);
	return r;
}

static void types_name_lists(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct findings f;
	struct rate_limiting r = decoded(a,
		"{'type':'Advance','timeUnit':'MIN','unitTime':2,'requestCount':{'limit':5},'stopOnQuotaReach':false}",
		&f);

	assert_null(findings_fatal(&f));
	assert_int_equal(r.list, POLICY_RESOURCE);
	assert_string_equal(r.policy.time_unit, "min");
	assert_int_equal(policy_unit_s(&r.policy), 60);
	assert_true(r.policy.over_quota);
}

static void limits_and_windows_are_positive(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct findings f;

	(void)decoded(a,
		"{'type':'advance','timeUnit':'min','unitTime':0,'requestCount':{'limit':0}}", &f);
	assert_int_equal(f.all.n, 2);
	(void)decoded(a, "{}", &f);
	assert_int_equal(f.all.n, 4);
}

static void the_short_name_ends_at_the_first_dash(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(rate_limiting_alias(a, "five-req-per-min"), "five");
	assert_null(rate_limiting_alias(a, "fivereqpolicy"));
}

static void any_json_is_decoded(void **state UNUSED)
{
	static const char *const texts[] = { "null", "[]", "{'spec':7}",
		"{'spec':{'bandwidth':[1],'conditions':7,'type':{}}}" };
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct rate_limiting r;
		struct findings f;

		findings_init(&f, a);
		rate_limiting_decode(a, json_format(a, texts[i]), &r, &f);
		assert_non_null(findings_fatal(&f));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_those_of_the_original),
		cmocka_unit_test(the_document_survives_the_trip),
		cmocka_unit_test(a_policy_of_the_same_name_replaces),
		cmocka_unit_test(a_damaged_document_is_refused_with_the_path),
		cmocka_unit_test(types_name_lists),
		cmocka_unit_test(limits_and_windows_are_positive),
		cmocka_unit_test(the_short_name_ends_at_the_first_dash),
		cmocka_unit_test(any_json_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
