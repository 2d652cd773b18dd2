#!/usr/bin/env bash
# test_kstatus.sh: what Flux and others think of our objects, by the library that they ask: kstatus. Statuses are those that the
# services decide (tests/golden) and what a real API server shows before any of them has looked.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"
kstatus=$TREE/build/tools/bin/kstatus
[[ -x $kstatus ]] || { echo "test_kstatus.sh: SKIPPED: kstatus is missing (deploy/local/build.sh kstatus)" >&2; exit 77; }

# decided KIND CASE: what kstatus says to the status that the golden case ends with.
decided() { jq --arg kind "$1" '{apiVersion: "wso2.com/v1alpha1", kind: $kind, metadata: {name: "x", generation: .status.observedGeneration}, status}' "tests/golden/$2/plan.json" | "$kstatus"; }
says() { # STATUS KIND CASE
	[[ $(decided "$2" "$3") == "$1: "* ]] || { decided "$2" "$3"; return 1; }
}

test_1_what_nobody_has_looked_at_is_in_progress() {
	local kind
	kubectl create -f deploy/crds
	kubectl wait --for=condition=Established crd --all --timeout=20s
	kubectl apply -f - <<-END
		{apiVersion: v1, kind: List, items: [
		{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: new}, spec: {definition: {configmapName: new}, replicas: 1}},
		{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: new}, spec: {port: 80, deploy: {}}},
		{apiVersion: wso2.com/v1alpha1, kind: RateLimiting, metadata: {name: new}, spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: 5}}},
		{apiVersion: wso2.com/v1alpha1, kind: Security, metadata: {name: new}, spec: {type: basic, securityConfig: [{credentials: new}]}}]}
	END
	for kind in api targetendpoint ratelimiting security; do
		[[ $(kubectl get "$kind" new -o json | "$kstatus") == 'InProgress: '* ]]
	done
}

test_2_what_was_edited_since_is_in_progress() {
	kubectl patch targetendpoint new --subresource=status --type=merge -p '{"status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
	[[ $(kubectl get targetendpoint new -o json | "$kstatus") == 'Current: '* ]]
	kubectl patch targetendpoint new --type=merge -p '{"spec": {"port": 81}}'
	[[ $(kubectl get targetendpoint new -o json | "$kstatus") == 'InProgress: '* ]]
}

test_3_what_is_built_or_rolled_out_is_in_progress() {
	says InProgress API api-svc/new
	says InProgress API api-svc/image-provided
	says InProgress TargetEndpoint endpoint-svc/private-jet
	says InProgress TargetEndpoint endpoint-svc/rollout-ahead
}

test_4_what_is_done_is_current() {
	says Current TargetEndpoint endpoint-svc/rollout-complete
	says Current TargetEndpoint endpoint-svc/no-image
	says Current RateLimiting ratelimit-svc/first-of-a-namespace
	says Current Security security-svc/jwt-two-issuers-and-a-rotated-key
}

test_5_what_only_its_user_can_mend_has_failed() {
	says Failed API api-svc/broken-document-keeps-the-gateway
	says Failed API api-svc/target-endpoint-not-found
	says Failed TargetEndpoint endpoint-svc/bad-fields
	says Failed TargetEndpoint endpoint-svc/rollout-stuck
	says Failed RateLimiting ratelimit-svc/unit-unknown
	says Failed Security security-svc/jwt-private-key-instead-of-certificate
}

run_tests
