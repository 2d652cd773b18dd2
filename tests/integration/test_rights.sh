#!/usr/bin/env bash
# test_rights.sh: the six services, each with the account and the bus user that the manifests give it, do all that they do for
# an API, against a real API server and bus. APICTL names another apictl; the services stand beside it.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"

# shellcheck source=tests/integration/services.sh
. "$(dirname "$0")/services.sh"

# A registry that has nothing yet.
start_registry() {
	registry=127.0.0.1:$(free_port)
	start registry python3 -m http.server "${registry#*:}" --bind 127.0.0.1 --directory "$(mktemp -d -p "$TMP")"
}

configure() {
	DOCKER_REGISTRY=http://$registry/gateways DOCKER_USERNAME=user DOCKER_PASSWORD=password deploy/render.sh registry.example "" "$TMP/rendered"
	k apply -f "$TMP/rendered/controller-configs/"
}

test_1_security_svc_compiles_the_default_security() {
	eventually condition security default-security-jwt ResolvedRefs True Resolved wso2-system
	k wait --for=condition=Ready --timeout=5s -n wso2-system security/default-security-jwt
	exists secret -n wso2-system default-security-jwt-security
}

test_1a_security_svc_says_what_is_wrong_with_the_configuration() {
	[[ $(k get configmap operator-status -n wso2-system -o 'jsonpath={.data.ConfigurationValid} {.data.EveryKeyHasEffect}') == 'True True' ]]
	k create configmap hpa-configs -n wso2-system --from-literal=mgwMaxReplicas=many
	says_so() { k get configmap operator-status -n wso2-system -o 'jsonpath={.data.ConfigurationValid}' | grep 'hpa-configs.mgwMaxReplicas: "many" is not valid'; }
	eventually says_so
	k delete configmap hpa-configs operator-status -n wso2-system
	is_fine() { [[ $(k get configmap operator-status -n wso2-system -o 'jsonpath={.data.ConfigurationValid}') == True ]]; }
	eventually is_fine
}

test_2_ratelimit_svc_renders_the_policies() {
	k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: RateLimiting, metadata: {name: five}, spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: 5}}}'
	eventually condition ratelimiting five Published True Published
	k get configmap policy-configmap -o 'jsonpath={.data.policies\.yaml}' | grep five
}

test_3_endpoint_svc_runs_a_backend() {
	k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: backend}, spec: {applicationProtocol: http,
		ports: [{name: main, port: 80, targetPort: 9090}], deploy: {name: backend, dockerImage: registry.example/backend:1}}}'
	eventually condition targetendpoint backend Programmed Unknown Progressing
	exists deployment/backend service/backend hpa/backend-hpa
}

test_4_api_svc_and_builder_svc_start_a_build() {
	printf 'openapi: 3.0.0\ninfo: {title: t, version: v1}\nx-wso2-basePath: /t\nx-wso2-production-endpoints: {urls: [http://products]}\npaths: {/x: {get: {responses: {200: {description: ok}}}}}\n' >"$TMP/api.yaml"
	"$bin/apictl" add api -n store "--from-file=$TMP/api.yaml"
	eventually exists job store-kaniko
	exists configmap/store-swagger-mgw configmap/store-dockerfile secret/store-mgw-conf secret/docker-registry-credentials
}

test_5_api_svc_rolls_out_a_ready_image() {
	k create configmap ready "--from-file=$TMP/api.yaml"
	k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: ready}, spec: {definition: {configmapName: ready}, replicas: 1, image: registry.example/ready:1}}'
	eventually condition api ready Built True ImageProvided
	eventually exists deployment/ready service/ready
	exists secret/mgw-replicas service/mgw-replicas
	# As the Deployment's controller says it.
	k patch deployment ready --subresource=status --type=merge -p '{"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
		"readyReplicas": 1, "availableReplicas": 1, "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}}'
	eventually exists hpa/ready-hpa
}

test_6_what_was_made_for_an_api_is_removed_with_it() {
	k delete api store ready
	eventually gone job store-kaniko
	eventually gone secret docker-registry-credentials
	eventually gone secret mgw-replicas
	eventually gone service mgw-replicas
}

test_7_nobody_was_refused_anything() {
	local service
	for service in "${services[@]}"; do
		fails grep -iE 'forbidden|denied|permissions violation|authorization' "$TMP/$service.log"
	done
	fails grep -iE 'permissions violation|authentication error' "$TMP/nats.log"
	fails grep -E 'Sanitizer|runtime error' "$TMP"/*.log
}

install_operator
start_registry
configure >>"$TMP/setup.log" 2>&1 || { cat "$TMP/setup.log"; exit 1; }
start_bus
for service in "${services[@]}"; do start_service "$service"; done
run_tests
