#include "endpoint-svc/backend.h"
#include "endpoint-svc/endpoint.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "lib/plan/plan.h"
#include "lib/plan/reasons.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

static struct test_world *products(struct arena *a, const char *deploy)
{
	struct test_world *t = test_world_new(a);

	test_world_add(
		t, arena_printf(a,
			   "{kind: TargetEndpoint, metadata: {name: products, namespace: online, "
			   "uid: u, generation: 1, labels: {app: wso2}}, "
			   "spec: {protocol: http, port: 80, targetPort: 9090, deploy: %s}}",
			   deploy));
	test_world_root(t, KIND_TARGET_ENDPOINT, "online", "products");
	return t;
}

static struct plan *decide(struct test_world *t)
{
	return test_world_run(t, endpoint_needs, endpoint_reconcile);
}

static const struct json *deployment(const struct plan *p)
{
	return test_applied(p, KIND_DEPLOYMENT, "products");
}

static int64_t replicas(const struct plan *p)
{
	return json_get_int(json_get(deployment(p), "spec"), "replicas", -1);
}

/* The Deployment as applied, living on with so many replicas and that status. */
static void live_on(struct test_world *t, const struct plan *p, int n, const char *status)
{
	struct arena *a = t->world.arena;
	struct json *live = json_dup(a, deployment(p));

	json_set_int(a, json_sub(a, live, "spec"), "replicas", n);
	json_set_int(a, json_sub(a, live, "metadata"), "generation", 1);
	json_set(a, live, "status", json_format(a, status));
	test_world_add(t, json_text(a, live));
}

#define ROLLED_OUT                                                                                 \
	"{'observedGeneration':1,'replicas':4,'updatedReplicas':4,'availableReplicas':4,"          \
	"'conditions':[{'type':'Progressing','reason':'NewReplicaSetAvailable'}]}"

static void replicas_are_ours_at_birth_and_the_autoscalers_afterwards(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = products(a, "{name: p, dockerImage: 'p:1', count: 2}");
	struct plan *p = decide(t);

	assert_int_equal(replicas(p), 2);
	live_on(t, p, 4, ROLLED_OUT);
	assert_int_equal(replicas(decide(t)), 4);
}

static void ready_follows_the_rollout(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = products(a, "{name: p, dockerImage: 'p:1'}");
	struct plan *p = decide(t);

	assert_string_equal(test_condition(p, COND_READY), "Unknown Progressing");
	assert_string_equal(test_condition(p, COND_RECONCILING), "True Progressing");
	live_on(t, p, 4, "{}");
	assert_string_equal(test_condition(decide(t), COND_READY), "Unknown Progressing");
	live_on(t, p, 4, ROLLED_OUT);
	p = decide(t);
	assert_string_equal(test_condition(p, COND_READY), "True Ready");
	assert_int_equal(p->messages.n, 1);
	assert_int_equal(p->requeue_ms, 0);
}

static void an_available_deployment_that_is_about_to_change_is_not_ready(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = products(a, "{name: p, dockerImage: 'p:1'}");
	struct test_world *changed = products(a, "{name: p, dockerImage: 'p:2'}");
	struct plan *p;

	live_on(changed, decide(t), 4, ROLLED_OUT);
	p = decide(changed);
	assert_string_equal(test_condition(p, COND_PROGRAMMED), "Unknown Progressing");
	assert_true(p->requeue_ms > 0);
}

static void nothing_is_selected_by_the_users_labels(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = decide(products(a, "{name: p, dockerImage: 'p:1'}"));
	const struct json *service = test_applied(p, KIND_SERVICE, "products");
	const char *unique = "{\"" LABEL_TARGET_ENDPOINT "\":\"products\"}";

	assert_string_equal(json_text(a, json_path(service, "spec", "selector", NULL)), unique);
	assert_string_equal(
		json_text(a, json_path(deployment(p), "spec", "selector", "matchLabels", NULL)),
		unique);
	assert_string_equal(json_str(json_path(deployment(p), "spec", "template", "metadata",
				    "labels", "app", NULL)),
		"wso2");
}

