#!/usr/bin/env bash
# test_small_services.sh: security-svc, ratelimit-svc and endpoint-svc with the watcher, against a real API server and bus: what
# a person does to their objects, and what becomes of them. APICTL names an apictl beside which the services stand.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"
[[ -n ${NATS_URL:-} ]] || exec tests/integration/with-nats.sh "$TREE/tests/integration/$(basename "$0")" "$@"

bin=$(readlink -f "$(dirname "${APICTL:-build/release/bin/apictl}")")
services=(watcher security-svc ratelimit-svc endpoint-svc)
for program in "${services[@]}"; do
	[[ -x $bin/$program ]] || { echo "test_small_services.sh: SKIPPED: $bin/$program is missing (make)" >&2; exit 77; }
done
k() { kubectl "$@"; }
# eventually CMD…: within 20 s.
eventually() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { echo "never: $*"; "$@"; tail -n 5 "$TMP"/*.out; return 1; }
		sleep 0.05
	done
}
condition() { # KIND NAME TYPE STATUS REASON
	[[ $(k get "$1" "$2" -o "jsonpath={.status.conditions[?(@.type=='$3')].status} {.status.conditions[?(@.type=='$3')].reason}") == "$4 $5" ]]
}
exists() { k get "$@"; }
gone() { ! k get "$@"; }
is() { [[ $(k get "$1" "$2" "${@:5}" -o "jsonpath=$3") == "$4" ]]; }
policies() { k get configmap policy-configmap -o 'jsonpath={.data.policies\.yaml}'; }
has_policy() { policies | grep -q "\"$1\":"; }
has_no_policy() { ! has_policy "$1"; }
versions() { k get securities,ratelimitings,targetendpoints,configmaps,secrets,deployments,services,hpa -o 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}'; }

k create -f deploy/crds >/dev/null
k wait --for=condition=Established crd --all --timeout=20s >/dev/null
k create namespace wso2-system >/dev/null
for service in "${services[@]}"; do
	NATS_USER='' LISTEN_PORT=-1 POD_NAME=$service-0 setpriv --pdeathsig KILL -- "$bin/$service" >"$TMP/$service.out" 2>&1 &
done

security() { # NAME CERTIFICATE [OPTION…]
	k apply "${@:3}" -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: Security
		metadata: {name: $1}
		spec: {type: JWT, issuer: https://i.example, certificate: $2}
	END
}
limit() { # NAME LIMIT
	k apply -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: RateLimiting
		metadata: {name: $1}
		spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: $2}}
	END
}
endpoint() { # NAME IMAGE MODE
	k apply -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: TargetEndpoint
		metadata: {name: $1, labels: {app: wso2}}
		spec: {protocol: http, port: 80, targetPort: 9090, mode: $3, deploy: {name: $1, dockerImage: "$2", count: 2, cpuLimit: 1000m}}
	END
}
rolled_out() { # DEPLOYMENT: what the controller, which does not run here, would say
	local generation
	generation=$(k get deployment "$1" -o 'jsonpath={.metadata.generation}')
	k patch deployment "$1" --subresource=status --type=merge -p "{\"status\":{\"observedGeneration\":$generation,\"replicas\":2,\"updatedReplicas\":2,\"availableReplicas\":2,\"readyReplicas\":2,\"conditions\":[{\"type\":\"Progressing\",\"status\":\"True\",\"reason\":\"NewReplicaSetAvailable\",\"message\":\"\",\"lastUpdateTime\":\"2026-01-01T00:00:00Z\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}}"
}

test_1_a_security_waits_for_its_secret_and_follows_it() {
	security petstore petstore-cert
	eventually condition security petstore ResolvedRefs False SecretNotFound
	gone secret petstore-security
	openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=i -days 365 -out "$TMP/cert.pem" 2>/dev/null
	k create secret generic petstore-cert --from-file=server.pem="$TMP/cert.pem"
	eventually condition security petstore Ready True Ready
	k get secret petstore-security -o 'jsonpath={.data.security\.json}' | base64 -d | grep -q 'BEGIN PUBLIC KEY'
	openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=i -days 10 -out "$TMP/cert.pem" 2>/dev/null
	k create secret generic petstore-cert --from-file=server.pem="$TMP/cert.pem" --dry-run=client -o yaml | k replace -f -
	eventually condition security petstore CertificatesValid True CertificateExpiresSoon
	k delete secret petstore-security
	eventually exists secret petstore-security
	eventually exists events --field-selector involvedObject.name=petstore,reason=CertificateExpiresSoon
}

test_2_a_security_that_breaks_keeps_what_was_compiled() {
	local before
	eventually condition security petstore Ready True Ready
	before=$(k get secret petstore-security -o 'jsonpath={.data}')
	k delete secret petstore-cert
	eventually condition security petstore Ready False SecretNotFound
	same "$before" "$(k get secret petstore-security -o 'jsonpath={.data}')"
}

test_2_then_the_installation_gets_a_secret_once() {
	local before
	gone secret apim-api-keys -n wso2-system
	security default-security-jwt default-cert
	gone secret apim-api-keys -n default
	security default-security-jwt default-cert -n wso2-system
	eventually exists secret apim-api-keys -n wso2-system
	before=$(k get secret apim-api-keys -n wso2-system -o 'jsonpath={.data.key} {.metadata.resourceVersion} {.metadata.ownerReferences}')
	[[ $(base64 -d <<<"${before%% *}") =~ ^[0-9a-f]{64}$ ]]
	security default-security-jwt other-cert -n wso2-system
	eventually is security default-security-jwt '{.status.observedGeneration}' 2 -n wso2-system
	same "$before" "$(k get secret apim-api-keys -n wso2-system -o 'jsonpath={.data.key} {.metadata.resourceVersion} {.metadata.ownerReferences}')"
	k delete security default-security-jwt
	k delete security default-security-jwt -n wso2-system
}

test_3_limits_are_rendered_and_edits_by_hand_are_not_kept() {
	limit five-req 5
	eventually condition ratelimiting five-req Ready True Ready
	has_policy five-req
	has_policy five
	k patch configmap policy-configmap --type=merge -p '{"data":{"policies.yaml":"mine"}}'
	eventually has_policy five-req
	k delete configmap policy-configmap
	eventually has_policy five-req
}

test_4_a_short_name_belongs_to_one() {
	limit five-other 6
	eventually condition ratelimiting five-other Published True NameConflict
	condition ratelimiting five-req Published True Published
	same five "$(k get ratelimiting five-req -o 'jsonpath={.status.alias}')"
	eventually exists events --field-selector involvedObject.name=five-other,reason=NameConflict
	k delete ratelimiting five-req
	eventually condition ratelimiting five-other Published True Published
	eventually is ratelimiting five-other '{.status.alias}' five
	has_no_policy five-req
}

test_5_many_limits_at_once_are_all_rendered() {
	local i
	for i in $(seq 20); do limit "many$i" "$i"; done
	for i in $(seq 20); do
		eventually has_policy "many$i"
		eventually condition ratelimiting "many$i" Ready True Ready
	done
	k delete ratelimitings --all
	eventually gone configmap policy-configmap
	gone configmap policy-configmap-keeper
}

test_5_then_a_change_of_one_limit_is_no_news_to_the_others() {
	local i before='' looks=0
	limit a-keeper 1
	eventually condition ratelimiting a-keeper Ready True Ready
	for i in $(seq 10); do limit "quiet$i" "$i"; done
	for i in $(seq 10); do eventually condition ratelimiting "quiet$i" Ready True Ready; done
	others() { k get ratelimitings -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}' | grep -v -e '^quiet5 ' -e '^a-keeper '; }
	settled() { # nothing has changed over ten looks
		local now
		now=$(others)
		if [[ $now == "$before" ]]; then looks=$((looks + 1)); else looks=0; fi
		before=$now
		((looks >= 10))
	}
	eventually settled
	limit quiet5 55
	eventually has_count 55
	eventually settled_status quiet5
	same "$before" "$(others)"
	k patch configmap policy-configmap --type=merge -p '{"data":{"policies.yaml":"mine"}}'
	eventually has_policy quiet5
	# Who kept the documents goes: the next one does, and sees to edits by hand.
	k delete ratelimiting a-keeper
	eventually has_no_policy a-keeper
	eventually another_keeper
	k delete configmap policy-configmap
	eventually has_policy quiet5
	k delete ratelimitings --all
	eventually gone configmap policy-configmap
}
has_count() { policies | grep -q "count: $1"; }
# Another one than a-keeper keeps the documents, and its status says so.
another_keeper() {
	local now
	now=$(k get configmap policy-configmap-keeper -o 'jsonpath={.data.keeper}')
	[[ $now != a-keeper ]] && k get ratelimiting "$now" -o 'jsonpath={.status.children}' | grep -q policy-configmap
}
settled_status() { [[ $(k get ratelimiting "$1" -o 'jsonpath={.metadata.generation}') == "$(k get ratelimiting "$1" -o 'jsonpath={.status.observedGeneration}')" ]]; }

test_6_a_backend_is_run_and_becomes_ready_with_its_rollout() {
	endpoint products products:1 privateJet
	eventually exists deployment products
	eventually exists service products
	eventually exists hpa products-hpa
	eventually condition targetendpoint products Ready Unknown Progressing
	rolled_out products
	eventually condition targetendpoint products Ready True Ready
	is targetendpoint products '{.status.url}' http://products.default:80
	is service products '{.spec.selector}' '{"apim.wso2.com/target-endpoint":"products"}'
}

test_7_replicas_are_the_autoscalers() {
	k scale deployment products --replicas=4
	endpoint products products:2 privateJet
	eventually is deployment products '{.spec.template.spec.containers[0].image}' products:2
	is deployment products '{.spec.replicas}' 4
	rolled_out products
	eventually condition targetendpoint products Ready True Ready
}

test_8_what_a_person_changes_or_deletes_is_put_right() {
	k patch service products --type=json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":1234}]'
	eventually is service products '{.spec.ports[0].targetPort}' http-port
	k delete hpa products-hpa
	eventually exists hpa products-hpa
}

test_9_configuration_reaches_what_runs_already() {
	k create configmap controller-config -n wso2-system --from-literal=resourceRequestCPUTarget=123m
	eventually is deployment products '{.spec.template.spec.containers[0].resources.requests.cpu}' 123m
	rolled_out products
	eventually condition targetendpoint products Ready True Ready
}

test_a_then_nothing_is_written() {
	local before
	eventually condition targetendpoint products Reconciling "" "" # settled
	sleep 3 # longer than any appointment made for a rollout
	before=$(versions)
	sleep 3
	same "$before" "$(versions)"
}

test_b_a_sidecar_runs_nothing_of_its_own() {
	endpoint products products:2 sidecar
	eventually condition targetendpoint products Programmed True NoWorkload
	eventually gone deployment products
	eventually gone service products
	eventually gone hpa products-hpa
}

test_c_a_bad_field_is_said_and_mended_by_an_edit() {
	k apply -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: TargetEndpoint
		metadata: {name: bad}
		spec: {protocol: http, deploy: {name: bad, dockerImage: "bad:1", reqMemory: lots}}
	END
	eventually condition targetendpoint bad Accepted False InvalidField
	gone deployment bad
	endpoint bad bad:1 privateJet
	eventually exists deployment bad
	eventually condition targetendpoint bad Accepted True Valid
}

run_tests
