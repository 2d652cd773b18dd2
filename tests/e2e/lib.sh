# shellcheck shell=bash
# What the stories share. A story is a script NN-name.sh that sources this, tells what happens and ends: it has a namespace
# of its own ($NS), deleted afterwards, and prints a line "ok - sentence" for each thing that it proves. The first thing that
# is not so ends the story with "not ok - sentence" and what was seen instead.
#
# Nothing sleeps for a fixed time in the hope that it is enough: everything is asked for until it is so, or its deadline is over.
set -euo pipefail

E2E=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TREE=$(readlink -f "$E2E/../..")
STORY=$(basename "${BASH_SOURCE[1]}" .sh)
cd "$TREE"

CLUSTER=${CLUSTER:-local}
B=${B:-build/release}
if [[ $CLUSTER == local ]]; then
	# shellcheck source=deploy/local/env.sh
	. deploy/local/env.sh
	export KUBECONFIG=$ADMIN_CONF PATH=$TOOLS_BIN:$PATH APIM_CACHE=$CACHE # HOME is going to be another
fi
: "${KUBECONFIG:?names the cluster}"
SYSTEM=wso2-system
SERVICES=(watcher security-svc ratelimit-svc endpoint-svc api-svc builder-svc)
NS=e2e-$STORY-$$
TMP=$(mktemp -d)
TOKEN=$(tr -d '\n' <tests/data/sample-token.jwt)
# OWN_HOME: where programs that were built are kept.
export OWN_HOME=$HOME KUBECACHEDIR=$TMP/kubectl-cache HOME=$TMP
CLEANUP=() # commands, run in reverse order however the story ends

# ---- the frame of a story ----

k() { kubectl -n "$NS" "$@"; }
ks() { kubectl -n "$SYSTEM" "$@"; }

