#!/usr/bin/env bash
# Several replicas of every service; scaled up and down while fifty APIs are created.
# alone: it scales the operator
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "any number of replicas gives the same results"
count=${COUNT:-50}
afterwards "scale_operator 1"
backend

scale_operator 2
within 120 "two replicas of every service run" operator_ready
document twice '!/products' | give twice-swagger
api twice
within 120 "an API becomes ready" ready twice
within 10 "and answers" request 200 twice /twice/1.0.0/products
document twice '!/products' '!/products/101' | give twice-swagger
within 120 "edited, the new operation answers" request 200 twice /twice/1.0.0/products/101
within 60 "and it is ready" ready twice
same "two contents, two Jobs" 2 "$(jobs_of twice | wc -l)"
k delete api twice --timeout=30s >/dev/null
within 60 "deleted, nothing is left" none deployment,service,hpa,job,configmap,secret -l apim.wso2.com/owner=twice

scale_operator 1
quietly_within 120 "one replica of every service runs" operator_ready
started=$SECONDS
# One call each for all ConfigMaps and all APIs.
for ((i = 1; i <= count; i++)); do
	jq -n --arg name "crowd-$i" --arg text "$(document "crowd-$i" '!/products')" \
		'{apiVersion: "v1", kind: "ConfigMap", metadata: {name: ($name + "-swagger")}, data: {"swagger.yaml": $text}},
		{apiVersion: "wso2.com/v1alpha1", kind: "API", metadata: {name: $name}, spec: {definition: {type: "swagger", configmapName: ($name + "-swagger")}, replicas: 1}}'
done >"$TMP/crowd"
k create -f - <"$TMP/crowd" >/dev/null &
creating=$!
scale_operator 3
wait "$creating"
n_ready() { k get apis -o json | jq '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length'; }
some_ready() { (($(n_ready) >= $1)); }
within 300 "a fifth of $count APIs is ready with up to three replicas" some_ready $((count / 5))
scale_operator 1
all_ready() {
	local n
	n=$(n_ready)
	echo "$n of $count are ready"
	((n == count))
}
within 900 "all $count APIs become ready while replicas go" all_ready
echo "# $count APIs created, built and ready in $((SECONDS - started)) s"
same "one Job for each" "$count" "$(k get jobs -l apim.wso2.com/input-hash -o name | wc -l)"
for i in 1 $((count / 2)) "$count"; do
	within 10 "crowd-$i answers" request 200 "crowd-$i" "/crowd-$i/1.0.0/products"
done
