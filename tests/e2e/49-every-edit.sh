#!/usr/bin/env bash
# A table of edits, and of each: what is built, what is rolled out, what stays untouched, for an API that uses what is edited and for
# one beside it that does not. Requests are made all the while. (More on documents: 02 and 03; on backends: 37 and 38; on limits: 36.)
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "every edit reaches the gateway, and only where it must"
no_limits
sample scenario-7/products-privatejet.yaml | sed 's/products-privatejet/store/; s/minReplicas: 2/minReplicas: 1/' | k apply -f - >/dev/null
sample scenario-8/inventory-sidecar.yaml | sed 's/inventory-sidecar/stock/' | k apply -f - >/dev/null
partner() { (cd "$TMP" && "$TREE/deploy/samples/scenario-16/partner.sh"); }
OLD_PARTNER=$(partner)
# certificate SECRET: the partner's present one.
certificate() { k create secret generic "$1" --from-file="$TMP/partner.crt" --dry-run=client -o json | k apply -f - >/dev/null; }
certificate partner-certificate
k apply -f deploy/samples/scenario-16/partner-security.yaml >/dev/null
# user NAME PASSWORD: a Secret.
user() { k create secret generic "user-$1" --from-literal=username="$1" --from-literal=password="$2" --dry-run=client -o json | k apply -f - >/dev/null; }
user changing first
user steady steady
# limit NAME N
limit() {
	k apply -f - >/dev/null <<-END
		{apiVersion: wso2.com/v1alpha1, kind: RateLimiting, metadata: {name: $1}, spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: $2}}}
	END
}
limit plenty 1000
limit unused 5
k apply -f - >/dev/null <<END
{apiVersion: v1, kind: List, items: [
{apiVersion: wso2.com/v1alpha1, kind: Security, metadata: {name: users}, spec: {type: basic, securityConfig: [{credentials: user-changing}, {credentials: user-steady}]}},
{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: unused}, spec: {port: 80, deploy: {}}},
{apiVersion: wso2.com/v1alpha1, kind: Security, metadata: {name: unused}, spec: {type: basic, securityConfig: [{credentials: user-unused}]}},
{apiVersion: wso2.com/v1alpha1, kind: Security, metadata: {name: unused-jwt}, spec: {type: JWT, securityConfig: [{issuer: "https://nobody.example", certificate: unused-certificate}]}},
{apiVersion: v1, kind: ConfigMap, metadata: {name: mgw-deployment-configs}, data: {mgwSecrets: "- {name: gateway-tls, mountLocation: /etc/gateway/tls}"}}]}
END
user unused first
certificate unused-certificate
# tls NAME: the key and certificate that gateways of the namespace show.
tls() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$TMP/tls.key" -out "$TMP/tls.crt" 2>/dev/null
	k create secret tls gateway-tls --cert="$TMP/tls.crt" --key="$TMP/tls.key" --dry-run=client -o json | k apply -f - >/dev/null
}
tls first

# One operation for each thing that is edited below.
used() {
	cat <<-END
		openapi: 3.0.0
		info: {title: edits, version: 1.0.0}
		x-wso2-basePath: /edits/1.0.0
		x-wso2-production-endpoints: store
		paths:
		  /products: {get: {responses: {"200": {description: fine}}}}
		  /products/101: {get: {x-wso2-throttling-tier: plenty, responses: {"200": {description: fine}}}}
		  /products/151: {get: {security: [{users: []}], responses: {"200": {description: fine}}}}
		  /products/301: {get: {security: [{partner: []}], responses: {"200": {description: fine}}}}
		  /inventory/301: {get: {x-wso2-production-endpoints: {urls: [stock]}, responses: {"200": {description: fine}}}}
	END
	printf '%s\n' "$@"
}
used | give edits-swagger
api edits '{"image": null}'
document bystander '!/nothing' | give bystander-swagger
api bystander
unused_document() { document unused "$1" | give unused-swagger; }
unused_document /nothing
for name in edits bystander; do within 150 "API $name is ready" ready "$name"; done
within 60 "it answers" secured 200 edits /edits/1.0.0/products
within 30 "also from beside the gateway" secured 200 edits /edits/1.0.0/inventory/301
by_user() { request "$1" edits /edits/1.0.0/products/151 -u "$2"; }
by_partner() { request "$1" edits /edits/1.0.0/products/301 -H "Authorization: Bearer $2"; }
shows() { openssl s_client -connect "$(address edits):9095" </dev/null 2>/dev/null | openssl x509 -noout -subject | grep "CN = $1\$"; }
within 30 "to a user" by_user 200 changing:first
within 30 "to a partner" by_partner 200 "$OLD_PARTNER"
within 30 "with the namespace's own key" shows first

