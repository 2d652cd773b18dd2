#include "lib/api/finding.h"
#include "lib/api/targetendpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *arena;
	struct target_endpoint te;
	struct findings findings;
};

static void release(struct fixture *x)
{
	arena_free(x->arena);
}

static struct fixture named(const char *name, const char *spec)
{
	struct fixture x = { .arena = arena_new() };
	struct json *object = json_format(x.arena,
		"{'kind':'TargetEndpoint','metadata':{'name':%s,'namespace':'online'}}", name);

	json_set(x.arena, object, "spec", json_format(x.arena, spec));
	findings_init(&x.findings, x.arena);
	target_endpoint_decode(x.arena, object, &x.te, &x.findings);
	return x;
}

static struct fixture decoded(const char *spec)
{
	return named("products", spec);
}

#define DEPLOY "'deploy':{'name':'c','dockerImage':'i:1'}"

static void the_first_schema_has_one_port(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded("{'protocol':'http','port':80,'targetPort':9090," DEPLOY "}");

	assert_int_equal(x.findings.all.n, 0);
	assert_int_equal(x.te.ports.n, 1);
	assert_string_equal(target_endpoint_port(&x.te)->name, "http-port");
	assert_int_equal(target_endpoint_port(&x.te)->target_port, 9090);
	assert_string_equal(target_endpoint_url(x.arena, &x.te), "http://products.online:80");
	assert_string_equal(target_endpoint_local_url(x.arena, &x.te), "http://localhost:9090");
}

static void a_port_that_is_not_said_is_the_protocols(void **state UNUSED)
{
	AUTO(release) struct fixture http = decoded("{" DEPLOY "}");
	AUTO(release)
	struct fixture https = decoded("{'protocol':'HTTPS','port':0,'targetPort':0," DEPLOY "}");

	assert_string_equal(target_endpoint_url(http.arena, &http.te), "http://products.online:80");
	assert_string_equal(
		target_endpoint_url(https.arena, &https.te), "https://products.online:443");
	assert_int_equal(target_endpoint_port(&https.te)->target_port, 443);
}

static void the_latest_schema_wins_and_says_so(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'applicationProtocol':'https','protocol':'http','port':1,'targetPort':2,"
		"'ports':[{'name':'a','port':8443,'targetPort':443},{'port':80}]," DEPLOY "}");
	const struct target_port *second = x.te.ports.at[1];

	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.findings.all.n, 3);
	assert_string_equal(target_endpoint_url(x.arena, &x.te), "https://products.online:8443");
	assert_string_equal(second->name, "port-2");
	assert_int_equal(second->target_port, 80);
}

static void ports_that_clash_are_refused(void **state UNUSED)
{
	AUTO(release)
	struct fixture x = decoded(
		"{'ports':[{'name':'a','port':80},{'name':'a','port':81},{'name':'b','port':80}]," DEPLOY
		"}");

	assert_int_equal(x.findings.all.n, 2);
	assert_int_equal(x.te.ports.n, 1);
}

static void there_is_always_a_port(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{'ports':[7,{'name':'X'}]," DEPLOY "}");

	assert_non_null(findings_fatal(&x.findings));
	assert_true(x.te.ports.n >= 1);
	assert_true(target_endpoint_port(&x.te)->port > 0);
}

static void replicas_of_both_schemas_are_read(void **state UNUSED)
{
	AUTO(release) struct fixture count = decoded("{'deploy':{'count':3}}");
	AUTO(release)
	struct fixture both = decoded("{'deploy':{'count':3,'minReplicas':0,'maxReplicas':-2}}");

	assert_int_equal(count.te.min_replicas, 3);
	assert_int_equal(both.te.min_replicas, 1);
	assert_int_equal(both.te.max_replicas, 0);
	assert_true(findings_have(&both.findings, FINDING_UNUSED));
}

static void a_workload_needs_an_image_and_is_no_sidecar(void **state UNUSED)
{
	AUTO(release) struct fixture none = decoded("{'deploy':{'dockerImage':''}}");
	AUTO(release) struct fixture jet = decoded("{" DEPLOY "}");
	AUTO(release) struct fixture sidecar = decoded("{'mode':'SideCar'," DEPLOY "}");

	assert_false(target_endpoint_has_workload(&none.te));
	assert_true(target_endpoint_has_workload(&jet.te));
	assert_false(target_endpoint_has_workload(&sidecar.te));
}

