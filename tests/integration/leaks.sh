#!/usr/bin/env bash
# leaks.sh: every service under valgrind, with work to do, stopped by SIGTERM: no leak, no invalid access, exit status 0.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
if [[ -z ${NATS_URL:-} ]]; then
	exec "$(dirname "$0")/with-nats.sh" "$(readlink -f "$0")" "$@"
fi
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"

bin=${B:-build/release}/bin
services=(watcher security-svc ratelimit-svc endpoint-svc api-svc builder-svc)
declare -A pid

start() {
	TOOLKIT_IMAGE=t:1 RUNTIME_IMAGE=r:1 KANIKO_IMAGE=k:1 LISTEN_PORT=0 POD_NAME=$1-0 valgrind -q --leak-check=full \
		--show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=99 \
		--log-file="$TMP/$1.valgrind" "$bin/$1" >"$TMP/$1.out" 2>&1 &
	pid[$1]=$!
}

give_work() {
	kubectl create -f deploy/crds
	kubectl wait --for=condition=Established --timeout=30s crd --all
	kubectl create namespace wso2-system
	kubectl apply -f deploy/controller-configs
	kubectl create configmap store-swagger --from-file=deploy/samples/scenario-1/products_swagger.yaml
	kubectl create -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: API
		metadata: {name: store, namespace: default}
		spec: {definition: {configmapName: store-swagger, type: swagger}, replicas: 1}
		---
		apiVersion: wso2.com/v1alpha1
		kind: RateLimiting
		metadata: {name: five, namespace: default}
		spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: 5}}
		---
		apiVersion: wso2.com/v1alpha1
		kind: TargetEndpoint
		metadata: {name: products, namespace: default}
		spec: {protocol: http, port: 80, targetPort: 9090, deploy: {name: products, dockerImage: "products:1"}}
	END
}

# wait_condition KIND/NAME TYPE
wait_condition() {
	kubectl wait --for="jsonpath={.status.conditions[?(@.type=='$2')].status}" --timeout=120s "$1" "${@:3}"
}

test_every_service_does_its_work_under_valgrind() {
	wait_condition security/default-security-jwt Ready -n wso2-system
	wait_condition ratelimiting/five Ready
	wait_condition targetendpoint/products Ready
	wait_condition api/store Built
}

stops_clean() {
	local status=0
	kill -TERM "${pid[$1]}"
	wait "${pid[$1]}" || status=$?
	cat "$TMP/$1.valgrind"
	((status == 0)) || { tail -n 5 "$TMP/$1.out"; return 1; }
}

give_work >"$TMP/work.log" 2>&1 || { cat "$TMP/work.log"; exit 1; }
for service in "${services[@]}"; do start "$service"; done
failed=0
report() {
	if "${@:2}" >"$TMP/log" 2>&1; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/       /' "$TMP/log"
		failed=1
	fi
}
report "every service does its work under valgrind" test_every_service_does_its_work_under_valgrind
for service in "${services[@]}"; do report "$service stops on SIGTERM without a leak" stops_clean "$service"; done
exit "$failed"