static void a_change_of_labels_does_not_touch_the_selector(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = decide(products(a, "{name: p, dockerImage: 'p:1'}"));
	struct plan *q = decide(products(a, "{name: q, dockerImage: 'q:1'}"));

	assert_true(json_equal(json_path(deployment(p), "spec", "selector", NULL),
		json_path(deployment(q), "spec", "selector", NULL)));
}

static void a_refused_one_keeps_what_it_has(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct plan *p = decide(products(a, "{name: p, dockerImage: 'p:1', cpuLimit: lots}"));

	assert_int_equal(p->applies.n + p->deletes.n, 0);
	assert_string_equal(test_condition(p, COND_ACCEPTED), "False InvalidField");
	assert_string_equal(test_condition(p, COND_PROGRAMMED), "Unknown Blocked");
	assert_string_equal(test_condition(p, COND_STALLED), "True InvalidField");
}

static void images_are_pulled_with_the_administrators_secrets(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = products(a, "{name: p, dockerImage: 'p:1'}");
	const struct json *pod = json_path(deployment(decide(t)), "spec", "template", "spec", NULL);

	assert_null(json_get(pod, "imagePullSecrets"));
	test_world_add(t,
		"{kind: ConfigMap, metadata: {name: docker-registry-config, namespace: wso2-system}, "
		"data: {imagePullSecretNames: 'one,two'}}");
	pod = json_path(deployment(decide(t)), "spec", "template", "spec", NULL);
	assert_string_equal(json_text(a, json_get(pod, "imagePullSecrets")),
		"[{\"name\":\"one\"},{\"name\":\"two\"}]");
}

static struct test_world *hello(struct arena *a, const char *more)
{
	struct test_world *t = test_world_new(a);

	test_world_add(t,
		arena_printf(a,
			"{kind: TargetEndpoint, metadata: {name: products, namespace: online, uid: u, generation: 1}, "
			"spec: {mode: serverless, deploy: {dockerImage: 'h:1'%s}}}",
			more));
	test_world_root(t, KIND_TARGET_ENDPOINT, "online", "products");
	return t;
}

static const struct json *knative(const struct plan *p)
{
	return test_applied(p, KIND_KNATIVE_SERVICE, "products");
}

static void knative_lives_on(struct test_world *t, const struct plan *p, const char *status)
{
	struct arena *a = t->world.arena;
	struct json *live = json_dup(a, knative(p));

	json_set_int(a, json_sub(a, live, "metadata"), "generation", 1);
	json_set(a, live, "status", json_format(a, status));
	test_world_add(t, json_text(a, live));
}

static void a_serverless_one_is_ready_when_knative_says_so(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = hello(a, "");
	struct plan *p = decide(t);

	assert_null(deployment(p));
	assert_null(test_applied(p, KIND_SERVICE, "products"));
	knative_lives_on(t, p,
		"{'observedGeneration':1,'conditions':[{'type':'Ready','status':'False','message':'no such image'}]}");
	p = decide(t);
	assert_string_equal(test_condition(p, COND_READY), "False Unavailable");
	assert_non_null(strstr(plan_condition_get(p, COND_PROGRAMMED)->message, "no such image"));
	knative_lives_on(
		t, p, "{'observedGeneration':1,'conditions':[{'type':'Ready','status':'True'}]}");
	assert_string_equal(test_condition(decide(t), COND_READY), "True Ready");
}

static void an_edit_of_a_serverless_one_is_another_revision(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	const struct json *before = knative(decide(hello(a, "")));
	const struct json *after = knative(decide(hello(a, ", minReplicas: 1")));

	assert_false(json_equal(json_get(before, "spec"), json_get(after, "spec")));
}

/* ---- ports that gateways still call ---- */

/* The TargetEndpoint moved from port 80 to 81, and its Service as the last pass left it. */
static struct test_world *moved(struct arena *a, const char *ports)
{
	struct test_world *t = test_world_new(a);

	test_world_add(t,
		"{kind: TargetEndpoint, metadata: {name: products, namespace: online, uid: u, generation: 2, "
		"resourceVersion: '31'}, spec: {port: 81, targetPort: 9090, deploy: {dockerImage: 'p:1'}}}");
	test_world_root(t, KIND_TARGET_ENDPOINT, "online", "products");
	test_world_add(
		t, arena_printf(a,
			   "{kind: Service, metadata: {name: products, namespace: online, "
			   "ownerReferences: [{uid: u, controller: true}]}, spec: {ports: [%s]}}",
			   ports));
	return t;
}