static void a_sidecar_has_an_image_and_the_replicas_of_its_gateway(void **state UNUSED)
{
	AUTO(release) struct fixture none = decoded("{'mode':'sidecar','deploy':{}}");
	AUTO(release)
	struct fixture many = decoded(
		"{'mode':'sidecar','deploy':{'dockerImage':'i:1','count':1,'minReplicas':2}}");

	assert_string_equal(findings_fatal(&none.findings)->path, "spec.deploy.dockerImage");
	assert_null(findings_fatal(&many.findings));
	assert_int_equal(many.findings.all.n, 2);
}

static void names_are_checked_before_the_server_refuses_them(void **state UNUSED)
{
	AUTO(release) struct fixture digit = named("1st", "{" DEPLOY "}");
	AUTO(release) struct fixture dots = named("a.b", "{'deploy':{'dockerImage':''}}");

	assert_string_equal(findings_fatal(&digit.findings)->path, "metadata.name");
	assert_null(findings_fatal(&dots.findings));
	assert_string_equal(dots.te.container_name, "a-b");
}

static void shared_is_no_mode_of_a_backend(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{'mode':'shared'," DEPLOY "}");

	assert_int_equal(findings_fatal(&x.findings)->kind, FINDING_UNKNOWN_MODE);
}

static void a_serverless_backend_has_an_address_of_its_own(void **state UNUSED)
{
	AUTO(release) struct fixture x = decoded("{'mode':'serverless'," DEPLOY "}");

	assert_string_equal(
		target_endpoint_url(x.arena, &x.te), "http://products.online.svc.cluster.local");
}

static void a_serverless_backend_may_have_no_replica_and_has_one_port(void **state UNUSED)
{
	AUTO(release) struct fixture idle = decoded("{'mode':'serverless','port':80," DEPLOY "}");
	AUTO(release)
	struct fixture busy = decoded(
		"{'mode':'serverless','ports':[{'name':'a','port':8080},{'name':'b','port':81}],"
		"'deploy':{'dockerImage':'i:1','minReplicas':2}}");

	assert_int_equal(idle.te.min_replicas, 0);
	assert_int_equal(idle.findings.all.n, 0);
	assert_int_equal(busy.te.min_replicas, 2);
	assert_int_equal(busy.findings.all.n, 2);
	assert_null(findings_fatal(&busy.findings));
}

static void any_json_is_decoded(void **state UNUSED)
{
	static const char *const texts[] = { "null", "[]", "7", "{'metadata':[]}",
		"{'spec':{'ports':{},'deploy':[],'port':'80','mode':{}}}",
		"{'spec':{'deploy':{'minReplicas':1e300,'name':7,'dockerImage':[]}}}" };
	AUTO(arena_auto) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct target_endpoint te;
		struct findings f;

		findings_init(&f, a);
		target_endpoint_decode(a, json_format(a, texts[i]), &te, &f);
		assert_non_null(findings_fatal(&f));
		assert_non_null(target_endpoint_url(a, &te));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_schema_has_one_port),
		cmocka_unit_test(a_port_that_is_not_said_is_the_protocols),
		cmocka_unit_test(the_latest_schema_wins_and_says_so),
		cmocka_unit_test(ports_that_clash_are_refused),
		cmocka_unit_test(there_is_always_a_port),
		cmocka_unit_test(replicas_of_both_schemas_are_read),
		cmocka_unit_test(a_workload_needs_an_image_and_is_no_sidecar),
		cmocka_unit_test(a_sidecar_has_an_image_and_the_replicas_of_its_gateway),
		cmocka_unit_test(names_are_checked_before_the_server_refuses_them),
		cmocka_unit_test(shared_is_no_mode_of_a_backend),
		cmocka_unit_test(a_serverless_backend_has_an_address_of_its_own),
		cmocka_unit_test(a_serverless_backend_may_have_no_replica_and_has_one_port),
		cmocka_unit_test(any_json_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
