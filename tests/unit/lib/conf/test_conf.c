#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/json/json.h"
#include "tests/support/conf.h"
#include "tests/support/unit.h"

static void without_configuration_everything_has_a_default(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	read_conf(&x);
	assert_int_equal(x.findings.all.n, 0);
	assert_string_equal(x.conf.toolkit_image, "toolkit:1");
	assert_string_equal(x.conf.gateway.request_cpu, "20m");
	assert_string_equal(x.conf.gateway.limit_memory, "128Mi");
	assert_string_equal(x.conf.backend.request_memory, "64Mi");
	assert_int_equal(x.conf.startup.period_s, 1);
	assert_int_equal(x.conf.readiness.delay_s, 0);
	assert_int_equal(x.conf.max_replicas, 5);
	assert_int_equal(x.conf.backend_max_replicas, 5);
	assert_true(x.conf.deploy);
	assert_int_equal(x.conf.registry.type, REGISTRY_NONE);
	assert_int_equal(x.conf.http_port, 9090);
	assert_int_equal(json_len(x.conf.metrics), 1);
	assert_int_equal(x.conf.mode, OPERATOR_DEFAULT);
}

static void historic_keys_are_honoured(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER,
		"{'resourceRequestCPU':'1000m','resourceRequestMemory':'512Mi','resourceLimitMemory':'512Mi',"
		"'readinessProbeInitialDelaySeconds':'8','livenessProbePeriodSeconds':'60','hpaMaxReplicas':'7',"
		"'hpaTargetAverageUtilizationCPU':'70','operatorMode':'ClusterIP',"
		"'generatekubernbetesartifactsformgw':'false'}");
	conf_has(&x, CONF_APIM, "{'httpPort':'8080','verifyHostname':'True','logLevel':'debug'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 0);
	assert_string_equal(x.conf.gateway.request_cpu, "1000m");
	assert_string_equal(x.conf.gateway.limit_cpu, "2000m");
	assert_int_equal(x.conf.readiness.delay_s, 8);
	assert_int_equal(x.conf.liveness.period_s, 60);
	assert_int_equal(x.conf.max_replicas, 7);
	assert_int_equal(x.conf.backend_max_replicas, 7);
	assert_int_equal(x.conf.mode, OPERATOR_CLUSTER_IP);
	assert_false(x.conf.deploy);
	assert_int_equal(x.conf.http_port, 8080);
	assert_true(x.conf.verify_hostname);
	assert_string_equal(x.conf.log_level, "DEBUG");
	assert_non_null(strstr(json_text(x.arena, x.conf.metrics), "\"averageUtilization\":70"));
}

static void a_bad_value_is_a_finding_and_the_default(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER,
		"{'resourceLimitCPU':'lots','hpaMaxReplicas':'0','readinessProbePeriodSeconds':'9999999999999999999999',"
		"'operatorMode':'magic','observabilityEnabled':'yes','kanikoImg':'a b','imagePushSecretName':'A/B'}");
	conf_has(&x, CONF_APIM,
		"{'httpsPort':'443','logLevel':'loud','jwtTokenCacheExpiryTime':'-1'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 10);
	assert_int_equal(x.conf.token_cache_ms, 900000);
	assert_non_null(strstr(wrong(&x),
		"controller-config.hpaMaxReplicas: \"0\" is not valid, expected a whole number from 1 to 10000; the default is used"));
	assert_string_equal(x.conf.gateway.limit_cpu, "2000m");
	assert_int_equal(x.conf.max_replicas, 5);
	assert_int_equal(x.conf.readiness.period_s, 5);
	assert_int_equal(x.conf.https_port, 9095);
	assert_string_equal(x.conf.kaniko_image, "kaniko:1");
}

static void a_limit_below_a_request_does_not_reach_a_pod(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER,
		"{'resourceRequestMemory':'1Gi','resourceLimitMemory':'512Mi'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 1);
	assert_string_equal(x.conf.gateway.limit_memory, "1Gi");
}

static void images_of_the_originals_gateway_are_replaced_with_a_warning(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_CONTROLLER,
		"{'mgwToolkitImg':'wso2am/wso2micro-gw-toolkit:3.0.2',"
		"'mgwRuntimeImg':'docker.io/wso2/wso2micro-gw:3.0.2','kanikoImg':'registry.example/kaniko:2'}");
	read_conf(&x);
	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.findings.all.n, 2);
	assert_string_equal(x.conf.toolkit_image, "toolkit:1");
	assert_string_equal(x.conf.runtime_image, "runtime:1");
	assert_string_equal(x.conf.kaniko_image, "registry.example/kaniko:2");
}

