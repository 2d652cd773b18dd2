#include "lib/api/api.h"
#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *arena;
	struct api api;
	struct findings findings;
};

static void release(struct fixture *x)
{
	arena_free(x->arena);
}

/* spec in the single-quoted form of json_format. */
static struct fixture decoded(const char *spec)
{
	struct fixture x = { .arena = arena_new() };
	struct json *object = json_object(x.arena);

	json_set(x.arena, object, "spec", json_format(x.arena, spec));
	findings_init(&x.findings, x.arena);
	api_decode(x.arena, object, &x.api, &x.findings);
	return x;
}

#define ONE "'replicas':1,'definition':{'swaggerConfigmapNames':['a']}"

static void the_first_schema_names_one_document(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'definition':{'configmapName':'store-swagger','type':'swagger'},'replicas':2,'mode':'privateJet'}");

	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.findings.all.n, 0);
	assert_int_equal(x.api.definitions.n, 1);
	assert_string_equal(x.api.definitions.at[0], "store-swagger");
	assert_int_equal(x.api.replicas, 2);
	assert_int_equal(x.api.mode, MODE_PRIVATE_JET);
}

static void the_list_wins_and_a_name_counts_once(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'replicas':1,'definition':{'configmapName':'old','swaggerConfigmapNames':['a','b','a']}}");

	assert_int_equal(x.api.definitions.n, 2);
	assert_string_equal(x.api.definitions.at[1], "b");
	assert_string_equal(findings_text(&x.findings, FINDING_UNUSED),
		"spec.definition.configmapName: swaggerConfigmapNames is used");
}

static void an_empty_list_is_none(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'replicas':1,'definition':{'configmapName':'old','swaggerConfigmapNames':[]}}");

	assert_null(findings_fatal(&x.findings));
	assert_string_equal(x.api.definitions.at[0], "old");
}

static void no_document_is_the_users_error(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{'replicas':1,'definition':{}}");

	assert_string_equal(findings_fatal(&x.findings)->path, "spec.definition");
}

static void a_name_that_no_object_has_is_refused(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'replicas':1,'definition':{'swaggerConfigmapNames':['../secrets','A',''] }}");

	assert_int_equal(x.api.definitions.n, 0);
	assert_int_equal(x.findings.all.n, 3);
	assert_string_equal(
		findings_fatal(&x.findings)->path, "spec.definition.swaggerConfigmapNames[0]");
}

static void replicas_are_needed_and_not_negative(void **state UNUSED)
{
	AUTO(release)
	struct fixture none = decoded("{'definition':{'configmapName':'a'}}");
	AUTO(release)
	struct fixture negative = decoded("{'replicas':-1,'definition':{'configmapName':'a'}}");
	AUTO(release)
	struct fixture half = decoded("{'replicas':'1','definition':{'configmapName':'a'}}");

	assert_string_equal(findings_fatal_text(&none.findings), "spec.replicas: is missing");
	assert_string_equal(findings_fatal_text(&negative.findings),
		"spec.replicas: is -1, expected 0 to 2147483647");
	assert_string_equal(findings_fatal_text(&half.findings),
		"spec.replicas: is a string, expected an integer");
}

static void environment_splits_at_the_first_equals_sign(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded("{" ONE ",'environmentVariables':['A=b=c','B=','A=z']}");
	const struct api_env *a = x.api.env.at[0];
	const struct api_env *b = x.api.env.at[1];

	assert_int_equal(x.api.env.n, 2);
	assert_string_equal(a->name, "A");
	assert_string_equal(a->value, "z");
	assert_string_equal(b->value, "");
	assert_true(findings_have(&x.findings, FINDING_ADJUSTED));
}

static void a_bad_environment_entry_is_named_without_its_value(void **state UNUSED)
{
	AUTO(release)
	struct fixture x =
		decoded("{" ONE ",'environmentVariables':['hunter2','1A=hunter2','=hunter2']}");

	assert_int_equal(findings_fatal(&x.findings)->kind, FINDING_INVALID_ENV);
	assert_int_equal(x.findings.all.n, 3);
	assert_null(strstr(findings_fatal_text(&x.findings), "hunter2"));
}

static void an_unknown_mode_is_its_own_reason(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{" ONE ",'mode':'jet'}");

	assert_int_equal(findings_fatal(&x.findings)->kind, FINDING_UNKNOWN_MODE);
}

static void interceptors_of_all_schemas_are_found(void **state UNUSED)
{
	AUTO(release) struct fixture none = decoded("{" ONE "}");
	AUTO(release) struct fixture old = decoded("{" ONE ",'interceptorConfName':'bal'}");
	AUTO(release)
	struct fixture java = decoded(
		"{'replicas':1,'definition':{'configmapName':'a','interceptors':{'java':['jar']}}}");

	assert_null(api_interceptor(&none.api));
	assert_string_equal(api_interceptor(&old.api), "bal");
	assert_string_equal(api_interceptor(&java.api), "jar");
}

