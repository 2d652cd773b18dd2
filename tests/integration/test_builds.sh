#!/usr/bin/env bash
# test_builds.sh: api-svc, builder-svc and the watcher against a real API server, bus and registry. What the Job controller and
# kubelet would say is said by hand, so that every turn a build can take is taken. APICTL names an apictl beside the services.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"
[[ -n ${NATS_URL:-} ]] || exec tests/integration/with-nats.sh "$TREE/tests/integration/$(basename "$0")" "$@"

bin=$(readlink -f "$(dirname "${APICTL:-build/release/bin/apictl}")")
for program in watcher security-svc api-svc builder-svc; do
	[[ -x $bin/$program ]] || { echo "test_builds.sh: SKIPPED: $bin/$program is missing (make)" >&2; exit 77; }
done
command -v docker-registry >/dev/null || { echo "test_builds.sh: SKIPPED: docker-registry is missing" >&2; exit 77; }
k() { kubectl "$@"; }
# eventually CMD…: within 30 s.
eventually() {
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { echo "never: $*"; "$@" || true; k get api,job,pod -A; k get api -A -o json | jq -c ".items[] | [.metadata.name, (.status.conditions[]? | select(.type==\"Built\").message)]"; tail -n 6 "$TMP"/*.out; return 1; }
		sleep 0.05
	done
}
condition() { # NAME TYPE PATTERN
	local seen
	seen=$(k get api "$1" -o "jsonpath={.status.conditions[?(@.type=='$2')].status} {.status.conditions[?(@.type=='$2')].reason}: {.status.conditions[?(@.type=='$2')].message}")
	echo "$seen"
	# shellcheck disable=SC2053
	[[ $seen == $3 ]]
}
exists() { k get "$@"; }
gone() { ! k get "$@"; }

until registry=127.0.0.1:$((15000 + RANDOM % 17000)) && [[ -z $(ss -Htan "sport = :${registry#*:}") ]]; do :; done
cat >"$TMP/registry.yml" <<-END
	version: 0.1
	log: {level: error}
	storage: {filesystem: {rootdirectory: "$TMP/registry"}}
	http: {addr: "$registry"}
END
# Whenever it dies it is started again, but not before $TMP/hold is gone. With us, even if we are killed.
# shellcheck disable=SC2016 # expanded by the inner shell
setpriv --pdeathsig TERM -- bash -c 'trap "kill -KILL \$server; exit" TERM
	for (( ; ; )); do
		setpriv --pdeathsig KILL -- docker-registry serve "$1/registry.yml" >>"$1/registry.out" 2>&1 & server=$!
		echo "$server" >"$1/registry.pid"
		wait "$server"
		while [[ -e $1/hold ]]; do sleep 0.05; done
	done' registry "$TMP" >"$TMP/keeper.out" 2>&1 &
registry_start() { rm -f "$TMP/hold"; }
registry_dies() {
	touch "$TMP/hold"
	kill -KILL "$(cat "$TMP/registry.pid")"
}

k create -f deploy/crds >/dev/null
k wait --for=condition=Established crd --all --timeout=20s >/dev/null
k create namespace wso2-system >/dev/null
k apply -f deploy/controller-configs >/dev/null
k patch configmap controller-config -n wso2-system --type=merge -p "{\"data\":{\"dockerRegistry\":\"http://$registry/gateways\"}}" >/dev/null
for service in watcher security-svc api-svc builder-svc; do
	TOOLKIT_IMAGE=t:1 RUNTIME_IMAGE=r:1 KANIKO_IMAGE=k:1 NATS_USER='' LISTEN_PORT=-1 POD_NAME=$service-0 \
		setpriv --pdeathsig KILL -- "$bin/$service" >"$TMP/$service.out" 2>&1 &
done

digest() { printf 'sha256:%064d' "$1"; }
document() { # NAME PATH
	k create configmap "$1-swagger" --dry-run=client -o yaml --from-file=swagger.yaml=/dev/stdin <<-END | k apply --server-side --force-conflicts -f -
		openapi: 3.0.0
		info: {title: $1, version: 1.0.0}
		x-wso2-basePath: /$1/1.0.0
		x-wso2-production-endpoints: {urls: ["http://products"]}
		paths: {"$2": {get: {responses: {"200": {description: fine}}}}}
	END
}
api() { # NAME
	k apply -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: API
		metadata: {name: $1}
		spec: {definition: {configmapName: $1-swagger, type: swagger}, replicas: 1}
	END
}
# As kubelet: the Job's pod ended. JOB EXIT-CODE MESSAGE
pod_ends() {
	local phase=Succeeded
	(($2 == 0)) || phase=Failed
	k get job "$1" -o json | jq --arg name "$1-$RANDOM" '.spec.template | .apiVersion = "v1" | .kind = "Pod" | .metadata.name = $name' >"$TMP/pod"
	jq --arg job "$1" '.metadata.labels["batch.kubernetes.io/job-name"] = $job' "$TMP/pod" | k create -f -
	k patch pod "$(jq -r .metadata.name "$TMP/pod")" --subresource=status --type=merge -p "$(jq -n --arg phase "$phase" --argjson code "$2" --arg message "$3" \
		'{status: {phase: $phase, containerStatuses: [{name: "x", image: "k:1", imageID: "", ready: false, restartCount: 0,
			state: {terminated: {exitCode: $code, reason: "Ended", message: $message}}}]}}')"
}
# As the Job controller. JOB
job_completes() {
	k patch job "$1" --subresource=status --type=merge -p '{"status":{"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:00:02Z","succeeded":1,"conditions":[
		{"type":"SuccessCriteriaMet","status":"True","reason":"CompletionsReached","message":"","lastProbeTime":"2026-01-01T00:00:01Z","lastTransitionTime":"2026-01-01T00:00:01Z"},
		{"type":"Complete","status":"True","reason":"CompletionsReached","message":"","lastProbeTime":"2026-01-01T00:00:02Z","lastTransitionTime":"2026-01-01T00:00:02Z"}]}}'
}
job_fails() {
	k patch job "$1" --subresource=status --type=merge -p '{"status":{"startTime":"2026-01-01T00:00:00Z","failed":1,"conditions":[
		{"type":"FailureTarget","status":"True","reason":"BackoffLimitExceeded","message":"","lastProbeTime":"2026-01-01T00:00:01Z","lastTransitionTime":"2026-01-01T00:00:01Z"},
		{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"","lastProbeTime":"2026-01-01T00:00:01Z","lastTransitionTime":"2026-01-01T00:00:01Z"}]}}'
}
uid() { k get job "$1" -o 'jsonpath={.metadata.uid}'; }
other_job() { [[ $(uid "$1") =~ ^[0-9a-f] && $(uid "$1") != "$2" ]]; }
runs() { [[ $(k get api "$1" -o 'jsonpath={.status.image.digest}') == "$2" && $(k get deployment "$1" -o 'jsonpath={.spec.template.spec.containers[0].image}') == *"@$2" ]]; }
jobs_of() { k get jobs -l "apim.wso2.com/owner=$1" -o 'jsonpath={range .items[*]}{.metadata.name} {end}'; }
two_jobs() { [[ $(jobs_of "$1" | wc -w) == 2 ]]; }
only_new_job() { [[ $(jobs_of "$1") == "$1-kaniko " ]] && other_job "$1-kaniko" "$2"; }

test_1_an_api_is_built_and_its_image_rolled_out_by_digest() {
	document store /products
	api store
	eventually exists job store-kaniko
	pod_ends store-kaniko 0 "$(digest 1)"
	eventually runs store "$(digest 1)"
	condition store Built 'True BuildSucceeded:*'
	job_completes store-kaniko
}

# Every version that a watch shows of the API is a write of its status.
test_1a_status_is_written_three_times_on_the_way_to_ready() {
	ready() { [[ $(k get api counted -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]; }
	version() { k get api counted -o 'jsonpath={.metadata.resourceVersion}'; }
	document counted /products
	k get apis --field-selector metadata.name=counted -w --output-watch-events -o json >"$TMP/versions" 2>/dev/null &
	api counted
	eventually exists job counted-kaniko
	pod_ends counted-kaniko 0 "$(digest 9)"
	eventually exists deployment counted
	job_completes counted-kaniko
	k patch service counted --subresource=status --type=merge -p '{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}}'
	k patch deployment counted --subresource=status --type=merge -p '{"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
		"readyReplicas": 1, "availableReplicas": 1, "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}}'
	eventually ready
	eventually grep -q "\"resourceVersion\":\"$(version)\"" "$TMP/versions"
	same "ADDED MODIFIED MODIFIED MODIFIED" "$(jq -r .type "$TMP/versions" | tr '\n' ' ' | sed 's/ $//')"
	k get api counted -o 'jsonpath={.status.endpoint}' | grep 192.0.2.9
}

test_2_other_content_is_another_build_and_the_old_content_is_none() {
	local second
	document store /other
	eventually two_jobs store
	second=$(jobs_of store | tr ' ' '\n' | grep -E 'kaniko-[0-9a-f]{8}$')
	pod_ends "$second" 0 "$(digest 2)"
	eventually runs store "$(digest 2)"
	job_completes "$second"
	document store /products
	eventually runs store "$(digest 1)"
	same 2 "$(jobs_of store | wc -w)"
}
test_3_a_failed_build_is_told_and_repeated_with_one_job_at_a_time() {
	local first
	document failing /products
	api failing
	eventually exists job failing-kaniko
	first=$(uid failing-kaniko)
	pod_ends failing-kaniko 1 $'INFO[0001] RUN build\nproof: /products answered 500\nerror building image: exit status 1'
	job_fails failing-kaniko
	eventually condition failing Built 'False BuildFailed: proof: /products answered 500*exit status 1'
	same "$first" "$(uid failing-kaniko)"
	eventually other_job failing-kaniko "$first"
	# In between there is none for a moment.
	eventually exists job failing-kaniko
	k delete pods -l batch.kubernetes.io/job-name=failing-kaniko --field-selector=status.phase=Failed --force --grace-period=0
	pod_ends failing-kaniko 0 "$(digest 3)"
	eventually runs failing "$(digest 3)"
	job_completes failing-kaniko
}

test_4_newer_content_ends_the_build_of_the_older() {
	local first
	document hasty /products
	api hasty
	eventually exists job hasty-kaniko
	first=$(uid hasty-kaniko)
	document hasty /other
	eventually only_new_job hasty "$first"
}

test_5_a_registry_that_is_away_is_told_and_asked_again() {
	registry_dies
	document waiting /products
	api waiting
	eventually condition waiting Built 'False RegistryUnavailable: registry 127.0.0.1*'
	gone job waiting-kaniko
	registry_start
	eventually exists job waiting-kaniko
}

test_6_an_image_that_the_registry_has_is_not_built() {
	local repository tag blob manifest
	# The same content under another name would have another repository: the image is put there as another cluster would.
	registry_dies
	document known /products
	api known
	eventually condition known Built 'False RegistryUnavailable:*'
	IFS=' ' read -r repository tag < <(k get configmap known-dockerfile -o 'jsonpath={.metadata.annotations.apim\.wso2\.com/build}' | jq -r '.image | sub("^[^/]*/"; "") | sub(":"; " ")')
	registry_start
	eventually curl -sf "http://$registry/v2/"
	blob='{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
	manifest="{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\",\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\",\"size\":${#blob},\"digest\":\"sha256:$(printf %s "$blob" | sha256sum | cut -c1-64)\"},\"layers\":[]}"
	curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "$blob" \
		"$(curl -sf -X POST -D - -o "$TMP/null" "http://$registry/v2/$repository/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //Ip')&digest=sha256:$(printf %s "$blob" | sha256sum | cut -c1-64)"
	curl -sf -X PUT -H 'Content-Type: application/vnd.docker.distribution.manifest.v2+json' --data-binary "$manifest" "http://$registry/v2/$repository/manifests/$tag"
	eventually condition known Built 'True ImageExists:*'
	eventually runs known "sha256:$(printf %s "$manifest" | sha256sum | cut -c1-64)"
	gone job known-kaniko
}

test_7_a_deleted_api_leaves_no_running_job() {
	document brief /products
	api brief
	eventually exists job brief-kaniko
	k delete api brief
	eventually gone job brief-kaniko
}

test_8_user_and_password_reach_the_job_and_go_with_the_last_api() {
	k create namespace apart
	k patch secret docker-secret -n wso2-system --type=merge -p '{"stringData":{"username":"somebody","password":"open-sesame"}}'
	document private /products
	k get configmap private-swagger -o json | jq 'del(.metadata) | .metadata.name = "private-swagger"' | k apply -n apart -f -
	k create -n apart -f - <<-END
		apiVersion: wso2.com/v1alpha1
		kind: API
		metadata: {name: private}
		spec: {definition: {configmapName: private-swagger, type: swagger}, replicas: 1}
	END
	eventually exists job private-kaniko -n apart
	same somebody:open-sesame "$(k get secret docker-registry-credentials -n apart -o 'jsonpath={.data.\.dockerconfigjson}' | base64 -d | jq -r '.auths[].auth' | base64 -d)"
	k delete api private -n apart
	eventually gone secret docker-registry-credentials -n apart
	eventually gone job private-kaniko -n apart
}

run_tests
