#include "lib/api/conditions.h"
#include "lib/api/finding.h"
#include "lib/api/policies.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

static struct policy decoded(struct arena *a, const char *json, struct findings *f)
{
	struct policy p = { .name = "p" };

	findings_init(f, a);
	conditions_read(f, "spec", json_format(a, json), &p);
	return p;
}

static struct policy good(struct arena *a, const char *json)
{
	struct findings f;
	struct policy p = decoded(a, json, &f);

	if (findings_fatal(&f))
		fail_msg("%s", findings_fatal_text(&f));
	return p;
}

static const char *wrong(struct arena *a, const char *json)
{
	struct findings f;

	(void)decoded(a, json, &f);
	return findings_fatal(&f) ? findings_fatal_text(&f) : "";
}

static void amounts_are_bytes_of_powers_of_1024(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_int_equal(
		good(a, "{'bandwidth':{'dataAmount':'3','dataUnit':'KB'}}").bytes, 3 * 1024);
	assert_int_equal(
		good(a, "{'bandwidth':{'dataAmount':'10','dataUnit':'mb'}}").bytes, 10 << 20);
	assert_int_equal(good(a, "{'bandwidth':{'dataAmount':'8388608','dataUnit':'GB'}}").bytes,
		INT64_C(1) << 53);
}

static void empty_texts_are_nothing(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct policy p = good(a,
		"{'bandwidth':{'dataAmount':'','dataUnit':''},'conditions':{'headerCondition':{'headerName':'',"
		"'headerValue':''},'ipCondition':{'type':'','specificIp':'','startIp':'','endIp':'','negation':true},"
		"'jwtClaimsCondition':{'claimUrl':'','attribute':''}}}");

	assert_int_equal(p.bytes, 0);
	assert_null(p.header);
	assert_null(p.address_first);
	assert_null(p.claim);
}

static void one_address_is_a_range_of_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct policy p = good(a,
		"{'conditions':{'ipCondition':{'type':'ipspecific','specificIp':'10.1.2.3','startIp':'',"
		"'negation':true}}}");

	assert_string_equal(p.address_first, "10.1.2.3");
	assert_string_equal(p.address_last, "10.1.2.3");
	assert_true(p.address_not);
}

static void what_cannot_be_honoured_is_refused(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();

	assert_string_equal(wrong(a, "{'bandwidth':{'dataAmount':'5'}}"),
		"spec.bandwidth.dataUnit: is missing");
	assert_string_equal(wrong(a, "{'bandwidth':{'dataAmount':'1.5','dataUnit':'bits'}}"),
		"spec.bandwidth.dataAmount: expected a whole number from 1 to 999999999, as a text; "
		"spec.bandwidth.dataUnit: expected KB, MB or GB");
	assert_string_equal(wrong(a, "{'bandwidth':{'dataAmount':'8388609','dataUnit':'GB'}}"),
		"spec.bandwidth.dataAmount: expected an amount of at most 8388608 GB");
	assert_string_equal(wrong(a, "{'conditions':{'headerCondition':{'headerValue':'x'}}}"),
		"spec.conditions.headerCondition.headerName: is missing");
	assert_string_equal(wrong(a, "{'conditions':{'headerCondition':{'headerName':'a b'}}}"),
		"spec.conditions.headerCondition.headerName: expected letters, digits, \"-\" and \"_\"");
	assert_string_equal(
		wrong(a,
			"{'conditions':{'ipCondition':{'type':'single','specificIp':'10.0.0.1'}}}"),
		"spec.conditions.ipCondition.type: expected IPSPECIFIC or IPRANGE");
	assert_string_equal(
		wrong(a,
			"{'conditions':{'ipCondition':{'type':'IPSPECIFIC','specificIp':'10.0.0'}}}"),
		"spec.conditions.ipCondition.specificIp: expected an IP address");
	assert_string_equal(
		wrong(a,
			"{'conditions':{'ipCondition':{'type':'IPRANGE','startIp':'10.0.0.9','endIp':'10.0.0.1'}}}"),
		"spec.conditions.ipCondition.endIp: expected an IP address of the same family, not before startIp");
	assert_string_equal(
		wrong(a,
			"{'conditions':{'ipCondition':{'type':'IPRANGE','startIp':'10.0.0.9','endIp':'::1'}}}"),
		"spec.conditions.ipCondition.endIp: expected an IP address of the same family, not before startIp");
	assert_string_equal(wrong(a, "{'conditions':{'jwtClaimsCondition':{'attribute':'x'}}}"),
		"spec.conditions.jwtClaimsCondition.claimUrl: is missing");
	assert_string_equal(wrong(a, "{'conditions':{'claimCondition':{}}}"),
		"spec.conditions.claimCondition: expected nothing: it is not known");
	assert_string_equal(
		wrong(a, "{'conditions':[]}"), "spec.conditions: is a list, expected an object");
}

static void what_is_written_is_read_alike(void **state UNUSED)
{
	static const char *const texts[] = {
		"{'bandwidth':{'dataAmount':'2','dataUnit':'MB'}}",
		"{'conditions':{'headerCondition':{'headerName':'X-Plan','headerValue':'free'}}}",
		"{'conditions':{'headerCondition':{'headerName':'X-Plan'},'ipCondition':{'type':'IPRANGE',"
		"'startIp':'::1','endIp':'::9','negation':true}}}",
		"{'conditions':{'ipCondition':{'type':'IPSPECIFIC','specificIp':'10.0.0.1'}}}",
		"{'conditions':{'jwtClaimsCondition':{'claimUrl':'http://wso2.org/claims/plan','attribute':'free'}}}",
		"{'conditions':{'jwtClaimsCondition':{'claimUrl':'plan'}}}",
	};
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct policy p = good(a, texts[i]);
		struct json *once = json_object(a);
		struct json *twice = json_object(a);

		conditions_put(a, &p, once);
		p = good(a, json_text(a, once));
		conditions_put(a, &p, twice);
		assert_true(json_equal(once, twice));
		assert_int_equal(json_len(once), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_bytes_of_powers_of_1024),
		cmocka_unit_test(empty_texts_are_nothing),
		cmocka_unit_test(one_address_is_a_range_of_one),
		cmocka_unit_test(what_cannot_be_honoured_is_refused),
		cmocka_unit_test(what_is_written_is_read_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
