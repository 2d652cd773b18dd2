#include "lib/api/finding.h"
#include "lib/base/arena.h"
#include "lib/base/str.h"
#include "lib/conf/conf.h"
#include "lib/json/json.h"
#include "tests/support/unit.h"

struct fixture {
	struct arena *arena;
	struct conf_input in;
	struct conf conf;
	struct findings findings;
};

static struct fixture fixture_new(void)
{
	struct fixture x = { .arena = arena_new() };

	x.in.images = (struct conf_images){ "toolkit:1", "runtime:1", "kaniko:1" };
	return x;
}

static void release(struct fixture *x)
{
	arena_free(x->arena);
}

/* data in the single-quoted form of json_format; replaces the object's. */
static void set(struct fixture *x, enum conf_object o, const char *data)
{
	struct json *object = json_object(x->arena);

	json_set(x->arena, object, "data", json_format(x->arena, data));
	x->in.objects[o] = object;
}

static void read_conf(struct fixture *x)
{
	findings_init(&x->findings, x->arena);
	conf_read(x->arena, &x->in, &x->conf, &x->findings);
}

static const char *wrong(struct fixture *x)
{
	return findings_fatal_text(&x->findings);
}

static void without_configuration_everything_has_a_default(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

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
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER,
		"{'resourceRequestCPU':'1000m','resourceRequestMemory':'512Mi','resourceLimitMemory':'512Mi',"
		"'readinessProbeInitialDelaySeconds':'8','livenessProbePeriodSeconds':'60','hpaMaxReplicas':'7',"
		"'hpaTargetAverageUtilizationCPU':'70','operatorMode':'ClusterIP',"
		"'generatekubernbetesartifactsformgw':'false'}");
	set(&x, CONF_APIM, "{'httpPort':'8080','verifyHostname':'True','logLevel':'debug'}");
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
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER,
		"{'resourceLimitCPU':'lots','hpaMaxReplicas':'0','readinessProbePeriodSeconds':'9999999999999999999999',"
		"'operatorMode':'magic','observabilityEnabled':'yes','kanikoImg':'a b','imagePushSecretName':'A/B'}");
	set(&x, CONF_APIM, "{'httpsPort':'443','logLevel':'loud'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 9);
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
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER, "{'resourceRequestMemory':'1Gi','resourceLimitMemory':'512Mi'}");
	read_conf(&x);
	assert_int_equal(x.findings.all.n, 1);
	assert_string_equal(x.conf.gateway.limit_memory, "1Gi");
}

static void images_of_the_originals_gateway_are_replaced_with_a_warning(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER,
		"{'mgwToolkitImg':'wso2am/wso2micro-gw-toolkit:3.0.2',"
		"'mgwRuntimeImg':'docker.io/wso2/wso2micro-gw:3.0.2','kanikoImg':'registry.example/kaniko:2'}");
	read_conf(&x);
	assert_null(findings_fatal(&x.findings));
	assert_int_equal(x.findings.all.n, 2);
	assert_string_equal(x.conf.toolkit_image, "toolkit:1");
	assert_string_equal(x.conf.runtime_image, "runtime:1");
	assert_string_equal(x.conf.kaniko_image, "registry.example/kaniko:2");
}

static void keys_without_effect_are_worth_a_word_when_somebody_set_them(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_APIM,
		"{'enabledEventhub':'false','tracingEnabled':'true','throttleEndpoint':'wso2apim.wso2:9443'}");
	set(&x, CONF_CONTROLLER, "{'dockerRegistri':'x'}");
	read_conf(&x);
	assert_string_equal(findings_text(&x.findings, FINDING_UNUSED),
		"controller-config.dockerRegistri: is not a key that is known; "
		"apim-config.tracingEnabled: has no effect in this version of the operator");
	assert_true(conf_key_is_ignored("analytics-config", "analyticsEnabled"));
	assert_false(conf_key_is_ignored("apim-config", "httpPort"));
	assert_false(conf_key_is_ignored("apim-config", "nonsense"));
}

static void the_first_form_of_a_registry_is_complete(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER, "{'dockerRegistry':' docker.io/jane '}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_DOCKER_HUB);
	assert_string_equal(x.conf.registry.repository, "docker.io/jane");
	assert_string_equal(x.conf.registry.secret, "docker-secret");
	assert_true(x.conf.registry.secret_is_userpass);
	assert_false(x.conf.registry.insecure);
}

