#include "gateway/core/contract.h"
#include "lib/base/arena.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/support/gateway.h"
#include "tests/support/unit.h"
#include "toolkit/conf.h"
#include "toolkit/toolkit.h"

#define HEAD "openapi: 3.0.0\ninfo: {title: T, version: '1'}\nx-wso2-basePath: /t\n"
#define BACKEND "x-wso2-production-endpoints: {urls: ['http://b']}\n"

static struct toolkit_document document(const char *text)
{
	return (struct toolkit_document){ .name = "doc", .text = text, .n = strlen(text) };
}

static void scan(struct arena *a, const char *text, struct toolkit_scan *ret)
{
	struct toolkit_document d = document(text);

	toolkit_scan(a, &d, 1, ret);
}

static void names_are(const struct toolkit_names *names, const char *expected)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct str s;

	str_init(&s, a, 4096);
	for (size_t i = 0; i < names->n; i++)
		str_addf(&s, "%s%s", i ? " " : "", names->at[i]);
	assert_string_equal(s.ptr, expected);
}

static void a_scan_collects_what_a_document_names(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_scan s;

	(void)state;
	scan(a,
		HEAD
		"x-wso2-mode: sidecar\n"
		"x-wso2-production-endpoints: zeta\n"
		"x-wso2-sandbox-endpoints: {urls: [alpha.ns, 'http://url']}\n"
		"x-wso2-endpoints: [{n: unused}]\n"
		"security: [{root: []}]\n"
		"paths:\n"
		"  /a: {get: {}, post: {security: [{own: []}, {scheme: []}, {root: []}]}}\n"
		"  /b: {get: {security: [{open: []}], x-wso2-disable-security: true}}\n"
		"  /c: {get: {x-wso2-throttling-tier: Gold, x-wso2-production-endpoints: zeta}}\n"
		"  /d: {get: {x-throttling-tier: Unlimited}}\n"
		"components: {securitySchemes: {scheme: {type: http, scheme: bearer}}}\n",
		&s);
	assert_int_equal(s.diagnostics.errors, 0);
	assert_int_equal(s.n_documents, 1);
	assert_string_equal(s.documents[0].mode, "sidecar");
	assert_string_equal(s.documents[0].title, "T");
	assert_string_equal(s.documents[0].version, "1");
	assert_string_equal(s.documents[0].base_path, "/t");
	names_are(&s.securities, "own root");
	names_are(&s.schemes, "scheme");
	names_are(&s.endpoints, "alpha.ns unused zeta");
	names_are(&s.tiers, "Gold");
	assert_true(s.needs_default_security);
	assert_false(s.has_interceptors);
}

static void the_default_security_is_needed_only_where_nothing_else_is_named(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_scan s;

	(void)state;
	scan(a, HEAD BACKEND "paths: {/a: {get: {}}}", &s);
	assert_true(s.needs_default_security);
	scan(a, HEAD BACKEND "security: [{x: []}]\npaths: {/a: {get: {}}}", &s);
	assert_false(s.needs_default_security);
	scan(a, HEAD BACKEND "paths: {/a: {get: {security: [{x: []}]}, put: {}}}", &s);
	assert_true(s.needs_default_security);
	scan(a, HEAD BACKEND "x-wso2-disable-security: true\npaths: {/a: {get: {}}}", &s);
	assert_false(s.needs_default_security);
	scan(a,
		HEAD BACKEND "security: [{k: []}]\npaths: {/a: {get: {}}}\n"
			     "components: {securitySchemes: {k: {type: apiKey}}}",
		&s);
	assert_false(s.needs_default_security);
	names_are(&s.schemes, "k");
}

static void a_scan_survives_documents_it_cannot_read(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_document documents[] = { document("a: ["), document("5"), document(""),
		document(HEAD BACKEND "x-wso2-request-interceptor: f\npaths: {/a: {get: {}}}") };
	struct toolkit_scan s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		documents[i].name = arena_printf(a, "%zu", i);
	toolkit_scan(a, documents, ARRAY_LEN(documents), &s);
	assert_int_equal(s.n_documents, 1);
	assert_true(s.has_interceptors);
	assert_int_equal(s.diagnostics.errors, 4);
	toolkit_scan(a, NULL, 0, &s);
	assert_int_equal(s.n_documents, 0);
}