LOADS=()
# steady PATH HEADER: requests until all_went_well.
steady() {
	local log=$TMP/load-${#LOADS[@]}
	"$B/tests/e2e/load" --rate=8 --seconds=900 --connections=2 --header="$2" "https://$(address edits):9095/edits/1.0.0$1" >"$log" 2>&1 &
	LOADS+=($!)
	afterwards "kill $!"
}
steady /products "Authorization: Bearer $TOKEN"
steady /inventory/301 "Authorization: Bearer $TOKEN"
steady /products/151 "Authorization: Basic $(printf steady:steady | base64)"
none_failed() { cat "$TMP"/load-*; ! grep -hv ' failed=0 ' "$TMP"/load-*; }
all_went_well() {
	kill -TERM "${LOADS[@]}"
	wait "${LOADS[@]}" || true
	sed 's/^/# /' "$TMP"/load-*
	now "$1" none_failed
}

# ---- the table ----

declare -A JOBS ROLLOUTS
rollouts() { k get deployment "$1" -o jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}'; }
remember() {
	local name
	for name in edits bystander; do JOBS[$name]=$(jobs_of "$name") ROLLOUTS[$name]=$(rollouts "$name"); done
}
# since API: what happened to it since: "builds=1 rollouts=1".
since() {
	local built
	built=$(comm -13 <(printf '%s\n' "${JOBS[$1]}") <(jobs_of "$1") | wc -l)
	echo "builds=$built rollouts=$(($(rollouts "$1") - ROLLOUTS[$1]))"
}
declare -A OUTCOME=([nothing]="builds=0 rollouts=0" [rolled]="builds=0 rollouts=1" [built]="builds=1 rollouts=1")
QUIET=() # edits that nothing should follow from: that is known when something has followed from a later one
happened() { echo "$1: $(since "$1"), $2 expected"; [[ $(since "$1") == "${OUTCOME[$2]}" ]] && ready "$1" && k rollout status "deployment/$1" --timeout=1s; }

# row USING BESIDE EDIT COMMAND…: what becomes of the API that uses it, and of the one beside it: nothing, rolled or built.
row() {
	local using=$1 beside=$2 edit=$3 quiet
	shift 3
	"$@" || not_ok "$edit: can be made"
	if [[ $using == nothing && $beside == nothing ]]; then
		QUIET+=("$edit")
		return
	fi
	within 150 "$edit: $using" happened edits "$using"
	[[ $beside == nothing ]] || quietly_within 150 "$edit: $beside beside it, too" happened bystander "$beside"
	same "- and once; beside it: $beside" "${OUTCOME[$using]}; ${OUTCOME[$beside]}" "$(since edits); $(since bystander)"
	for quiet in "${QUIET[@]}"; do ok "$quiet: nothing built, nothing rolled out, in neither"; done
	QUIET=()
	remember
}
patch() { k patch "$1" "$2" --type=merge -p "$3" >/dev/null; }
patch_system() { ks patch configmap "$1" --type=merge -p "{\"data\": $2}" >/dev/null; }
spec() { patch api edits "{\"spec\": $1}"; }
operation() { used "$@" | give edits-swagger; }
remember

# What the API does not use.
row nothing nothing "the document of no API" unused_document /products
row nothing nothing "a Security that it does not use" patch security unused '{"spec": {"securityConfig": [{"credentials": "user-other"}]}}'
row nothing nothing "the certificate Secret of one" patch secret unused-certificate '{"stringData": {"partner.crt": "none"}}'
row nothing nothing "the credentials Secret of one" user unused second
row nothing nothing "a RateLimiting that it does not use" limit unused 6
row nothing nothing "a TargetEndpoint that it does not use: port" target unused '{"port": 81}'
row nothing nothing "its image" target unused "{\"deploy\": {\"dockerImage\": \"$(image samples)\"}}"
row nothing nothing "its mode" target unused '{"mode": "sidecar"}'

# What it uses.
row nothing nothing "a comment in the document" operation '# nothing new'
row built nothing "an operation of the document" operation '  /products/401: {get: {responses: {"200": {description: fine}}}}'
within 30 "which it answers" secured 200 edits /edits/1.0.0/products/401
row built nothing "TargetEndpoint, port" target store '{"port": 81}'
ports() { k get service store -o json | jq -r '[.spec.ports[].port] | sort | join(" ")'; }
same "the former port is kept for gateways that go" "80 81" "$(ports)"
row built nothing "RateLimiting" limit plenty 900
row built nothing "Security" patch security partner '{"spec": {"securityConfig": [{"certificate": "partner-certificate", "issuer": "https://partner.example"}]}}'
rm "$TMP"/partner.{key,crt}
NEW_PARTNER=$(partner)
row built nothing "its certificate Secret" certificate partner-certificate
within 30 "by which the partner's new tokens count" by_partner 200 "$NEW_PARTNER"
ends() { by_partner 401 "$OLD_PARTNER"; }
within 60 "and the old ones no longer" ends

row nothing nothing "its credentials Secret" user changing second
row nothing nothing "the gateway's TLS Secret" tls second
within 150 "the new password counts in the gateway that runs" by_user 200 changing:second
now "the old one no longer" by_user 401 changing:first
within 150 "the new key is shown by it" shows second

autoscaler() { [[ $(k get hpa "$1" -o jsonpath='{.spec.minReplicas} {.spec.maxReplicas}') == "$2" ]]; }
row nothing nothing "TargetEndpoint, replicas" target store '{"deploy": {"minReplicas": 2, "maxReplicas": 4}}'
within 20 "its autoscaler has them" autoscaler store-hpa "2 4"
before=$(rollouts store)
row nothing nothing "TargetEndpoint, image" target store "{\"deploy\": {\"dockerImage\": \"$(again "$(image products)")\"}}"
backend_rolled() { (($(rollouts store) == before + 1)) && k rollout status deployment/store --timeout=1s && target_ready store; }
within 90 "the backend is rolled out, once" backend_rolled
row rolled nothing "sidecar, image" target stock "{\"deploy\": {\"dockerImage\": \"$(again "$(image samples)")\"}}"

request_of() { k get deployment edits -o jsonpath='{.spec.template.spec.containers[-1].resources.requests.memory}'; }
memory=$(request_of)
afterwards "patch_system controller-config '{\"resourceRequestMemory\": \"$memory\"}'; ks delete configmap hpa-configs ingress-configs --ignore-not-found"
configure() { ks create configmap "$1" --from-literal="$2" --dry-run=client -o json | kubectl apply -f - >/dev/null; }
row nothing nothing "operator's ConfigMap of another mode" configure ingress-configs ingressHostName=other.example
row nothing nothing "operator's ConfigMap of autoscalers" configure hpa-configs mgwMaxReplicas=7
within 20 "autoscalers have it" autoscaler edits-hpa "1 7"
ks delete configmap hpa-configs ingress-configs >/dev/null
row rolled rolled "operator's ConfigMap, memory of gateways" patch_system controller-config '{"resourceRequestMemory": "33Mi"}'
row rolled rolled "- and back" patch_system controller-config "{\"resourceRequestMemory\": \"$memory\"}"

# The API's own fields.
row nothing nothing "replicas" spec '{"replicas": 2}'
within 20 "its autoscaler has them" autoscaler edits-hpa "2 5"
row nothing nothing "replicas, back" spec '{"replicas": 1}'
row rolled nothing "an environment variable" spec '{"environmentVariables": ["WHO=me"]}'
same "which is there" me "$(k get deployment edits -o json | jq -r '.spec.template.spec.containers[-1].env[]? | select(.name == "WHO") | .value')"
row rolled nothing "an environment variable, taken away" spec '{"environmentVariables": null}'
row built nothing "updateTimeStamp" spec '{"updateTimeStamp": "20240101000000"}'
row nothing nothing "updateTimeStamp, taken away" spec '{"updateTimeStamp": null}'
row built nothing "override" spec '{"override": true}'
row nothing nothing "override, taken away" spec '{"override": false}'

# By hand.
template=$(template_of edits)
k patch deployment edits --type=json -p '[{"op": "replace", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 77}]' >/dev/null
restored() { [[ $(template_of edits) == "$template" ]] && ready edits && k rollout status deployment/edits --timeout=1s; }
within 60 "a Deployment that was edited by hand is put right" restored
remember
row nothing nothing "a Service edited by hand" patch service edits '{"spec": {"sessionAffinity": "ClientIP"}}'
row nothing nothing "an autoscaler edited by hand" patch hpa edits-hpa '{"spec": {"maxReplicas": 9}}'
within 20 "which is put right" autoscaler edits-hpa "1 5"
row nothing nothing "a Deployment scaled by hand" k scale deployment edits --replicas=2
for child in hpa/edits-hpa configmap/edits-dockerfile secret/edits-mgw-conf configmap/edits-swagger-mgw; do
	row nothing nothing "$child deleted by hand" k delete --wait=false "$child"
	within 30 "which returns" k get "$child"
done

# What is in use may be deleted: the gateway goes on, the API says what it misses.
k get ratelimiting plenty -o json >"$TMP/plenty"
k get security partner -o json >"$TMP/partner"
k get targetendpoint stock -o json >"$TMP/stock"
again_there() { jq 'del(.metadata.resourceVersion, .metadata.uid, .status)' "$TMP/$1" | k apply -f - >/dev/null; }
row nothing nothing "a RateLimiting in use, deleted" k delete ratelimiting plenty
within 20 "which is said" is edits ResolvedRefs 'False PolicyNotFound: *"plenty"*'
now "its operation answers on" secured 200 edits /edits/1.0.0/products/101
again_there plenty
within 30 "- and put right when it is there again" ready edits
row nothing nothing "a Security in use, deleted" k delete security partner
within 20 "which is said" is edits ResolvedRefs 'False SecurityNotFound: *"partner"*'
now "its partner is let in on" by_partner 200 "$NEW_PARTNER"
again_there partner
within 30 "- and put right when it is there again" ready edits
row nothing nothing "a TargetEndpoint in use, deleted" k delete targetendpoint stock
within 20 "which is said" is edits ResolvedRefs 'False TargetEndpointNotFound: *"stock"*'
now "the sidecar answers on" secured 200 edits /edits/1.0.0/inventory/301
now "and it was told in an event" told edits TargetEndpointNotFound 1
again_there stock
within 30 "- and put right when it is there again" ready edits

row rolled nothing "a last one" spec '{"environmentVariables": ["WHO=me"]}'
moved() { [[ $(ports) == 81 ]]; }
within 150 "the former port of the backend is gone by now" moved
all_went_well "no request failed meanwhile"

# Without a gateway nobody is answered: not under load.
k delete deployment edits >/dev/null
within 60 "a Deployment that was deleted by hand returns" ready edits
k delete service edits >/dev/null
has_address() { [[ $(address edits) =~ ^[0-9] ]] && ready edits; }
within 60 "so does a Service" has_address
within 60 "and the API answers" secured 200 edits /edits/1.0.0/products
same "without a build" "${JOBS[edits]}" "$(jobs_of edits)"