static void requests_and_answers_are_validated_by_keys_of_their_own(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	read_conf(&x);
	assert_false(x.conf.validate_requests || x.conf.validate_responses);
	conf_has(&x, CONF_APIM,
		"{'enableRequestValidation':'true','enableResponseValidation':'false'}");
	read_conf(&x);
	assert_true(x.conf.validate_requests && !x.conf.validate_responses);
	conf_has(&x, CONF_APIM,
		"{'enableRequestValidation':'false','enableResponseValidation':'true'}");
	read_conf(&x);
	assert_true(!x.conf.validate_requests && x.conf.validate_responses);
	assert_int_equal(x.findings.all.n, 0);
}

static void keys_without_effect_are_worth_a_word_when_somebody_set_them(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_APIM,
		"{'enabledEventhub':'true','enabledGlobalTMEventPublishing':'false','throttleEndpoint':'wso2apim.wso2:9443'}");
	conf_has(&x, CONF_CONTROLLER, "{'dockerRegistri':'x'}");
	read_conf(&x);
	assert_string_equal(findings_text(&x.findings, FINDING_UNUSED),
		"controller-config.dockerRegistri: is not a key that is known; "
		"apim-config.enabledEventhub: has no effect in this version of the operator");
	assert_true(conf_key_is_ignored("analytics-config", "analyticsEnabled"));
	assert_false(conf_key_is_ignored("apim-config", "httpPort"));
	assert_false(conf_key_is_ignored("apim-config", "nonsense"));
}

static void goes_to(const char *endpoint, size_t findings, const char *apim)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_APIM, apim);
	read_conf(&x);
	if (!str_eq(x.conf.tracing.endpoint, endpoint) || x.findings.all.n != findings)
		fail_msg("%s: %s, %zu findings", apim,
			x.conf.tracing.endpoint ? x.conf.tracing.endpoint : "nowhere",
			x.findings.all.n);
}

static void jaegers_place_and_any_collectors_are_where_traces_go(void **state UNUSED)
{
	goes_to(NULL, 0, "{}");
	goes_to(NULL, 0, "{'tracingJaegerHost':'jaeger.tracing'}");
	goes_to(NULL, 1, "{'tracingEnabled':'true'}");
	goes_to("http://jaeger:4318", 0, "{'tracingEnabled':'true','tracingJaegerHost':'jaeger'}");
	goes_to("http://jaeger:4318", 1,
		"{'tracingEnabled':'true','tracingJaegerHost':'jaeger','tracingJaegerPort':'5775'}");
	goes_to("http://jaeger:8080", 0,
		"{'tracingEnabled':'true','tracingJaegerHost':'jaeger','tracingJaegerPort':'8080'}");
	goes_to("https://otel.example/x", 0,
		"{'tracingEnabled':'true','tracingJaegerHost':'j','tracingEndpoint':'https://otel.example/x'}");
	goes_to(NULL, 2, "{'tracingEnabled':'true','tracingEndpoint':'otel:4318'}");
	goes_to(NULL, 2, "{'tracingEnabled':'true','tracingEndpoint':'http://a b;c'}");
}

static void a_ratio_is_a_number_up_to_one(void **state UNUSED)
{
	static const char *const good[] = { "0", "1", "0.05", "1.0", "0." };
	static const char *const bad[] = { "2", "1.1", "-0.1", ".5", "0.1x", "nan", "10%" };

	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		AUTO(release) struct fixture x = a_conf();
		bool is_good = i < ARRAY_LEN(good);
		const char *ratio = is_good ? good[i] : bad[i - ARRAY_LEN(good)];

		conf_has(
			&x, CONF_APIM, arena_printf(x.arena, "{'tracingSampleRatio':'%s'}", ratio));
		read_conf(&x);
		assert_string_equal(x.conf.tracing.ratio, is_good ? ratio : "0.1");
		assert_int_equal(x.findings.all.n, !is_good);
	}
}

static void namespaces_may_share_their_endpoints(void **state UNUSED)
{
	AUTO(release) struct fixture some = a_conf();
	AUTO(release) struct fixture all = a_conf();

	conf_has(&some, CONF_CONTROLLER, "{'sharedEndpointNamespaces':'backends, Bad, more'}");
	read_conf(&some);
	assert_int_equal(some.conf.shared_endpoint_namespaces.n, 2);
	assert_string_equal(some.conf.shared_endpoint_namespaces.at[1], "more");
	assert_string_equal(wrong(&some),
		"controller-config.sharedEndpointNamespaces: \"Bad\" is not the name of a namespace");
	conf_has(&all, CONF_CONTROLLER, "{'sharedEndpointNamespaces':'*'}");
	read_conf(&all);
	assert_string_equal(all.conf.shared_endpoint_namespaces.at[0], "*");
}

