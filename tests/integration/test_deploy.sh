#!/usr/bin/env bash
# test_deploy.sh: the three folders that a user applies, against a real API server.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"

services=(watcher security-svc ratelimit-svc endpoint-svc api-svc builder-svc)
kinds=(apis.wso2.com targetendpoints.wso2.com securities.wso2.com ratelimitings.wso2.com)
k() { kubectl "$@"; }

# ---- the kinds ----

test_crds_are_small_and_every_field_is_described() {
	local kind
	for kind in "${kinds[@]}"; do
		(($(wc -c <"deploy/crds/${kind%%.*}.yaml") < 256 * 1024))
		k get crd "$kind" -o json | jq -e '
			def fields($at): (.properties // {} | to_entries[] | .key as $key | .value
				| (if .description then empty else $at + "." + $key end), fields($at + "." + $key)),
				(.items // empty | fields($at + "[]"));
			[.spec.versions[0].schema.openAPIV3Schema.properties | .spec, .status | fields("")]
			| if . == [] then true else error("no description: " + join(", ")) end' >/dev/null
	done
}

test_no_object_of_a_former_release_is_refused_or_loses_a_field() {
	local file
	k create namespace historic
	for file in tests/data/historic/*.yaml; do
		k apply -n historic --validate=strict -f "$file"
		# What is stored equals what was written, spec for spec.
		diff <(k create --dry-run=client -n historic -f "$file" -o json | jq -S '.items[]?, select(.items | not) | .spec') \
			<(k get -n historic -f "$file" -o json | jq -S '.items[]?, select(.items | not) | .spec')
	done
}

test_what_no_release_accepted_is_refused() {
	local spec kind
	while read -r kind spec; do
		fails k apply -f - <<<"{apiVersion: wso2.com/v1alpha1, kind: $kind, metadata: {name: refused}, spec: $spec}"
	done <<-'END'
		API {}
		API {definition: {}, replicas: 1}
		API {definition: {configmapName: x}}
		API {definition: {configmapName: x}, replicas: many}
		TargetEndpoint {protocol: http}
		Security {issuer: x}
		RateLimiting {type: advance, timeUnit: min, unitTime: 1, requestCount: {}}
		RateLimiting {type: advance, timeUnit: min, requestCount: {limit: 1}}
	END
	fails k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: refused}}'
}

test_status_is_written_apart_from_spec() {
	k apply -f - <<-'END'
		{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: apart},
		 spec: {definition: {configmapName: x}, replicas: 1}, status: {endpoint: forged}}
	END
	[[ $(k get api apart -o 'jsonpath={.status}') == '{"observedGeneration":-1}' ]]
	write_status apart 'endpoint: 172.30.1.10'
	[[ $(k get api apart -o 'jsonpath={.status.endpoint} {.metadata.generation}') == '172.30.1.10 1' ]]
	k patch api apart --type=merge -p '{"spec": {"replicas": 2}}'
	[[ $(k get api apart -o 'jsonpath={.status.endpoint} {.metadata.generation}') == '172.30.1.10 2' ]]
}

# write_status API STATUS: as the operator does it.
write_status() {
	k apply --server-side --subresource=status --field-manager=api-svc -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: API
		metadata: {name: $1, namespace: default}
		status: {$2}
	END
}

test_status_holds_all_that_services_write() {
	local status='{"observedGeneration": 1, "mode": "privateJet", "endpoint": "<pending>", "replicas": 1,
		"image": {"ref": "r/a:1", "digest": "sha256:0", "inputHash": "0"},
		"conditions": [{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "", "observedGeneration": 1,
			"lastTransitionTime": "2026-01-01T00:00:00Z"}],
		"dependencies": [{"kind": "ConfigMap", "namespace": "default", "name": "x", "resourceVersion": ""}],
		"children": [{"kind": "Job", "name": "j", "version": "1", "state": "Complete", "applied": "2"}]}'
	k apply -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: full}, spec: {definition: {configmapName: x}, replicas: 1}}'
	write_status full "$(jq -c . <<<"$status" | sed 's/^{//; s/}$//')"
	diff <(jq -S . <<<"$status") <(k get api full -o json | jq -S .status)
	fails write_status full 'conditions: [{type: Ready, status: Perhaps, reason: X, lastTransitionTime: "2026-01-01T00:00:00Z"}]'
}

test_columns_tell_readiness_endpoint_and_replicas() {
	k create namespace columns
	k apply -n columns -f - <<<'{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: store}, spec: {definition: {configmapName: x}, replicas: 3}}'
	k patch api store -n columns --subresource=status --type=merge -p '{"status": {"observedGeneration": 1, "mode": "privateJet", "endpoint": "172.30.1.10",
		"conditions": [{"type": "Ready", "status": "True", "reason": "Applied", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
	same 'NAME INITIAL-REPLICAS MODE ENDPOINT READY AGE
store 3 privateJet 172.30.1.10 True' "$(k get apis -n columns | sed -E 's/ +/ /g; s/(True) .*/\1/')"
	k wait --for=condition=Ready --timeout=5s -n columns api/store
}

test_short_names_and_a_category() {
	k get te,sec,rl
	same "$(printf '%s\n' "${kinds[@]}" | sort)" "$(k api-resources --categories=apim -o name | sort)"
}

# ---- the operator ----

test_the_operator_applies_by_hand_without_a_warning_and_twice() {
	k apply -f deploy/controller-artifacts/ 2>"$TMP/warnings"
	k apply -f deploy/controller-configs/ 2>>"$TMP/warnings"
	same '' "$(<"$TMP/warnings")"
	versions >"$TMP/before"
	k apply -f deploy/controller-artifacts/
	k apply -f deploy/controller-configs/
	diff "$TMP/before" <(versions)
}

versions() {
	k get -f deploy/controller-artifacts/ -f deploy/controller-configs/ -o json |
		jq -r '.items[] | "\(.kind) \(.metadata.name) \(.metadata.resourceVersion)"'
}

test_each_pod_is_admitted_to_a_restricted_namespace() {
	local workload
	for workload in $(printf 'deployment/%s ' "${services[@]}") statefulset/nats; do
		k get -n wso2-system "$workload" -o json | jq '{apiVersion: "v1", kind: "Pod", metadata: {generateName: "try-", namespace: "wso2-system",
			labels: .spec.template.metadata.labels}, spec: .spec.template.spec}
			| .spec.volumes = [.spec.volumes[]?, (if .spec.containers[0].name == "nats" then {name: "data", emptyDir: {}} else empty end)]' |
			k create --dry-run=server -f - >/dev/null
	done
}

