#!/usr/bin/env bash
# Scenario 20: what autoscalers look at, and that one follows the load.
# alone: it measures processor time
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "gateways scale"
afterwards "ks delete configmap hpa-configs --ignore-not-found"
ks delete configmap hpa-configs --ignore-not-found >/dev/null
sample scenario-20/hello-world-service.yaml | k apply -f - >/dev/null
"$B/bin/apictl" add api -n hello-world --from-file=deploy/samples/scenario-20/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready hello-world
hpa() { k get hpa hello-world-hpa -o json | jq -r "$1"; }
same "its autoscaler is 1 to 5, by CPU use" "1 5 cpu" "$(hpa '"\(.spec.minReplicas) \(.spec.maxReplicas) \([.spec.metrics[] | .resource.name] | join(","))"')"
template=$(template_of hello-world)
jobs=$(jobs_of hello-world)

kubectl apply -f deploy/samples/scenario-20/hpa-configs.yaml >/dev/null
looks_at() { [[ $(hpa '"\(.spec.maxReplicas) \([.spec.metrics[] | .resource.name // .pods.metric.name] | sort | join(","))"') == "$1" ]]; }
within 20 "configured, it looks at requests as well and goes to 8" looks_at "8 cpu,gateway_requests_per_second"
ks patch configmap hpa-configs --type=merge -p '{"data": {"mgwMetrics": "- type: Magic"}}' >/dev/null
within 20 "with metrics that are none, at CPU use" looks_at "8 cpu"
ks delete configmap hpa-configs >/dev/null
within 20 "unconfigured, it is as before" looks_at "5 cpu"
same "no pod was replaced for it" "$template" "$(template_of hello-world)"
same "nothing was built for it" "$jobs" "$(jobs_of hello-world)"

no_limits
allowed() { k get configmap policy-configmap -o yaml | grep -q 1000000 && ready hello-world; }
quietly_within 120 "limits do not stand in the way" allowed
template=$(template_of hello-world) jobs=$(jobs_of hello-world)
has_address() { [[ $(address hello-world) =~ ^[0-9] ]]; }
quietly_within 20 "it has an address" has_address
quietly_within 30 "it answers" has_body 200 hello-world /scaling/v1/store/inventory available
under_load hello-world /scaling/v1/store/inventory --rate=150
replicas() { (($(k get deployment hello-world -o jsonpath='{.status.readyReplicas}') >= $1)); }
within 150 "under load there are more pods" replicas 2
no_request_failed "no request failed while they came"
under_load hello-world /scaling/v1/store/inventory --rate=5
alone() { [[ $(k get pods -l app=hello-world --field-selector=status.phase=Running -o name | wc -l) == 1 && $(hpa .status.desiredReplicas) == 1 ]]; }
# The local cluster waits 10 s before it takes pods away; Kubernetes itself five minutes.
within 420 "without it there is one again" alone
no_request_failed "no request failed while they went"
same "scaling is neither a rollout nor a build" "$template $jobs" "$(template_of hello-world) $(jobs_of hello-world)"
