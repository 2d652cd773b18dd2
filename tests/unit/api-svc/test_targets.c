#include "api-svc/reconcile.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

/* API shop/store with a ready-made image, so that a plan has its Deployment at once; its document
 * has one operation for each of the endpoints. */
static struct test_world *store_of_mode(struct arena *a, const char *mode, const char *endpoints)
{
	struct test_world *t = test_world_new(a);
	char *rest = arena_dup(a, endpoints);
	struct str paths;

	str_init(&paths, a, 4096);
	for (char *e = strtok_r(rest, " ", &rest); e; e = strtok_r(rest, " ", &rest))
		str_addf(&paths,
			"%s/p%zu: {get: {x-wso2-production-endpoints: {urls: ['%s']}, responses: {}}}",
			paths.len ? ", " : "", paths.len, e);
	test_world_root(t, KIND_API, "shop", "store");
	test_world_add(t,
		arena_printf(a,
			"{kind: API, metadata: {name: store, namespace: shop, uid: u, generation: 1}, "
			"spec: {definition: {configmapName: doc}, replicas: 1, image: 'mine:1', mode: '%s'}}",
			mode));
	test_world_add(t,
		json_text(a,
			json_format(a,
				"{'kind':'ConfigMap','metadata':{'name':'doc','namespace':'shop'},"
				"'data':{'doc.yaml':%s}}",
				arena_printf(a,
					"{openapi: 3.0.0, info: {title: t, version: v1}, x-wso2-basePath: /t, "
					"x-wso2-disable-security: true, paths: {%s}}",
					paths.ptr))));
	return t;
}

static struct test_world *store(struct arena *a, const char *endpoints)
{
	return store_of_mode(a, "", endpoints);
}

static void target(struct test_world *t, const char *name, const char *spec)
{
	test_world_add(t,
		arena_printf(t->world.arena,
			"{kind: TargetEndpoint, metadata: {name: %s, namespace: shop}, spec: {%s}}",
			name, spec));
}

static struct plan *decide(struct test_world *t)
{
	return test_world_run(t, api_needs, api_reconcile);
}

/* Names of the containers of the gateway's pods, "a b". */
static const char *containers(struct arena *a, const struct plan *p)
{
	struct str s;

	str_init(&s, a, 1024);
	json_foreach (c, json_path(test_applied(p, KIND_DEPLOYMENT, "store"), "spec", "template",
				 "spec", "containers", NULL))
		str_addf(&s, "%s%s", s.len ? " " : "", json_get_str(c, "name"));
	return s.ptr;
}

static const char *message(const struct plan *p, const char *type)
{
	return plan_condition_get(p, type)->message;
}

static void a_sidecar_stands_before_the_gateway(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");

	target(t, "inv",
		"mode: sidecar, targetPort: 8081, deploy: {name: svc, dockerImage: 'i:1'}");
	assert_string_equal(containers(a, decide(t)), "svc mgwstore");
}

static void the_apis_mode_makes_sidecars_of_backends_with_an_image(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store_of_mode(a, "sidecar", "inv ext https://else.where");

	target(t, "inv", "targetPort: 8081, deploy: {name: svc, dockerImage: 'i:1'}");
	target(t, "ext", "port: 80, deploy: {}");
	assert_string_equal(containers(a, decide(t)), "svc mgwstore");
}

static void a_backend_that_is_no_sidecar_stays_outside(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");

	target(t, "inv", "targetPort: 8081, deploy: {name: svc, dockerImage: 'i:1'}");
	assert_string_equal(containers(a, decide(t)), "mgwstore");
}

static void two_names_of_one_backend_are_one_container(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv inv.shop");

	target(t, "inv",
		"mode: sidecar, targetPort: 8081, deploy: {name: svc, dockerImage: 'i:1'}");
	assert_string_equal(containers(a, decide(t)), "svc mgwstore");
}

static void a_new_image_of_a_sidecar_rolls_the_gateway(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");
	const struct json *before;
	const struct json *after;

	target(t, "inv", "mode: sidecar, targetPort: 8081, deploy: {dockerImage: 'i:1'}");
	before = test_applied(decide(t), KIND_DEPLOYMENT, "store");
	target(t, "inv", "mode: sidecar, targetPort: 8081, deploy: {dockerImage: 'i:2'}");
	after = test_applied(decide(t), KIND_DEPLOYMENT, "store");
	assert_false(json_equal(json_get(before, "spec"), json_get(after, "spec")));
}

static void a_sidecar_outlasts_its_gateway(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");
	const struct json *pod;
	const struct json *sleep;

	target(t, "inv", "mode: sidecar, targetPort: 8081, deploy: {dockerImage: 'i:1'}");
	pod = json_path(test_applied(decide(t), KIND_DEPLOYMENT, "store"), "spec", "template",
		"spec", NULL);
	sleep = json_path(
		json_first(json_get(pod, "containers")), "lifecycle", "preStop", "sleep", NULL);
	assert_true(json_get_int(sleep, "seconds", 0) > 24);
	assert_true(json_get_int(sleep, "seconds", 0) <
		    json_get_int(pod, "terminationGracePeriodSeconds", 0));
}