test_no_role_has_a_wildcard() {
	same '' "$(k get clusterroles,roles -A -l app.kubernetes.io/part-of=apim-operator -o json | jq -r '.items[] | 
		select([.rules[] | .verbs, .resources, .apiGroups | index("*")] | any) | .metadata.name')"
}

# can SERVICE VERB RESOURCE [NAMESPACE [NAME]]
can() {
	k auth can-i "$2" "$3${5:+/$5}" -n "${4:-default}" --as="system:serviceaccount:wso2-system:$1" -q
}

test_each_service_may_do_its_part() {
	local service verb resource ns name
	while read -r service verb resource ns name; do
		can "$service" "$verb" "$resource" "$ns" "$name" || { echo "$service must $verb $resource $ns $name"; return 1; }
	done <<-'END'
		watcher list apis.wso2.com
		watcher watch securities.wso2.com
		watcher watch secrets
		watcher watch configmaps
		watcher watch jobs.batch
		watcher watch pods
		watcher watch ingresses.networking.k8s.io
		watcher patch leases.coordination.k8s.io wso2-system apim-watcher
		watcher create leases.coordination.k8s.io wso2-system
		security-svc get securities.wso2.com
		security-svc get secrets
		security-svc create secrets
		security-svc get configmaps wso2-system controller-config
		security-svc patch configmaps wso2-system operator-status
		ratelimit-svc list ratelimitings.wso2.com
		ratelimit-svc patch configmaps default policy-configmap
		ratelimit-svc create configmaps default policy-configmap
		ratelimit-svc patch configmaps default policy-configmap-callers
		ratelimit-svc patch configmaps default policy-configmap-keeper
		endpoint-svc patch deployments.apps
		endpoint-svc patch services
		endpoint-svc patch horizontalpodautoscalers.autoscaling
		endpoint-svc get configmaps wso2-system controller-config
		api-svc get targetendpoints.wso2.com
		api-svc get ratelimitings.wso2.com
		api-svc get configmaps wso2-system
		api-svc patch secrets
		api-svc patch deployments.apps
		api-svc patch ingresses.networking.k8s.io
		api-svc list ingresses.networking.k8s.io
		api-svc create events
		builder-svc get apis.wso2.com
		builder-svc list jobs.batch
		builder-svc list apis.wso2.com
		builder-svc create jobs.batch
		builder-svc list pods
		builder-svc get secrets wso2-system docker-secret
		builder-svc create secrets default docker-registry-credentials
	END
	k auth can-i patch apis.wso2.com --subresource=status -q --as=system:serviceaccount:wso2-system:api-svc
}

