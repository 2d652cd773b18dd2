#!/usr/bin/env bash
# test_apictl.sh: apictl against a real API server, with the words that users see. APICTL names another binary.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"

apictl=$(readlink -f "${APICTL:-build/release/bin/apictl}")
[[ -x $apictl ]] || { echo "test_apictl.sh: SKIPPED: $apictl is missing (make tools)" >&2; exit 77; }
k() { kubectl "$@"; }
document() { printf 'openapi: 3.0.0\ninfo: {title: t, version: %s}\npaths: {/x: {get: {responses: {200: {description: ok}}}}}\n' "$1"; }
document v1 >"$TMP/products_swagger.yaml"
document v2 >"$TMP/next.yaml"

# new_namespace NAME: a test's own, also apictl's default.
new_namespace() {
	k create namespace "$1"
	k config set-context --current --namespace="$1"
}

spec() { k get api "$1" -o json | jq -Sc .spec; }

test_the_articles_lines() {
	new_namespace article
	expect 'Mode is set to: k8s' "$apictl" set --mode k8s
	expect 'creating configmap with swagger definition
configmap/online-store-swagger created
api.wso2.com/online-store created' "$apictl" add api -n online-store "--from-file=$TMP/products_swagger.yaml"
	same '{"definition":{"configmapName":"online-store-swagger","type":"swagger"},"replicas":1}' "$(spec online-store)"
	diff "$TMP/products_swagger.yaml" <(k get configmap online-store-swagger -o json | jq -rj '.data["products_swagger.yaml"]')
}

test_the_articles_command_as_it_is_copied_from_the_page() {
	new_namespace copied
	"$apictl" add api -n online-store — "from-file=$TMP/products_swagger.yaml"
	k get api online-store
}

test_a_second_add_changes_nothing() {
	new_namespace second
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml"
	expect_failure 1 'Error from server (AlreadyExists): apis.wso2.com "store" already exists' \
		"$apictl" add api -n store "--from-file=$TMP/next.yaml"
	k delete api store
	expect_failure 1 'Error from server (AlreadyExists): configmaps "store-swagger" already exists' \
		"$apictl" add api -n store "--from-file=$TMP/next.yaml"
	fails k get api store
}

test_override_replaces() {
	new_namespace override
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml"
	expect 'creating configmap with swagger definition
configmap/store-swagger configured
api.wso2.com/store configured' "$apictl" add api -n store "--from-file=$TMP/next.yaml" --override --replicas=2
	same '{"definition":{"configmapName":"store-swagger","type":"swagger"},"override":true,"replicas":2}' "$(spec store)"
	diff "$TMP/next.yaml" <(k get configmap store-swagger -o json | jq -rj '.data[]')
}

test_several_documents_and_a_namespace() {
	k create namespace pets
	expect 'creating configmap with swagger definition
configmap/pets-1-swagger created
configmap/pets-2-swagger created
api.wso2.com/pets created' "$apictl" add api pets -n pets -f "$TMP/products_swagger.yaml" -f "$TMP/next.yaml" --mode=shared
	same '["pets-1-swagger","pets-2-swagger"]' "$(k get api pets -n pets -o json | jq -c .spec.definition.swaggerConfigmapNames)"
}

test_update_changes_the_document_alone() {
	new_namespace update
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml"
	expect 'configmap/store-swagger configured' "$apictl" update api -n store "--from-file=$TMP/next.yaml"
	same '{"products_swagger.yaml"}' "{$(k get configmap store-swagger -o json | jq -c '.data | keys[]')}"
	diff "$TMP/next.yaml" <(k get configmap store-swagger -o json | jq -rj '.data[]')
	same 1 "$(k get api store -o 'jsonpath={.metadata.generation}')"
	expect 'configmap/store-swagger unchanged' "$apictl" update api -n store "--from-file=$TMP/next.yaml"
	expect 'configmap/store-swagger configured' "$apictl" update api -n store "--from-file=$TMP/products_swagger.yaml"
	expect_failure 1 'Error from server (NotFound): apis.wso2.com "nobody" not found' \
		"$apictl" update api -n nobody "--from-file=$TMP/next.yaml"
}

test_update_of_a_configmap_that_kubectl_made() {
	new_namespace bykubectl
	k create configmap text "--from-file=mine.yaml=$TMP/products_swagger.yaml"
	k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: store}, spec: {definition: {configmapName: text}, replicas: 1}}'
	expect 'configmap/text configured' "$apictl" update api -n store "--from-file=$TMP/next.yaml"
	same '["mine.yaml"]' "$(k get configmap text -o json | jq -c '.data | keys')"
	expect 'api.wso2.com "store" deleted' "$apictl" delete api store
	k get configmap text
}