static struct contract *compile(
	struct arena *a, const char *text, struct toolkit_diagnostics *diagnostics)
{
	struct toolkit_document d = document(text);
	struct toolkit_inputs in = { 0 };
	struct err err;
	size_t n;
	char *conf = test_file(a, "tests/golden/toolkit/conf.yaml", &n);

	assert_true(toolkit_conf_read(a, conf, n, &in, &err));
	in.documents = &d;
	in.n_documents = 1;
	return toolkit_compile(a, &in, diagnostics);
}

static void comments_order_and_descriptions_do_not_change_a_contract(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostics d = { 0 };
	const char *const same[] = {
		HEAD BACKEND "paths:\n  /a: {get: {operationId: x}, put: {}}\n  /b: {get: {}}\n",
		"# comment\npaths: {\"/b\": {get: {description: d}}, /a: {put: {tags: [t]}, get: "
		"{operationId: 'x'}}}\n" BACKEND HEAD,
		"---\n" HEAD BACKEND
		"paths:\n  /b/:\n    get:\n      responses: {}\n  /a:\n    put: {}\n    get:\n"
		"      operationId: \"x\"\n      x-vendor: 1\ntags: []\n...\n",
	};
	const char *sum = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct contract *c = compile(a, same[i], &d);

		assert_non_null(c);
		if (sum)
			assert_string_equal(toolkit_contract_sha256(a, c), sum);
		sum = toolkit_contract_sha256(a, c);
	}
}