test_no_service_may_do_anothers_part() {
	local service verb resource ns name
	while read -r service verb resource ns name; do
		! can "$service" "$verb" "$resource" "$ns" "$name" || { echo "$service must not $verb $resource $ns $name"; return 1; }
	done <<-'END'
		watcher get secrets
		watcher patch apis.wso2.com
		watcher create events
		watcher patch leases.coordination.k8s.io wso2-system another
		security-svc list secrets
		security-svc get configmaps
		security-svc patch configmaps wso2-system controller-config
		security-svc patch securities.wso2.com
		security-svc get apis.wso2.com
		ratelimit-svc get secrets
		ratelimit-svc get configmaps default another
		ratelimit-svc create configmaps
		ratelimit-svc create pods
		endpoint-svc get secrets
		endpoint-svc get configmaps
		endpoint-svc get configmaps wso2-system nats-config
		endpoint-svc create jobs.batch
		api-svc list secrets
		api-svc list configmaps
		api-svc create jobs.batch
		api-svc create pods
		api-svc patch apis.wso2.com
		api-svc patch roles.rbac.authorization.k8s.io
		watcher get pods
		builder-svc get pods
		builder-svc get secrets
		builder-svc get secrets wso2-system apim-bus-credentials
		builder-svc list secrets
		builder-svc create configmaps
		builder-svc create pods
		builder-svc patch deployments.apps
		nats get secrets wso2-system docker-secret
		nats list secrets wso2-system
		nats create secrets
	END
	fails k auth can-i patch apis.wso2.com --subresource=status -q --as=system:serviceaccount:wso2-system:builder-svc
	fails k auth can-i create pods --subresource=exec -q --as=system:serviceaccount:wso2-system:builder-svc
}

# ---- its configuration ----

test_exactly_two_values_are_the_users_to_edit() {
	same '  dockerRegistry: docker.io/<your-user>' "$(grep '^[^#]*<your-user>' deploy/controller-configs/controller_conf.yaml)"
	same '  username: ""
  password: ""' "$(grep '""' deploy/controller-configs/docker_secret_template.yaml)"
}

test_the_default_security_has_the_public_certificate() {
	sed -n 's/^  server.pem: //p' deploy/controller-configs/default_security_cr.yaml | base64 -d | cmp - tests/data/wso2am300.der
}

test_the_manifest_has_the_bus_configuration() { deploy/bus/embed.sh --check; }

test_render_names_the_users_registry_and_fills_in_the_two_values() {
	echo 'operator=registry.example/apim/operator@sha256:0' >"$TMP/images"
	DOCKER_REGISTRY=http://registry.example:5000/a DOCKER_USERNAME='u&|/' DOCKER_PASSWORD=p \
		deploy/render.sh registry.example/apim/ "$TMP/images" "$TMP/rendered"
	same '' "$(grep -rh 172.30.0.1 "$TMP/rendered")"
	grep -q 'image: registry.example/apim/operator@sha256:0$' "$TMP/rendered/controller-artifacts/api-svc.yaml"
	grep -q 'image: registry.example/apim/nats:latest$' "$TMP/rendered/controller-artifacts/10-nats.yaml"
	grep -q 'value: registry.example/apim/gateway:latest$' "$TMP/rendered/controller-artifacts/api-svc.yaml"
	k apply --dry-run=server -f "$TMP/rendered/controller-configs/" >/dev/null
	k create --dry-run=client -o json -f "$TMP/rendered/controller-configs/docker_secret_template.yaml" |
		jq -e '.data | map_values(@base64d) == {username: "u&|/", password: "p"}'
	k create --dry-run=client -o json -f "$TMP/rendered/controller-configs/controller_conf.yaml" |
		jq -es '.[0].data.dockerRegistry == "http://registry.example:5000/a"'
}

kubectl apply -f deploy/crds/ >/dev/null && kubectl apply -f deploy/controller-artifacts/00-namespace.yaml >/dev/null || exit 1
kubectl wait --for=condition=Established --timeout=30s "${kinds[@]/#/crd/}" >/dev/null || exit 1
kubectl apply -f deploy/controller-artifacts/ >/dev/null 2>&1 || exit 1
run_tests