#define PORT_80 "{name: http-port, port: 80, targetPort: http-port}"
#define PORT_81 "{name: http-port-81, port: 81, targetPort: http-port}"

/* An API that read that version of the TargetEndpoint; now is noon. */
static void calls(struct test_world *t, const char *version, const char *ready, const char *since)
{
	test_world_add(t,
		arena_printf(t->world.arena,
			"{kind: API, metadata: {name: store, namespace: shop, generation: 3}, "
			"status: {observedGeneration: 3, conditions: [{type: Ready, status: '%s', "
			"lastTransitionTime: '2026-11-23T%sZ'}], dependencies: [{kind: TargetEndpoint, "
			"namespace: online, name: products, resourceVersion: '%s'}]}}",
			ready, since, version));
}

/* "81 http-port, 80 http-port" */
static const char *ports_of(struct arena *a, const struct plan *p)
{
	struct str s;

	str_init(&s, a, 1024);
	json_foreach (
		port, json_path(test_applied(p, KIND_SERVICE, "products"), "spec", "ports", NULL)) {
		const char *name = json_get_str(port, "targetPort");

		str_add(&s, arena_printf(a, "%s%lld %s", s.len ? ", " : "",
				    (long long)json_get_int(port, "port", 0),
				    name ? name : json_text(a, json_get(port, "targetPort"))));
	}
	return s.ptr;
}

static void a_port_that_moved_is_kept_while_gateways_call_it(void **state UNUSED)
{
	static const struct {
		const char *version, *ready, *since;
	} callers[] = {
		{ "30", "True", "09:00:00" },	 /* has not seen the edit yet */
		{ "31", "Unknown", "11:00:00" }, /* builds, or rolls out */
		{ "31", "False", "09:00:00" },	 /* cannot be built: the last image serves on */
		{ "31", "True", "11:59:30" },	 /* pods of before may be ending */
	};

	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		AUTO(arena_auto) struct arena *a = arena_new();
		struct test_world *t = moved(a, PORT_81 "," PORT_80);
		struct plan *p;

		live_on(t, decide(t), 4, ROLLED_OUT);
		calls(t, callers[i].version, callers[i].ready, callers[i].since);
		p = decide(t);
		assert_string_equal(ports_of(a, p), "81 http-port, 80 http-port");
		assert_int_equal(p->requeue_ms, 10000);
		assert_string_equal(test_condition(p, COND_READY), "True Ready");
		assert_string_equal(test_condition(p, COND_RECONCILING), "True StillCalled");
	}
}

static void a_port_that_nobody_calls_any_more_goes(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = moved(a, PORT_81 "," PORT_80);
	struct plan *p;

	live_on(t, decide(t), 4, ROLLED_OUT);
	calls(t, "31", "True", "11:58:59");
	p = decide(t);
	assert_string_equal(ports_of(a, p), "81 http-port");
	assert_string_equal(test_condition(p, COND_RECONCILING), "");
	assert_int_equal(p->requeue_ms, 0);
}

static void without_callers_a_port_moves_at_once(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = moved(a, PORT_80);

	test_world_add(t,
		"{kind: API, metadata: {name: other, namespace: online, generation: 1}, status: {dependencies: "
		"[{kind: TargetEndpoint, namespace: shop, name: products, resourceVersion: '1'}]}}");
	assert_string_equal(ports_of(a, decide(t)), "81 http-port");
}

static const char *names_of(struct arena *a, const struct plan *p)
{
	struct str s;

	str_init(&s, a, 1024);
	json_foreach (
		port, json_path(test_applied(p, KIND_SERVICE, "products"), "spec", "ports", NULL))
		str_add(&s, arena_printf(a, "%s%s", s.len ? " " : "", json_get_str(port, "name")));
	return s.ptr;
}

