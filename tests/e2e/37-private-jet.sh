#!/usr/bin/env bash
# Scenario 7: a backend that the operator runs, and what its edits touch.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a TargetEndpoint with an image is a backend of its own"
te=products-privatejet
sample scenario-7/products-privatejet.yaml | k apply -f - >/dev/null
within 60 "the backend is ready" target_ready $te
same "its URL is in its status" "http://$te.$NS:80" "$(k get targetendpoint $te -o jsonpath='{.status.url}')"
same "two pods run it" 2 "$(k get pods -l apim.wso2.com/target-endpoint=$te -o json | jq '.items | length')"
same "the Service leads from 80 to 8080, by the port's name" "80 http-port http-port 8080" \
	"$(k get service $te -o jsonpath='{.spec.ports[0].port} {.spec.ports[0].targetPort}') $(k get deployment $te -o jsonpath='{.spec.template.spec.containers[0].ports[0].name} {.spec.template.spec.containers[0].ports[0].containerPort}')"
same "the autoscaler is 2 to 3" "2 3" "$(k get hpa $te-hpa -o jsonpath='{.spec.minReplicas} {.spec.maxReplicas}')"

"$B/bin/apictl" add api -n products-pj --from-file=deploy/samples/scenario-7/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready products-pj
within 30 "the gateway reaches it by its name" has_body 200 products-pj /storepj/v1.0.0/products Apples
now "and one product" has_body 200 products-pj /storepj/v1.0.0/products/101 Apples

# Every edit reaches what it is about, and nothing else.
gateway=$(generation_of products-pj)
jobs=$(jobs_of products-pj)
template=$(template_of $te)
under_load products-pj /storepj/v1.0.0/products

target $te '{"deploy": {"maxReplicas": 4}}'
has_bounds() { [[ $(k get hpa $te-hpa -o jsonpath='{.spec.minReplicas} {.spec.maxReplicas}') == "$1" ]]; }
within 10 "another maximum reaches the autoscaler" has_bounds "2 4"
same "without replacing a pod" "$template" "$(template_of $te)"

target $te "{\"deploy\": {\"dockerImage\": \"$(again "$(image products)")\"}}"
has_image() { [[ $(k get deployment $te -o jsonpath='{.spec.template.spec.containers[0].image}') == "$1" ]]; }
within 10 "another image reaches the Deployment" has_image "$(again "$(image products)")"
within 90 "and is rolled out" target_ready $te
rolled() { k rollout status deployment/$te --timeout=1s; }
within 60 "to every pod" rolled

no_request_failed "no request failed"

k patch service $te --type=merge -p '{"spec": {"selector": {"app": "nobody"}}}' >/dev/null
selects() { k get service $te -o json | jq -e --arg te $te '.spec.selector["apim.wso2.com/target-endpoint"] == $te'; }
patched() { [[ $(k get service $te -o jsonpath='{.spec.selector.app}') == nobody ]]; }
put_right() { selects && ! patched; }
within 10 "a Service that was edited by hand is put right" put_right
k delete deployment $te >/dev/null
within 60 "a Deployment that was deleted by hand returns" target_ready $te

same "the gateway was not touched by any of this" "$gateway" "$(generation_of products-pj)"
same "nothing was built" "$jobs" "$(jobs_of products-pj)"

target $te '{"port": 81}'
has_url() { [[ $(k get targetendpoint $te -o jsonpath='{.status.url}') == "$1" ]]; }
within 10 "another port is another URL" has_url "http://$te.$NS:81"
built_again() { [[ $(jobs_of products-pj) != "$jobs" ]] && ready products-pj; }
within 120 "with which the gateway is built again" built_again
within 60 "and answers" has_body 200 products-pj /storepj/v1.0.0/products Apples

k delete targetendpoint $te >/dev/null
within 60 "deleted, everything of it is gone" none deployment,service,hpa,pod -l apim.wso2.com/target-endpoint=$te
within 10 "and the API says what it misses" is products-pj ResolvedRefs "False TargetEndpointNotFound: *$te*"