static void gateways_may_tell_backends_who_calls(void **state UNUSED)
{
	AUTO(release) struct fixture none = a_conf();
	AUTO(release) struct fixture x = a_conf();

	read_conf(&none);
	assert_false(none.conf.backend_jwt);
	assert_int_equal(none.conf.backend_jwt_ms, 900000);
	assert_int_equal(none.conf.backend_jwt_audience.n, 0);
	conf_has(&x, CONF_APIM,
		"{'enabledJwtGenerator':'true','jwtIssuer':'me','jwtTokenExpiry':'9999',"
		"'jwtAudience':'# whom\\n  https://a.example \\n\\n- https://b.example',"
		"'jwtRestrictedClaims':'email\\n'}");
	read_conf(&x);
	assert_true(x.conf.backend_jwt);
	assert_string_equal(x.conf.backend_jwt_issuer, "me");
	assert_string_equal(x.conf.backend_jwt_dialect, "http://wso2.org/claims");
	assert_int_equal(x.conf.backend_jwt_audience.n, 2);
	assert_string_equal(x.conf.backend_jwt_audience.at[0], "https://a.example");
	assert_string_equal(x.conf.backend_jwt_audience.at[1], "https://b.example");
	assert_int_equal(x.conf.backend_jwt_restricted.n, 1);
	assert_int_equal(x.conf.backend_jwt_ms, 900000);
	assert_non_null(strstr(wrong(&x), "apim-config.jwtTokenExpiry"));
}

static void hooks_have_bounds(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_APIM, "{'hookMilliseconds':'51','hookKilobytes':'64'}");
	read_conf(&x);
	assert_int_equal(x.conf.hook_ms, 5);
	assert_int_equal(x.conf.hook_kilobytes, 64);
	assert_non_null(strstr(wrong(&x), "apim-config.hookMilliseconds"));
}

static void old_metrics_are_translated(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_HPA,
		"{'hpaVersion':'v2beta1','mgwMaxReplicas':'9','mgwMetricsV2beta1':"
		"'[{type: Resource, resource: {name: memory, targetAverageUtilization: 80}},"
		" {type: Pods, pods: {metricName: rps, targetAverageValue: 100}},"
		" {type: Object, object: {target: {kind: Service, name: a}, metricName: hits, targetValue: 10k}},"
		" {type: External, external: {metricName: queue, metricSelector: {matchLabels: {q: a}}, targetAverageValue: 30}}]'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 0);
	assert_int_equal(x.conf.max_replicas, 9);
	assert_int_equal(x.conf.backend_max_replicas, 5);
	assert_string_equal(json_canonical(x.arena, x.conf.metrics),
		"[{\"resource\":{\"name\":\"memory\",\"target\":{\"averageUtilization\":80,\"type\":\"Utilization\"}},\"type\":\"Resource\"},"
		"{\"pods\":{\"metric\":{\"name\":\"rps\"},\"target\":{\"averageValue\":\"100\",\"type\":\"AverageValue\"}},\"type\":\"Pods\"},"
		"{\"object\":{\"describedObject\":{\"kind\":\"Service\",\"name\":\"a\"},\"metric\":{\"name\":\"hits\"},\"target\":{\"type\":\"Value\",\"value\":\"10k\"}},\"type\":\"Object\"},"
		"{\"external\":{\"metric\":{\"name\":\"queue\",\"selector\":{\"matchLabels\":{\"q\":\"a\"}}},\"target\":{\"averageValue\":\"30\",\"type\":\"AverageValue\"}},\"type\":\"External\"}]");
}

static void the_version_says_which_metrics_count(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_HPA,
		"{'hpaVersion':'v2beta2',"
		"'targetEndpointMetrics':'[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]',"
		"'targetEndpointMetricsV2beta1':'[{type: Resource, resource: {name: cpu, targetAverageUtilization: 10}}]'}");
	read_conf(&x);
	assert_non_null(
		strstr(json_text(x.arena, x.conf.backend_metrics), "\"averageUtilization\":60"));
}