finish() {
	local status=$? i
	set +e
	for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do eval "${CLEANUP[i]}" >/dev/null 2>&1; done
	kubectl delete namespace "$NS" --wait=false --ignore-not-found >/dev/null 2>&1
	rm -rf "$TMP"
	exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM

# afterwards COMMAND: to be done however the story ends.
afterwards() { CLEANUP+=("$1"); }

story() {
	echo "# $STORY: $*"
	kubectl create namespace "$NS" >/dev/null
}

ok() { echo "ok - $*"; }

# not_ok SENTENCE: what was seen instead comes on standard input, if there is any.
not_ok() {
	echo "not ok - $*"
	[[ -t 0 ]] || sed 's/^/    /'
	picture
	exit 1
}

# What somebody needs who has to find out why.
picture() {
	{
		k get apis,jobs,pods,deployments,services,hpa -o wide
		k get apis -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{range .status.conditions[*]}  {.type}={.status} {.reason}: {.message}{"\n"}{end}{end}'
		k get events --sort-by=.lastTimestamp | tail -n 25
		ks get pods -o wide
	} 2>&1 | sed 's/^/    /'
}

# asked SECONDS COMMAND…: asks until the command succeeds; every half second in the end, since to ask takes processor time from what it
# is waited for.
asked() {
	local end=$((SECONDS + $1)) pause=1
	shift
	until "$@" >"$TMP/seen" 2>&1; do
		((SECONDS < end)) || return 1
		sleep "0.$pause"
		((pause == 5)) || pause=$((pause + 1))
	done
}

# within SECONDS SENTENCE COMMAND…: the command succeeds in time; proves the sentence or ends the story.
within() {
	quietly_within "$@"
	ok "$2"
}

# The same for what is only on the way to something.
quietly_within() { asked "$1" "${@:3}" || not_ok "$2 (waited $1 s for: ${*:3})" <"$TMP/seen"; }

# now SENTENCE COMMAND…: it is so at once.
now() {
	local sentence=$1
	shift
	"$@" >"$TMP/seen" 2>&1 || not_ok "$sentence ($*)" <"$TMP/seen"
	ok "$sentence"
}

# same SENTENCE WANT HAVE
same() {
	[[ $2 == "$3" ]] || not_ok "$1" < <(printf 'expected: %s\nfound:    %s\n' "$2" "$3")
	ok "$1"
}

# ---- backend and documents ----

image() { sed -n "s/^$1=//p" "$B/images.env"; }

# The backend of the article: Service products.
backend() {
	k create deployment products --image="$(image products)" --port=8080 --dry-run=client -o json |
		jq '.spec.template.spec.containers[0] += {imagePullPolicy: "IfNotPresent"} | .spec.strategy = {rollingUpdate: {maxUnavailable: 0}}' |
		k apply -f - >/dev/null
	k expose deployment products --port=80 --target-port=8080 >/dev/null
	quietly_within 60 "the backend runs" k rollout status deployment/products --timeout=1s
}

# document TITLE [PATH…]: an API at /TITLE/1.0.0; a path with "!" in front of it is open to everybody.
document() {
	local title=$1 path open
	shift
	printf 'openapi: 3.0.0\ninfo: {title: %s, version: 1.0.0}\n' "$title"
	printf 'x-wso2-basePath: /%s/1.0.0\n' "$title"
	printf 'x-wso2-production-endpoints: {urls: ["http://products.%s.svc.cluster.local"]}\npaths:\n' "$NS"
	for path in "${@:-/products}"; do
		open=
		[[ $path != !* ]] || open='x-wso2-disable-security: true, '
		path=${path#!}
		printf '  %s:\n    get: {%sresponses: {"200": {description: fine}}' "$path" "$open"
		[[ $path != *'{id}'* ]] || printf ', parameters: [{name: id, in: path, required: true, schema: {type: string}}]'
		printf '}\n'
	done
}

# give CONFIGMAP [KEY]: the document on standard input becomes (the content of) a ConfigMap.
give() {
	k create configmap "$1" --from-file="${2:-swagger.yaml}"=/dev/stdin --dry-run=client -o json | k apply --server-side --force-conflicts -f - >/dev/null
}

# api NAME [JSON]: an API with the document of ConfigMap NAME-swagger; JSON is merged into its spec.
api() {
	jq -n --arg name "$1" --argjson more "${2:-{\}}" '{apiVersion: "wso2.com/v1alpha1", kind: "API", metadata: {name: $name},
		spec: ({definition: {type: "swagger", configmapName: ($name + "-swagger")}, replicas: 1} + $more)}' | k apply -f - >/dev/null
}

# sample FILE: a manifest of deploy/samples with the images that were built.
sample() { sed -E "s#172.30.0.1:5000/products:latest#$(image products)#; s#172.30.0.1:5000/samples:latest#$(image samples)#" "deploy/samples/$1"; }

# again IMAGE: the same one under another name.
again() { echo "${1%@*}:again@${1#*@}"; }

# target NAME JSON: merged into the spec of a TargetEndpoint.
target() { k patch targetendpoint "$1" --type=merge -p "{\"spec\": $2}" >/dev/null; }
# no_limits: for stories that make more requests than the tiers of those who name none allow, 500 per minute.
no_limits() {
	local name
	for name in default unauthenticated; do
		k apply -f - >/dev/null <<-END
			apiVersion: wso2.com/v1alpha1
			kind: RateLimiting
			metadata: {name: $name}
			spec: {type: subscription, timeUnit: min, unitTime: 1, requestCount: {limit: 1000000}}
		END
	done
}

# ---- looking ----

# condition API TYPE: "True BuildSucceeded: message"
condition() {
	k get api "$1" -o json | jq -r --arg type "$2" '.metadata.generation as $g | .status.conditions[]? | select(.type == $type) |
		if .observedGeneration == $g then "\(.status) \(.reason): \(.message)" else "stale" end'
}

# is API TYPE PATTERN: the condition matches (bash pattern).
is() {
	local seen
	seen=$(condition "$1" "$2")
	echo "$2: $seen"
	# shellcheck disable=SC2053
	[[ $seen == $3 ]]
}

ready() { is "$1" Ready 'True *'; }

target_ready() { k wait --for=condition=Ready --timeout=1s "targetendpoint/$1"; }

# template_of DEPLOYMENT: what its pods are made from; a rollout changes it, scaling does not.
template_of() { k get deployment "$1" -o json | jq -c .spec.template | sha256sum; }

# looked_at API CONFIGMAP: the API's status was written with the ConfigMap as it now is.
looked_at() {
	local version recorded
	version=$(k get configmap "$2" -o jsonpath='{.metadata.resourceVersion}')
	recorded=$(k get api "$1" -o json | jq -r --arg name "$2" '.status.dependencies[]? | select(.kind == "ConfigMap" and .name == $name) | .resourceVersion')
	echo "$2: version $version, looked at $recorded"
	[[ $version == "$recorded" ]]
}

digest() { k get api "$1" -o jsonpath='{.status.image.digest}'; }
jobs_of() { k get jobs -l "apim.wso2.com/owner=$1" -o name | sort; }
pods_of() { k get pods -l "app=$1" -o name | sort; }
generation_of() { k get deployment "$1" -o jsonpath='{.metadata.uid}/{.metadata.generation}'; }
address() { k get api "$1" -o jsonpath='{.status.endpoint}'; }

# request CODE API PATH [CURL…]: the gateway answers so. $TMP/body holds the answer.
request() {
	local want=$1 name=$2 path=$3 got at
	shift 3
	at=$(address "$name")
	got=$(curl -sk --max-time 5 -o "$TMP/body" -w '%{http_code}' "$@" "https://$at:9095$path") || true
	echo "https://$at:9095$path: $got"
	cat "$TMP/body" 2>/dev/null || true
	[[ $got == "$want" ]]
}

# secured CODE API PATH: with the article's token.
secured() { request "$@" -H "Authorization: Bearer $TOKEN"; }

# fault CODE NUMBER API PATH [CURL…]: the answer is a fault with that number.
fault() {
	local code=$1 number=$2
	shift 2
	request "$code" "$@" && [[ $(jq -r '.fault.code' "$TMP/body") == "$number" ]]
}

has_body() { request "$1" "$2" "$3" -H "Authorization: Bearer $TOKEN" && grep -q "$4" "$TMP/body"; }

# under_load API PATH [LOAD…]: requests by the article's token, or the credentials in LOAD, until no_request_failed. Tokens' tiers allow 500 a minute.
under_load() {
	local name=$1 path=$2 token="--header=Authorization: Bearer $TOKEN"
	shift 2
	[[ $* != *--header=Authorization:* ]] || token=
	"$B/tests/e2e/load" --rate=8 --seconds=300 --connections=2 ${token:+"$token"} "$@" \
		"https://$(address "$name"):9095$path" >"$TMP/load" 2>&1 &
	LOAD=$!
	afterwards "kill $LOAD"
}

none_of_the_load_failed() { cat "$TMP/load" && grep -q failed=0 "$TMP/load"; }

no_request_failed() {
	kill -TERM "$LOAD"
	wait "$LOAD" || true
	echo "# $(tail -n 1 "$TMP/load")"
	now "$1" none_of_the_load_failed
}

gone() { ! k get "$@" >/dev/null 2>&1; }
none() { [[ -z $(k get "$@" -o name) ]]; }

# events API REASON: how many times it was told.
events() {
	k get events -o json | jq --arg name "$1" --arg reason "$2" '[.items[] | select(.involvedObject.kind == "API" and .involvedObject.name == $name and .reason == $reason) | .count // 1] | add // 0'
}

# told API REASON TIMES: at least so often.
told() { (($(events "$1" "$2") >= $3)); }

# ---- the operator ----

operator_ready() {
	local s
	for s in "${SERVICES[@]}"; do
		ks rollout status "deployment/$s" --timeout=1s || return 1
	done
}

scale_operator() {
	ks scale --replicas="$1" "${SERVICES[@]/#/deployment/}" >/dev/null
}

only_locally() {
	[[ $CLUSTER == local ]] || { echo "# $STORY: skipped, it needs the local cluster: $*"; exit 0; }
}
