#!/usr/bin/env bash
# A table of edits, and of each: what is built, what is rolled out, what stays untouched. Requests are made all the while.
# (Backends: 37 and 38; documents: 02 and 03.)
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "every edit reaches the gateway, and only where it must"
backend
document edits /products /products/101 | give edits-swagger
api edits '{"image": null}'
# What the API does not use, and exists all the same.
document unused | give unused-swagger
k apply -f - >/dev/null <<END
{apiVersion: v1, kind: List, items: [
{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: unused}, spec: {port: 80, deploy: {}}},
{apiVersion: wso2.com/v1alpha1, kind: RateLimiting, metadata: {name: unused}, spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: 5}}},
{apiVersion: wso2.com/v1alpha1, kind: Security, metadata: {name: unused}, spec: {type: basic, securityConfig: [{credentials: unused}]}}]}
END
k create secret generic unused --from-literal=username=a --from-literal=password=b >/dev/null
within 120 "the API is ready" ready edits
within 30 "it answers" secured 200 edits /edits/1.0.0/products
under_load edits /edits/1.0.0/products

spec() { k patch api edits --type=merge -p "{\"spec\": $1}" >/dev/null; }
# rollouts API: how many there have been, scaling not counted.
rollouts() { k get deployment "$1" -o jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}'; }
autoscaler() { k get hpa edits-hpa -o jsonpath='{.spec.minReplicas} {.spec.maxReplicas}'; }
jobs_before() { JOBS=$(jobs_of edits) ROLLOUTS=$(rollouts edits) TEMPLATE=$(template_of edits); }

# rolls, builds, neither SENTENCE COMMAND…: the command is an edit; what follows of it, and what does not.
has_rolled() { [[ $(template_of edits) != "$TEMPLATE" ]] && ready edits && k rollout status deployment/edits --timeout=1s; }
has_built() { [[ $(jobs_of edits) != "$JOBS" ]] && ready edits; }
rolls() {
	local sentence=$1
	shift
	jobs_before
	"$@"
	within 90 "$sentence is rolled out" has_rolled
	same "without a build, and once" "$JOBS $((ROLLOUTS + 1))" "$(jobs_of edits) $(rollouts edits)"
}
builds() {
	local sentence=$1
	shift
	jobs_before
	"$@"
	within 120 "$sentence is built" has_built
}
untouched() { same "$1: nothing was built or rolled out" "$JOBS $TEMPLATE" "$(jobs_of edits) $(template_of edits)"; }

jobs_before
target unused '{"port": 81}'
k patch ratelimiting unused --type=merge -p '{"spec": {"requestCount": {"limit": 6}}}' >/dev/null
k patch security unused --type=merge -p '{"spec": {"securityConfig": [{"credentials": "other"}]}}' >/dev/null
k patch secret unused --type=merge -p '{"stringData": {"password": "c"}}' >/dev/null
document unused /products | give unused-swagger
spec '{"replicas": 2}'
scaled() { [[ $(autoscaler) == "$1" ]]; }
within 10 "spec.replicas reaches the autoscaler" scaled "2 5"
untouched "that, and five objects that the API does not use"
spec '{"replicas": 1}'

rolls "an environment variable" spec '{"environmentVariables": ["WHO=me"]}'
variable() { k get deployment edits -o json | jq -r '.spec.template.spec.containers[-1].env[]? | select(.name == "WHO") | .value'; }
same "and is there" me "$(variable)"
rolls "taken away, it" spec '{"environmentVariables": null}'

builds "updateTimeStamp" spec '{"updateTimeStamp": "20240101000000"}'
spec '{"updateTimeStamp": null}'
builds "override" spec '{"override": true}'
spec '{"override": false}'

ready_image=$(k get api edits -o jsonpath='{.status.image.ref}')
rolls "a ready-made image" spec "{\"image\": \"$ready_image\"}"
now "and said to be one" is edits Built 'True ImageProvided: *'
rolls "back to the built one, it" spec '{"image": null}'

# By hand.
jobs_before
k patch deployment edits --type=json -p '[{"op": "replace", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 77}]' >/dev/null
restored() { [[ $(template_of edits) == "$TEMPLATE" ]] && ready edits; }
within 60 "a Deployment that was edited by hand is put right" restored
k patch service edits --type=merge -p '{"spec": {"sessionAffinity": "ClientIP"}}' >/dev/null
k patch hpa edits-hpa --type=merge -p '{"spec": {"maxReplicas": 9}}' >/dev/null
within 20 "and an autoscaler" scaled "1 5"
k delete hpa edits-hpa >/dev/null
within 20 "an autoscaler that was deleted by hand returns" scaled "1 5"
k delete configmap edits-dockerfile >/dev/null
within 20 "so does what the build was made of" k get configmap edits-dockerfile
untouched "for all of that"

no_request_failed "no request failed meanwhile"
k delete deployment edits >/dev/null
within 60 "a Deployment that was deleted by hand returns" ready edits
within 30 "and answers" secured 200 edits /edits/1.0.0/products
same "without a build" "$JOBS" "$(jobs_of edits)"