static void bad_metrics_are_a_finding_and_the_default(void **state UNUSED)
{
	static const char *const texts[] = { "{'mgwMetrics':'{}'}", "{'mgwMetrics':'{a: b}'}",
		"{'mgwMetrics':'[{type: X}]'}", "{'mgwMetrics':'[: bad'}",
		"{'mgwMetrics':'[{type: Resource, resource: {name: cpu}}]'}",
		"{'mgwMetricsV2beta1':'[{type: Pods, pods: 7}]'}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(release) struct fixture x = a_conf();

		conf_has(&x, CONF_HPA, texts[i]);
		read_conf(&x);
		assert_int_equal(x.findings.all.n, 1);
		assert_non_null(
			strstr(json_text(x.arena, x.conf.metrics), "\"averageUtilization\":50"));
	}
}

static void any_json_is_a_configuration(void **state UNUSED)
{
	static const char *const texts[] = { "[]", "7", "null", "{'a':{'b':[]}}",
		"[{'hpaMaxReplicas':'1'}]" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(release) struct fixture x = a_conf();

		for (enum conf_object o = 0; o < CONF_OBJECTS; o++)
			conf_has(&x, o, texts[i]);
		read_conf(&x);
		assert_int_equal(x.conf.max_replicas, 5);
	}
}

static void two_listeners_need_two_ports(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_APIM, "{'httpPort':'9095'}");
	read_conf(&x);
	assert_int_equal(x.conf.http_port, 9090);
	assert_non_null(findings_fatal(&x.findings));
}

static void annotations_are_split_at_the_first_colon(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_INGRESS,
		"{'ingress.properties':'# comment\\n\\n a.example/origin : https://b.example:8443 \\r\\nplain: \\\"yes\\\"\\n"
		"no colon\\n/empty: x'}");
	read_conf(&x);
	assert_string_equal(json_text(x.arena, x.conf.ingress.annotations),
		"{\"a.example/origin\":\"https://b.example:8443\",\"plain\":\"yes\"}");
	assert_int_equal(x.findings.all.n, 2);
	assert_non_null(strstr(wrong(&x), "ingress-configs.ingress.properties: \"no colon\""));
}

static void without_ingress_configs_the_original_annotations_are_used(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	read_conf(&x);
	assert_string_equal(json_get_str(x.conf.ingress.annotations,
				    "nginx.ingress.kubernetes.io/backend-protocol"),
		"HTTPS");
	assert_string_equal(x.conf.ingress.host, "mgw.ingress.wso2.com");
	assert_string_equal(x.conf.ingress.port, "https");
	assert_null(x.conf.ingress.tls_secret);
	assert_string_equal(
		json_get_str(x.conf.route.annotations, "openshift.io/host.generated"), "false");
	assert_null(x.conf.route.termination);
	assert_int_equal(json_len(json_get(x.conf.istio.cors, "allowMethods")), 4);
}