static void a_registry_without_tls_has_its_scheme_in_front(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER, "{'dockerRegistry':'http://registry.example:5000/gateways/'}");
	read_conf(&x);
	assert_string_equal(x.conf.registry.repository, "registry.example:5000/gateways");
	assert_true(x.conf.registry.insecure);
}

static void a_registry_that_was_not_filled_in_is_none(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER, "{'dockerRegistry':'docker.io/<your-user>'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_NONE);
	assert_int_equal(x.findings.all.n, 0);
}

static void the_later_form_of_a_registry_wins(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER,
		"{'dockerRegistry':'docker.io/jane','imagePushSecretName':'push'}");
	set(&x, CONF_REGISTRY,
		"{'registryType':'http','repositoryName':'registry.example/apis','imagePullSecretNames':'a, b,,C'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_HTTP);
	assert_true(x.conf.registry.insecure);
	assert_string_equal(x.conf.registry.secret, "push");
	assert_false(x.conf.registry.secret_is_userpass);
	assert_int_equal(x.conf.registry.pull_secrets.n, 2);
	assert_string_equal(x.conf.registry.pull_secrets.at[1], "b");
	assert_string_equal(wrong(&x),
		"docker-registry-config.imagePullSecretNames: \"C\" is not the name of a Secret");
}

static void namespaces_may_share_their_endpoints(void **state UNUSED)
{
	AUTO(release) struct fixture some = fixture_new();
	AUTO(release) struct fixture all = fixture_new();

	set(&some, CONF_CONTROLLER, "{'sharedEndpointNamespaces':'backends, Bad, more'}");
	read_conf(&some);
	assert_int_equal(some.conf.shared_endpoint_namespaces.n, 2);
	assert_string_equal(some.conf.shared_endpoint_namespaces.at[1], "more");
	assert_string_equal(wrong(&some),
		"controller-config.sharedEndpointNamespaces: \"Bad\" is not the name of a namespace");
	set(&all, CONF_CONTROLLER, "{'sharedEndpointNamespaces':'*'}");
	read_conf(&all);
	assert_string_equal(all.conf.shared_endpoint_namespaces.at[0], "*");
}

static void a_bad_registry_is_a_finding(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_CONTROLLER, "{'dockerRegistry':'registry.example/Upper Case'}");
	set(&x, CONF_REGISTRY, "{'registryType':'FTP','repositoryName':'x'}");
	read_conf(&x);
	assert_int_equal(x.conf.registry.type, REGISTRY_NONE);
	assert_int_equal(x.findings.all.n, 2);
}

static const char *docker_config(struct fixture *x, const char *repository, const char *data)
{
	const struct conf_registry r = { .repository = repository };
	struct json *secret = json_format(x->arena, "{'kind':'Secret'}");

	json_set(x->arena, secret, "data", json_format(x->arena, data));
	return conf_docker_config(x->arena, &r, secret);
}

static void credentials_become_a_docker_configuration(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();
	const char *admin = "{'username':'YWRtaW4=','password':'c2VjcmV0Cg=='}";

	assert_string_equal(docker_config(&x, "jane", admin),
		"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YWRtaW46c2VjcmV0\"}}}");
	assert_string_equal(docker_config(&x, "registry.example:5000/a", admin),
		"{\"auths\":{\"registry.example:5000\":{\"auth\":\"YWRtaW46c2VjcmV0\"}}}");
	assert_null(docker_config(&x, "jane", "{'username':'','password':''}"));
	assert_null(docker_config(&x, "jane", "{'username':'YQ=='}"));
	assert_null(conf_docker_config(x.arena, &(struct conf_registry){ 0 }, NULL));
}

static void a_google_key_is_the_password_of_json_key(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();
	/* {"type":"service_account"} */
	const struct json *secret = json_format(x.arena,
		"{'kind':'Secret','data':{'gcr_key.json':'eyJ0eXBlIjoic2VydmljZV9hY2NvdW50In0K'}}");

	set(&x, CONF_REGISTRY, "{'registryType':'gcr','repositoryName':'eu.gcr.io/project'}");
	read_conf(&x);
	assert_string_equal(x.conf.registry.secret, "google-application-credentials");
	assert_string_equal(conf_docker_config(x.arena, &x.conf.registry, secret),
		"{\"auths\":{\"eu.gcr.io\":{\"auth\":\"X2pzb25fa2V5OnsidHlwZSI6InNlcnZpY2VfYWNjb3VudCJ9\"}}}");
	set(&x, CONF_REGISTRY, "{'registryType':'QUAY','repositoryName':'quay.io/me'}");
	read_conf(&x);
	assert_null(conf_docker_config(x.arena, &x.conf.registry, secret));
}