test_get_prints_a_table() {
	new_namespace table
	expect 'No resources found in table namespace.' "$apictl" get apis
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml"
	k patch api store --subresource=status --type=merge -p '{"status": {"endpoint": "172.30.1.10", "conditions": [
		{"type": "Ready", "status": "False", "reason": "BuildRunning", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
	same 'NAME READY REASON ENDPOINT REPLICAS AGE
store False BuildRunning 172.30.1.10 1' "$("$apictl" get apis | sed -E 's/ +/ /g; s/ [0-9]+s$//')"
	"$apictl" get apis -A | grep -q '^NAMESPACE  *NAME '
	"$apictl" get api store
	expect_failure 1 'Error from server (NotFound): apis.wso2.com "nobody" not found' "$apictl" get api nobody
}

test_delete_removes_what_add_made() {
	new_namespace delete
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml"
	expect 'api.wso2.com "store" deleted' "$apictl" delete api -n store
	fails k get configmap store-swagger
	expect_failure 1 'Error from server (NotFound): apis.wso2.com "store" not found' "$apictl" delete api store
}

test_nothing_is_created_from_what_is_no_document() {
	new_namespace bad
	echo 'a: [' >"$TMP/bad.yaml"
	fails "$apictl" add api -n store "--from-file=$TMP/bad.yaml"
	echo 'a: b' >"$TMP/bad.yaml"
	expect_failure 1 "error: $TMP/bad.yaml: neither openapi nor swagger stands at the top level, so this is no OpenAPI document" \
		"$apictl" add api -n store "--from-file=$TMP/bad.yaml"
	expect_failure 1 "error: $TMP/missing.yaml: No such file or directory; check the path given with --from-file" \
		"$apictl" add api -n store "--from-file=$TMP/missing.yaml"
	same '' "$(k get configmaps,apis -o name)"
}

test_a_cluster_without_the_kinds_is_told_how_to_get_them() {
	local rc=0
	new_namespace nokinds
	k delete crd apis.wso2.com
	"$apictl" add api -n store "--from-file=$TMP/products_swagger.yaml" >"$TMP/said" 2>&1 || rc=$?
	# Before anything can fail: the other tests need it.
	k apply -f deploy/crds/
	k wait --for=condition=Established --timeout=30s crd/apis.wso2.com
	same 1 "$rc"
	cat "$TMP/said"
	grep -q 'kubectl apply -f deploy/crds/' "$TMP/said"
	same '' "$(k get configmaps -o name)"
}

test_mistakes_on_the_command_line_end_with_2() {
	expect_failure 2 "error: unknown flag --frmo-file
See 'apictl add api --help'." "$apictl" add api -n store --frmo-file=x
	fails "$apictl" nonsense
	"$apictl" --help | grep -q 'add *api'
	"$apictl" add api --help | grep -q -- --from-file=FILE
	"$apictl" version | grep -q '^apictl '
	expect_failure 1 'error: no document is given; name one with --from-file=FILE' "$apictl" add api -n store
}

test_an_api_server_that_is_down_is_named() {
	sed "s|$APISERVER|https://127.0.0.1:1|" "$KUBECONFIG" >"$TMP/down"
	fails "$apictl" get apis "--kubeconfig=$TMP/down" 2>"$TMP/said"
	cat "$TMP/said"
	grep -q '^error: the API server cannot be reached: .*127.0.0.1' "$TMP/said"
}

test_in_mode_k8s_the_rest_is_for_kubectl() {
	rm -rf "$HOME/.wso2apictl"
	fails "$apictl" get namespaces
	"$apictl" set --mode k8s
	same "$(k get namespace default -o name)" "$("$apictl" get namespace default -o name)"
	"$apictl" set --mode default
	fails "$apictl" get namespaces
	expect_failure 1 'error: --mode: expected k8s or default, not "fast"' "$apictl" set --mode fast
}

test_kubectl_finds_it_as_a_plugin() {
	local name
	new_namespace plugin
	mkdir -p "$TMP/plugins"
	for name in apim add update; do ln -s "$apictl" "$TMP/plugins/kubectl-$name"; done
	PATH=$TMP/plugins:$PATH
	expect 'creating configmap with swagger definition
configmap/store-swagger created
api.wso2.com/store created' kubectl add api store "--from-file=$TMP/products_swagger.yaml" -n plugin
	expect 'configmap/store-swagger configured' kubectl update api store "--from-file=$TMP/next.yaml"
	kubectl apim get apis | grep -q '^store '
}

test_the_bus_gets_passwords_with_the_rights_of_its_own_account() {
	k apply -f deploy/controller-artifacts/00-namespace.yaml
	k apply -f deploy/controller-artifacts/10-nats.yaml
	sed "/client-certificate-data/d; s|client-key-data:.*|token: $(k create token nats -n wso2-system)|" "$KUBECONFIG" >"$TMP/nats"
	expect 'secret/apim-bus-credentials created' "$apictl" system init "--kubeconfig=$TMP/nats"
	expect 'secret/apim-bus-credentials unchanged' "$apictl" system init "--kubeconfig=$TMP/nats"
	k get secret -n wso2-system apim-bus-credentials -o json | jq -S .data >"$TMP/before"
	same 8 "$(jq length "$TMP/before")"
	k patch secret -n wso2-system apim-bus-credentials --type=json -p '[{"op": "remove", "path": "/data/api-svc"}]'
	expect 'secret/apim-bus-credentials configured' "$apictl" system init "--kubeconfig=$TMP/nats"
	same '["api-svc"]' "$(k get secret -n wso2-system apim-bus-credentials -o json | jq -c --slurpfile before "$TMP/before" \
		'.data as $now | [$now | keys[] | select($now[.] != $before[0][.])]')"
	# Each user of the bus' configuration has a password, and each password a user.
	diff <(grep -o 'user: [a-z-]*' deploy/bus/nats.conf | cut -d' ' -f2 | sort) <(jq -r 'keys[]' "$TMP/before")
}

test_two_at_once_make_the_passwords_once() {
	local i pids=()
	k create namespace race
	for i in 1 2 3 4; do
		"$apictl" system init --namespace=race >"$TMP/race.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	same 1 "$(cat "$TMP"/race.? | grep -c ' created$')"
	same 3 "$(cat "$TMP"/race.? | grep -c ' unchanged$')"
}

kubectl apply -f deploy/crds/ >/dev/null || exit 1
kubectl wait --for=condition=Established --timeout=30s crd/apis.wso2.com >/dev/null || exit 1
run_tests