static void what_matters_changes_the_contract(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostics d = { 0 };
	const char *const texts[] = {
		HEAD BACKEND "paths: {/a: {get: {}}}",
		HEAD BACKEND "paths: {/a: {put: {}}}",
		HEAD BACKEND "paths: {/a: {get: {}, put: {}}}",
		HEAD BACKEND "paths: {/a: {get: {x-scope: s}}}",
		HEAD BACKEND "paths: {/a: {get: {x-auth-type: None}}}",
		HEAD BACKEND "security: [{petstorejwt: []}]\npaths: {/a: {get: {}}}",
		HEAD "x-wso2-production-endpoints: {urls: ['http://c']}\npaths: {/a: {get: {}}}",
		HEAD "x-wso2-sandbox-endpoints: {urls: ['http://b']}\npaths: {/a: {get: {}}}",
	};
	const char *sums[ARRAY_LEN(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct contract *c = compile(a, texts[i], &d);

		assert_non_null(c);
		sums[i] = toolkit_contract_sha256(a, c);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(sums[i], sums[k]);
	}
}

static const char *sum_with(struct arena *a, const char *text, int64_t token_cache_s)
{
	static const struct toolkit_security keeper = {
		.name = "keeper", .type = "Oauth", .endpoint = "https://km"
	};
	struct toolkit_document d = document(text);
	struct toolkit_diagnostics diagnostics = { 0 };
	struct toolkit_inputs in = {
		.documents = &d, .n_documents = 1, .securities = &keeper, .n_securities = 1
	};
	const struct contract *c;

	in.settings = toolkit_settings_default();
	in.settings.token_cache_s = token_cache_s;
	c = toolkit_compile(a, &in, &diagnostics);
	assert_non_null(c);
	return toolkit_contract_sha256(a, c);
}

static void how_long_a_key_manager_is_believed_matters_only_to_those_who_ask_one(void **state)
{
	static const char asks[] = HEAD BACKEND "paths: {/a: {get: {security: [{keeper: []}]}}}";
	static const char open[] =
		HEAD BACKEND "paths: {/a: {get: {x-wso2-disable-security: true}}}";
	AUTO(arena_auto) struct arena *a = arena_new();

	(void)state;
	assert_string_equal(sum_with(a, open, 900), sum_with(a, open, 5));
	assert_string_not_equal(sum_with(a, asks, 900), sum_with(a, asks, 5));
}

static void limits_are_errors_not_crashes(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostics d = { 0 };
	struct toolkit_inputs none = { .settings = toolkit_settings_default() };
	struct str s;

	(void)state;
	assert_null(toolkit_compile(a, &none, &d));
	assert_int_equal(d.errors, 1);
	str_init(&s, a, 8 * 1024 * 1024);
	str_add(&s, HEAD BACKEND "paths:\n");
	for (int i = 0; i <= CONTRACT_MAX_OPERATIONS; i++)
		str_addf(&s, "  /p%d: {get: {}}\n", i);
	d = (struct toolkit_diagnostics){ 0 };
	assert_null(compile(a, s.ptr, &d));
	assert_int_equal(d.errors, 1);
	assert_string_equal(((struct toolkit_diagnostic *)d.list.at[0])->code, "LimitExceeded");
	while (s.len <= TOOLKIT_MAX_DOCUMENT_BYTES)
		str_addf(&s, "# %0200d\n", 1);
	d = (struct toolkit_diagnostics){ 0 };
	assert_null(compile(a, s.ptr, &d));
	assert_string_equal(((struct toolkit_diagnostic *)d.list.at[0])->code, "LimitExceeded");
}

static void diagnostics_are_bounded_and_counted(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostics d = { 0 };
	struct str s;

	(void)state;
	str_init(&s, a, 1024 * 1024);
	str_add(&s, HEAD BACKEND "paths:\n");
	for (int i = 0; i < 500; i++)
		str_addf(&s, "  /p%d: 5\n", i);
	assert_null(compile(a, s.ptr, &d));
	assert_int_equal(d.list.n, TOOLKIT_MAX_DIAGNOSTICS);
	assert_int_equal(d.errors, 500);
}

static void a_diagnostic_reads_like_a_compilers(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct toolkit_diagnostic d = { TOOLKIT_ERROR, "X", "a.yaml", 12, "paths./a.get", "wrong" };

	(void)state;
	assert_string_equal(toolkit_diagnostic_text(a, &d), "a.yaml:12: paths./a.get: wrong");
	d.severity = TOOLKIT_WARNING;
	d.line = 0;
	assert_string_equal(toolkit_diagnostic_text(a, &d), "a.yaml: warning: paths./a.get: wrong");
	d.path = d.document = "";
	assert_string_equal(toolkit_diagnostic_text(a, &d), "warning: wrong");
}

static void canonical_documents_carry_urls_instead_of_names(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct toolkit_endpoint_ref refs[] = { { "p", "http://p:1" },
		{ "q.n", "http://q:2" } };
	struct toolkit_document d = document(
		"openapi: 3.0\ninfo: {title: T, version: 1.10}\n"
		"x-wso2-production-endpoints: p\n"
		"x-wso2-endpoints: [{e: {urls: [p, 'http://z'], type: http}}]\n"
		"paths: {/a: {get: {x-wso2-sandbox-endpoints: {urls: [q.n]}, x-keep: p}}}\n");
	char *text = toolkit_canonical(a, &d, refs, 2);

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "\"version\":\t\"1.10\""));
	assert_non_null(strstr(text, "\"x-wso2-production-endpoints\":\t\"http://p:1\""));
	assert_non_null(strstr(text, "[\"http://p:1\", \"http://z\"]"));
	assert_non_null(strstr(text, "[\"http://q:2\"]"));
	assert_non_null(strstr(text, "\"x-keep\":\t\"p\""));
	assert_non_null(strstr(toolkit_canonical(a, &d, refs, 1), "[\"q.n\"]"));
	d = document(
		"paths: {/a: {$ref: '#/x/y'}}\nx: {y: {get: {x-wso2-production-endpoints: p}}}");
	text = toolkit_canonical(a, &d, refs, 2);
	assert_non_null(strstr(text, "http://p:1"));
	d = document("[");
	assert_null(toolkit_canonical(a, &d, refs, 2));
	d = document("5");
	assert_null(toolkit_canonical(a, &d, refs, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_collects_what_a_document_names),
		cmocka_unit_test(the_default_security_is_needed_only_where_nothing_else_is_named),
		cmocka_unit_test(a_scan_survives_documents_it_cannot_read),
		cmocka_unit_test(comments_order_and_descriptions_do_not_change_a_contract),
		cmocka_unit_test(what_matters_changes_the_contract),
		cmocka_unit_test(
			how_long_a_key_manager_is_believed_matters_only_to_those_who_ask_one),
		cmocka_unit_test(limits_are_errors_not_crashes),
		cmocka_unit_test(diagnostics_are_bounded_and_counted),
		cmocka_unit_test(a_diagnostic_reads_like_a_compilers),
		cmocka_unit_test(canonical_documents_carry_urls_instead_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
