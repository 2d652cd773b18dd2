#!/usr/bin/env bash
# test_rights.sh: the six services, each with the account and the bus user that the manifests give it, do all that they do for
# an API, against a real API server and bus. APICTL names another apictl; the services stand beside it.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"

bin=$(readlink -f "$(dirname "${APICTL:-build/release/bin/apictl}")")
services=(security-svc ratelimit-svc endpoint-svc api-svc builder-svc watcher)
for program in "${services[@]}" apictl; do
	[[ -x $bin/$program ]] || { echo "test_rights.sh: SKIPPED: $bin/$program is missing (make)" >&2; exit 77; }
done
command -v nats-server >/dev/null || { echo "test_rights.sh: SKIPPED: nats-server is missing" >&2; exit 77; }
k() { kubectl "$@"; }
free_port() {
	local port
	until port=$((15000 + RANDOM % 17000)) && [[ -z $(ss -Htan "sport = :$port") ]]; do :; done
	echo "$port"
}
# With us, even if we are killed.
start() {
	local log=$1
	shift
	setpriv --pdeathsig KILL -- "$@" >"$TMP/$log.log" 2>&1 &
}
# eventually CMD…: within 20 s.
eventually() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { echo "never: $*"; "$@"; return 1; }
		sleep 0.1
	done
}
condition() { # KIND NAME TYPE STATUS REASON [NAMESPACE]
	[[ $(k get "$1" "$2" -n "${6:-default}" -o "jsonpath={.status.conditions[?(@.type=='$3')].status} {.status.conditions[?(@.type=='$3')].reason}") == "$4 $5" ]]
}
exists() { k get "$@"; }
gone() { ! k get "$@"; }

start_bus() {
	local user name=
	"$bin/apictl" system init >/dev/null
	for user in "${services[@]}" observer; do
		name=${user^^}
		export "${name//-/_}_PASSWORD=$(k get secret -n wso2-system apim-bus-credentials -o json | jq -r --arg user "$user" '.data[$user] | @base64d')"
	done
	bus=127.0.0.1:$(free_port)
	sed "s|^listen:.*|listen: $bus|; /^http:/d; s|store_dir: /data|store_dir: $TMP/bus|" deploy/bus/nats.conf >"$TMP/nats.conf"
	start nats nats-server -c "$TMP/nats.conf"
}

start_service() {
	local name=${1^^} password
	password=${name//-/_}_PASSWORD
	sed "/client-certificate-data/d; s|client-key-data:.*|token: $(k create token "$1" -n wso2-system)|" "$KUBECONFIG" >"$TMP/$1.kubeconfig"
	start "$1" env KUBECONFIG="$TMP/$1.kubeconfig" NATS_URL="nats://$bus" NATS_USER="$1" NATS_PASSWORD="${!password}" POD_NAME="$1-0" LISTEN_PORT=-1 \
		TOOLKIT_IMAGE=registry.example/toolkit:1 RUNTIME_IMAGE=registry.example/gateway:1 KANIKO_IMAGE=registry.example/kaniko:1 "$bin/$1"
}

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
	eventually exists deployment/ready service/ready hpa/ready-hpa
}

test_6_what_was_made_for_an_api_is_removed_with_it() {
	k delete api store ready
	eventually gone job store-kaniko
	eventually gone secret docker-registry-credentials
}

test_7_nobody_was_refused_anything() {
	local service
	for service in "${services[@]}"; do
		fails grep -iE 'forbidden|denied|permissions violation|authorization' "$TMP/$service.log"
	done
	fails grep -iE 'permissions violation|authentication error' "$TMP/nats.log"
	fails grep -E 'Sanitizer|runtime error' "$TMP"/*.log
}

{
	k apply -f deploy/crds/ && k wait --for=condition=Established --timeout=30s crd/apis.wso2.com
	k apply -f deploy/controller-artifacts/00-namespace.yaml && k apply -f deploy/controller-artifacts/
} >"$TMP/setup.log" 2>&1 || { cat "$TMP/setup.log"; exit 1; }
start_registry
configure >>"$TMP/setup.log" 2>&1 || { cat "$TMP/setup.log"; exit 1; }
start_bus
for service in "${services[@]}"; do start_service "$service"; done
run_tests