/* Endpoints are found by a port's name: one that is called must not get another. */
static void a_port_of_the_service_keeps_its_name(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = moved(a, PORT_80);

	calls(t, "30", "True", "09:00:00");
	assert_string_equal(names_of(a, decide(t)), "http-port-81 http-port");
	t = moved(a, PORT_81 "," PORT_80);
	calls(t, "31", "True", "09:00:00");
	assert_string_equal(names_of(a, decide(t)), "http-port-81");
	t = moved(a, PORT_80);
	assert_string_equal(names_of(a, decide(t)), "http-port");
}

static void a_port_that_returns_is_no_former_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = moved(a, "{name: http-port, port: 80, targetPort: http-port}, "
					"{name: http-port-81, port: 81, targetPort: http-port}");

	calls(t, "30", "True", "09:00:00");
	assert_string_equal(ports_of(a, decide(t)), "81 http-port, 80 http-port");
}

/* An entry of `ports` that was removed: its name goes from the pods with it. */
static void a_port_whose_name_goes_leads_to_its_number(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t =
		moved(a, PORT_81 ", {name: admin, port: 90, targetPort: admin-port}");

	calls(t, "30", "True", "09:00:00");
	test_world_add(t,
		"{kind: Deployment, metadata: {name: products, namespace: online}, spec: {template: {spec: "
		"{containers: [{ports: [{name: admin-port, containerPort: 9091}]}]}}}}");
	assert_string_equal(ports_of(a, decide(t)), "81 http-port, 90 9091");
}

static void somebody_elses_service_says_nothing_about_ports(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = moved(a, PORT_81);

	test_world_add(t,
		"{kind: Service, metadata: {name: products, namespace: online}, spec: {ports: [" PORT_80
		"]}}");
	calls(t, "30", "True", "09:00:00");
	assert_string_equal(ports_of(a, decide(t)), "81 http-port");
}

static void what_becomes_a_sidecar_runs_on_until_gateways_have_one(void **state UNUSED)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct test_world *t = test_world_new(a);
	struct plan *p;

	test_world_add(t,
		"{kind: TargetEndpoint, metadata: {name: products, namespace: online, uid: u, generation: 2, "
		"resourceVersion: '31'}, spec: {mode: sidecar, deploy: {dockerImage: 'p:1'}}, status: {children: "
		"[{kind: Deployment, name: products, version: v, state: Available, applied: h}]}}");
	test_world_add(t,
		"{kind: Deployment, metadata: {name: products, namespace: online, uid: d, "
		"ownerReferences: [{uid: u, controller: true}]}}");
	test_world_root(t, KIND_TARGET_ENDPOINT, "online", "products");
	calls(t, "31", "Unknown", "11:00:00");
	p = decide(t);
	assert_int_equal(p->deletes.n, 0);
	assert_true(p->requeue_ms > 0);
	calls(t, "31", "True", "11:00:00");
	assert_int_equal(decide(t)->deletes.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replicas_are_ours_at_birth_and_the_autoscalers_afterwards),
		cmocka_unit_test(ready_follows_the_rollout),
		cmocka_unit_test(an_available_deployment_that_is_about_to_change_is_not_ready),
		cmocka_unit_test(nothing_is_selected_by_the_users_labels),
		cmocka_unit_test(a_change_of_labels_does_not_touch_the_selector),
		cmocka_unit_test(images_are_pulled_with_the_administrators_secrets),
		cmocka_unit_test(a_serverless_one_is_ready_when_knative_says_so),
		cmocka_unit_test(an_edit_of_a_serverless_one_is_another_revision),
		cmocka_unit_test(a_refused_one_keeps_what_it_has),
		cmocka_unit_test(a_port_that_moved_is_kept_while_gateways_call_it),
		cmocka_unit_test(a_port_that_nobody_calls_any_more_goes),
		cmocka_unit_test(without_callers_a_port_moves_at_once),
		cmocka_unit_test(a_port_of_the_service_keeps_its_name),
		cmocka_unit_test(a_port_that_returns_is_no_former_one),
		cmocka_unit_test(a_port_whose_name_goes_leads_to_its_number),
		cmocka_unit_test(somebody_elses_service_says_nothing_about_ports),
		cmocka_unit_test(what_becomes_a_sidecar_runs_on_until_gateways_have_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