static void a_docker_configuration_is_used_as_it_is(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();
	const struct json *secret = json_format(
		x.arena, "{'kind':'Secret','data':{'.dockerconfigjson':'eyJhdXRocyI6e319'}}");

	set(&x, CONF_REGISTRY, "{'registryType':'HTTPS','repositoryName':'reg.example/me'}");
	read_conf(&x);
	assert_string_equal(
		conf_docker_config(x.arena, &x.conf.registry, secret), "{\"auths\":{}}");
}

static void kaniko_arguments_are_lines_that_are_no_comments(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_KANIKO,
		"{'kanikoArguments':'# none\\n\\n  --cache=false \\r\\n--verbosity=info'}");
	read_conf(&x);
	assert_int_equal(x.conf.kaniko_arguments.n, 2);
	assert_string_equal(x.conf.kaniko_arguments.at[0], "--cache=false");
	assert_string_equal(x.conf.kaniko_arguments.at[1], "--verbosity=info");
}

static void old_metrics_are_translated(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_HPA,
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
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_HPA,
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
		AUTO(release) struct fixture x = fixture_new();

		set(&x, CONF_HPA, texts[i]);
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
		AUTO(release) struct fixture x = fixture_new();

		for (enum conf_object o = 0; o < CONF_OBJECTS; o++)
			set(&x, o, texts[i]);
		read_conf(&x);
		assert_int_equal(x.conf.max_replicas, 5);
	}
}

static void two_listeners_need_two_ports(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_APIM, "{'httpPort':'9095'}");
	read_conf(&x);
	assert_int_equal(x.conf.http_port, 9090);
	assert_non_null(findings_fatal(&x.findings));
}

static void annotations_are_split_at_the_first_colon(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_INGRESS,
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
	AUTO(release) struct fixture x = fixture_new();

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
		AUTO(release) struct fixture x = fixture_new();

		set(&x, CONF_ROUTE, cases[i].data);
		read_conf(&x);
		assert_string_equal(x.conf.route.port, cases[i].port);
		assert_int_equal(x.findings.all.n, cases[i].findings);
	}
}

static void istio_is_configured_in_yaml(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();

	set(&x, CONF_ISTIO,
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
	set(&x, CONF_ISTIO, "{'gatewayName':'A/b','tls':'[1]','corsPolicy':'{','host':'-'}");
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
		AUTO(release) struct fixture x = fixture_new();

		set(&x, CONF_MOUNTS, arena_printf(x.arena, "{'mgwSecrets':'[%s]'}", bad[i]));
		x.in.mounts_ns = "wso2-system";
		x.in.ns = "shop";
		read_conf(&x);
		assert_int_equal(x.conf.mounts.n, 0);
		assert_int_equal(x.findings.all.n, 1);
	}
}

static void a_mount_is_copied_from_the_operators_namespace_alone(void **state UNUSED)
{
	AUTO(release) struct fixture x = fixture_new();
	const struct conf_mount *m;

	set(&x, CONF_MOUNTS,
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
		cmocka_unit_test(keys_without_effect_are_worth_a_word_when_somebody_set_them),
		cmocka_unit_test(the_first_form_of_a_registry_is_complete),
		cmocka_unit_test(a_registry_without_tls_has_its_scheme_in_front),
		cmocka_unit_test(a_registry_that_was_not_filled_in_is_none),
		cmocka_unit_test(the_later_form_of_a_registry_wins),
		cmocka_unit_test(namespaces_may_share_their_endpoints),
		cmocka_unit_test(a_bad_registry_is_a_finding),
		cmocka_unit_test(credentials_become_a_docker_configuration),
		cmocka_unit_test(a_google_key_is_the_password_of_json_key),
		cmocka_unit_test(a_docker_configuration_is_used_as_it_is),
		cmocka_unit_test(kaniko_arguments_are_lines_that_are_no_comments),
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