static void the_gateways_user_is_not_the_sidecars(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");
	const struct json *pod;

	target(t, "inv", "mode: sidecar, targetPort: 8081, deploy: {dockerImage: 'i:1'}");
	pod = json_path(test_applied(decide(t), KIND_DEPLOYMENT, "store"), "spec", "template",
		"spec", NULL);
	assert_null(json_path(pod, "securityContext", "runAsUser", NULL));
	assert_null(json_get(json_first(json_get(pod, "containers")), "securityContext"));
}

static void ports_in_a_pod_belong_to_one_container(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *gateways = store(a, "inv");
	struct test_world *each_others = store(a, "inv rev");
	struct plan *p;

	target(gateways, "inv", "mode: sidecar, targetPort: 9090, deploy: {dockerImage: 'i:1'}");
	p = decide(gateways);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "False SidecarConflict");
	assert_non_null(strstr(message(p, COND_RESOLVED_REFS),
		"\"inv\" runs in the gateway's pod and listens on port 9090 there, which the gateway uses"));
	target(each_others, "inv", "mode: sidecar, port: 8080, deploy: {dockerImage: 'i:1'}");
	target(each_others, "rev", "mode: sidecar, port: 8080, deploy: {dockerImage: 'r:1'}");
	p = decide(each_others);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "False SidecarConflict");
	assert_non_null(strstr(message(p, COND_RESOLVED_REFS), "which inv uses"));
}

static void names_in_a_pod_belong_to_one_container(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv rev");

	target(t, "inv", "mode: sidecar, port: 81, deploy: {name: svc, dockerImage: 'i:1'}");
	target(t, "rev", "mode: sidecar, port: 82, deploy: {name: svc, dockerImage: 'r:1'}");
	assert_string_equal(test_condition(decide(t), COND_RESOLVED_REFS), "False SidecarConflict");
}

static void a_backend_with_wrong_fields_is_not_used(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv");
	struct plan *p;

	target(t, "inv", "protocol: ftp, deploy: {}");
	p = decide(t);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "False TargetEndpointInvalid");
	assert_non_null(strstr(message(p, COND_RESOLVED_REFS), "spec.protocol"));
	assert_null(test_applied(p, KIND_DEPLOYMENT, "store"));
}

#define BACKENDS_PRODUCTS                                                                          \
	"{kind: TargetEndpoint, metadata: {name: products, namespace: backends}, spec: {port: 80, deploy: {}}}"
#define GRANT(from)                                                                                     \
	"{kind: ReferenceGrant, metadata: {name: g, namespace: backends, resourceVersion: '7'}, spec: " \
	"{from: [{group: wso2.com, kind: API, namespace: " from                                         \
	"}], to: [{group: wso2.com, kind: TargetEndpoint}]}}"

static bool asked_for(const struct test_world *t, enum kind kind, const char *name)
{
	vec_foreach (const struct need *, n, &t->asked)
		if (n->ref.kind == kind && str_eq(n->ref.name, name))
			return true;
	return false;
}

static void a_backend_of_another_namespace_needs_a_grant_there(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "products.backends");
	struct plan *p;

	test_world_add(t, BACKENDS_PRODUCTS);
	test_world_add(t, GRANT("elsewhere"));
	p = decide(t);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "False RefNotPermitted");
	assert_non_null(
		strstr(message(p, COND_RESOLVED_REFS), "create a ReferenceGrant in \"backends\""));
	assert_false(asked_for(t, KIND_TARGET_ENDPOINT, "products"));
	test_world_add(t, GRANT("shop"));
	p = decide(t);
	assert_string_equal(test_condition(p, COND_RESOLVED_REFS), "True Resolved");
	assert_true(asked_for(t, KIND_REFERENCE_GRANT, ALL_NAMES));
}

static void the_operators_word_permits_as_well(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "products.backends");

	test_world_add(t, BACKENDS_PRODUCTS);
	test_world_add(t,
		"{kind: ConfigMap, metadata: {name: controller-config, namespace: wso2-system}, "
		"data: {sharedEndpointNamespaces: 'more, backends'}}");
	assert_string_equal(test_condition(decide(t), COND_RESOLVED_REFS), "True Resolved");
	assert_false(asked_for(t, KIND_REFERENCE_GRANT, ALL_NAMES));
}

static void the_own_namespace_needs_no_permission(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = store(a, "inv.shop");

	target(t, "inv", "port: 80, deploy: {}");
	assert_string_equal(test_condition(decide(t), COND_RESOLVED_REFS), "True Resolved");
	assert_false(asked_for(t, KIND_REFERENCE_GRANT, ALL_NAMES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sidecar_stands_before_the_gateway),
		cmocka_unit_test(the_apis_mode_makes_sidecars_of_backends_with_an_image),
		cmocka_unit_test(a_backend_that_is_no_sidecar_stays_outside),
		cmocka_unit_test(two_names_of_one_backend_are_one_container),
		cmocka_unit_test(a_new_image_of_a_sidecar_rolls_the_gateway),
		cmocka_unit_test(a_sidecar_outlasts_its_gateway),
		cmocka_unit_test(the_gateways_user_is_not_the_sidecars),
		cmocka_unit_test(ports_in_a_pod_belong_to_one_container),
		cmocka_unit_test(names_in_a_pod_belong_to_one_container),
		cmocka_unit_test(a_backend_with_wrong_fields_is_not_used),
		cmocka_unit_test(a_backend_of_another_namespace_needs_a_grant_there),
		cmocka_unit_test(the_operators_word_permits_as_well),
		cmocka_unit_test(the_own_namespace_needs_no_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