static void configmaps_of_hooks_are_named(void **state UNUSED)
{
	AUTO(release)
	struct fixture x =
		decoded("{'replicas':1,'definition':{'configmapName':'a','hooks':['one','two']}}");
	AUTO(release)
	struct fixture beside = decoded(
		"{'replicas':1,'image':'r/i:t','definition':{'configmapName':'a','hooks':['one']}}");
	AUTO(release)
	struct fixture bad =
		decoded("{'replicas':1,'definition':{'configmapName':'a','hooks':['No Name']}}");

	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.api.hooks.n, 2);
	assert_string_equal(x.api.hooks.at[1], "two");
	assert_int_equal(beside.findings.all.n, 1);
	assert_non_null(findings_fatal(&bad.findings));
}

static void what_has_no_effect_is_said(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{" ONE
		",'version':'v2','apiEndPoint':'1.2.3.4','image':'r/i:t','override':true,'updateTimeStamp':'20201231235959'}");

	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.findings.all.n, 4);
}

static void a_timestamp_that_no_job_can_be_named_after_is_accepted(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{" ONE ",'updateTimeStamp':'Mon Jan 1'}");

	assert_null(findings_fatal(&x.findings));
	assert_true(findings_have(&x.findings, FINDING_ADJUSTED));
}

static void the_document_decides_the_mode_of_one(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{" ONE ",'mode':'sidecar'}");
	AUTO(release) struct fixture unset = decoded("{" ONE "}");

	assert_int_equal(api_effective_mode(&x.api, "PRIVATEJET", &x.findings), MODE_PRIVATE_JET);
	assert_string_equal(findings_text(&x.findings, FINDING_UNUSED),
		"spec.mode: x-wso2-mode privateJet of the definition is used");
	assert_int_equal(api_effective_mode(&x.api, NULL, &x.findings), MODE_SIDECAR);
	assert_int_equal(api_effective_mode(&unset.api, "", &x.findings), MODE_PRIVATE_JET);
	assert_null(findings_fatal(&x.findings));
	assert_int_equal(api_effective_mode(&x.api, "jet", &x.findings), MODE_UNKNOWN);
	assert_non_null(findings_fatal(&x.findings));
}

static void several_documents_share_unless_the_spec_says_else(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'replicas':1,'definition':{'swaggerConfigmapNames':['a','b']},'version':'v3'}");

	assert_int_equal(api_effective_mode(&x.api, "sidecar", &x.findings), MODE_SHARED);
	x.api.mode = MODE_SIDECAR;
	assert_int_equal(api_effective_mode(&x.api, NULL, &x.findings), MODE_SIDECAR);
	assert_string_equal(api_tag_base(x.arena, &x.api, "1.0"), "v3");
	assert_int_equal(x.findings.all.n, 0);
}

static void a_tag_begins_with_the_version_in_characters_of_tags(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{" ONE "}");

	assert_string_equal(api_tag_base(x.arena, &x.api, "v1.0.0"), "v1.0.0");
	assert_string_equal(api_tag_base(x.arena, &x.api, "1.0 beta+2"), "1.0-beta-2");
	assert_string_equal(api_tag_base(x.arena, &x.api, NULL), "v1.0.0");
	assert_string_equal(api_tag_base(x.arena, &x.api, "/./"), "0");
}

static void any_json_is_decoded(void **state UNUSED)
{
	static const char *const texts[] = { "null", "[]", "7", "'x'", "{}", "{'spec':7}",
		"{'spec':{'definition':[],'replicas':{},'environmentVariables':{},'mode':[1]}}",
		"{'spec':{'definition':{'swaggerConfigmapNames':{'a':1},'interceptors':[]}}}" };
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct findings f;
		struct api api;

		findings_init(&f, a);
		api_decode(a, json_format(a, texts[i]), &api, &f);
		assert_non_null(findings_fatal(&f));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_schema_names_one_document),
		cmocka_unit_test(the_list_wins_and_a_name_counts_once),
		cmocka_unit_test(an_empty_list_is_none),
		cmocka_unit_test(no_document_is_the_users_error),
		cmocka_unit_test(a_name_that_no_object_has_is_refused),
		cmocka_unit_test(replicas_are_needed_and_not_negative),
		cmocka_unit_test(environment_splits_at_the_first_equals_sign),
		cmocka_unit_test(a_bad_environment_entry_is_named_without_its_value),
		cmocka_unit_test(an_unknown_mode_is_its_own_reason),
		cmocka_unit_test(interceptors_of_all_schemas_are_found),
		cmocka_unit_test(configmaps_of_hooks_are_named),
		cmocka_unit_test(what_has_no_effect_is_said),
		cmocka_unit_test(a_timestamp_that_no_job_can_be_named_after_is_accepted),
		cmocka_unit_test(the_document_decides_the_mode_of_one),
		cmocka_unit_test(several_documents_share_unless_the_spec_says_else),
		cmocka_unit_test(a_tag_begins_with_the_version_in_characters_of_tags),
		cmocka_unit_test(any_json_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