static void a_routes_port_follows_from_who_ends_tls(void **state UNUSED)
{
	static const struct {
		const char *data;
		const char *port;
		size_t findings;
	} cases[] = {
		{ "{'tlsTermination':''}", "http", 0 },
		{ "{'routeTransportMode':'https'}", "http", 1 },
		{ "{'tlsTermination':'Edge','routeTransportMode':'http'}", "http", 0 },
		{ "{'tlsTermination':'passthrough','routeTransportMode':'https'}", "https", 0 },
		{ "{'tlsTermination':'reencrypt'}", "https", 1 },
		{ "{'tlsTermination':'magic'}", "http", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(release) struct fixture x = a_conf();

		conf_has(&x, CONF_ROUTE, cases[i].data);
		read_conf(&x);
		assert_string_equal(x.conf.route.port, cases[i].port);
		assert_int_equal(x.findings.all.n, cases[i].findings);
	}
}

static void istio_is_configured_in_yaml(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();

	conf_has(&x, CONF_ISTIO,
		"{'gatewayName':'istio-system/public','host':'*.example.com',"
		"'tls':'enabled: true\\nport: 8443','corsPolicy':'allowMethods: [GET]\\nmagic: 1'}");
	read_conf(&x);
	assert_string_equal(x.conf.istio.gateway, "istio-system/public");
	assert_string_equal(x.conf.istio.host, "*.example.com");
	assert_true(x.conf.istio.tls);
	assert_int_equal(x.conf.istio.tls_port, 8443);
	assert_string_equal(findings_text(&x.findings, FINDING_UNUSED),
		"istio-configs.corsPolicy: magic is not a member of Istio's CorsPolicy");
	assert_int_equal(x.findings.all.n, 1);
	conf_has(&x, CONF_ISTIO, "{'gatewayName':'A/b','tls':'[1]','corsPolicy':'{','host':'-'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 4);
	assert_string_equal(x.conf.istio.gateway, "wso2-gateway");
	assert_int_equal(json_len(json_get(x.conf.istio.cors, "allowMethods")), 4);
}

static void a_mount_that_would_hide_the_gateway_is_left_out(void **state UNUSED)
{
	static const char *const bad[] = { "{name: a, mountLocation: /}",
		"{name: a, mountLocation: /etc/gateway/}", "{name: a, mountLocation: /proc/self}",
		"{name: a, mountLocation: relative}", "{name: a, mountLocation: /a/../b}",
		"{name: a}", "{name: A_b, mountLocation: /a}",
		"{name: a, mountLocation: /a, context: job}",
		"{name: a, mountLocation: /a, asEnvVar: yes}",
		"{name: a, mountLocation: /a, mode: 1}",
		"{name: a, mountLocation: /a, subPath: ../x}", "text" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(release) struct fixture x = a_conf();

		conf_has(&x, CONF_MOUNTS, arena_printf(x.arena, "{'mgwSecrets':'[%s]'}", bad[i]));
		x.in.mounts_ns = "wso2-system";
		x.in.ns = "shop";
		read_conf(&x);
		assert_int_equal(x.conf.mounts.n, 0);
		assert_int_equal(x.findings.all.n, 1);
	}
}

static void a_mount_is_copied_from_the_operators_namespace_alone(void **state UNUSED)
{
	AUTO(release) struct fixture x = a_conf();
	const struct conf_mount *m;

	conf_has(&x, CONF_MOUNTS,
		"{'mgwConfigMaps':'[{name: a, mountLocation: /a/, subPath: null}, {name: b, asEnvVar: true, context: Kaniko, namespace: shop},"
		" {name: c, mountLocation: /c, namespace: market}, {name: d, mountLocation: /a}]','hostAliases':'# none','mgwSecrets':'{}'}");
	x.in.mounts_ns = "wso2-system";
	x.in.ns = "shop";
	read_conf(&x);
	assert_int_equal(x.conf.mounts.n, 2);
	m = x.conf.mounts.at[0];
	assert_string_equal(m->path, "/a");
	assert_null(m->sub_path);
	assert_true(m->copied);
	assert_string_equal(conf_mount_name(x.arena, m, "store"), "store-mount-a");
	m = x.conf.mounts.at[1];
	assert_null(m->path);
	assert_true(m->kaniko);
	assert_false(m->copied);
	assert_string_equal(conf_mount_name(x.arena, m, "store"), "b");
	assert_int_equal(x.findings.all.n, 2); /* the same folder again; a mapping for a list */
	assert_null(x.conf.host_aliases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_configuration_everything_has_a_default),
		cmocka_unit_test(historic_keys_are_honoured),
		cmocka_unit_test(a_bad_value_is_a_finding_and_the_default),
		cmocka_unit_test(a_limit_below_a_request_does_not_reach_a_pod),
		cmocka_unit_test(images_of_the_originals_gateway_are_replaced_with_a_warning),
		cmocka_unit_test(requests_and_answers_are_validated_by_keys_of_their_own),
		cmocka_unit_test(keys_without_effect_are_worth_a_word_when_somebody_set_them),
		cmocka_unit_test(jaegers_place_and_any_collectors_are_where_traces_go),
		cmocka_unit_test(a_ratio_is_a_number_up_to_one),
		cmocka_unit_test(namespaces_may_share_their_endpoints),
		cmocka_unit_test(gateways_may_tell_backends_who_calls),
		cmocka_unit_test(hooks_have_bounds),
		cmocka_unit_test(old_metrics_are_translated),
		cmocka_unit_test(the_version_says_which_metrics_count),
		cmocka_unit_test(bad_metrics_are_a_finding_and_the_default),
		cmocka_unit_test(any_json_is_a_configuration),
		cmocka_unit_test(two_listeners_need_two_ports),
		cmocka_unit_test(annotations_are_split_at_the_first_colon),
		cmocka_unit_test(without_ingress_configs_the_original_annotations_are_used),
		cmocka_unit_test(a_routes_port_follows_from_who_ends_tls),
		cmocka_unit_test(a_mount_that_would_hide_the_gateway_is_left_out),
		cmocka_unit_test(a_mount_is_copied_from_the_operators_namespace_alone),
		cmocka_unit_test(istio_is_configured_in_yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
