#!/usr/bin/env bash
# Three pods of one gateway behind a Service: a limit counts for all of them together, also when one is replaced or comes.
# long: it waits for minutes
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "one limit for three replicas"
backend
no_limits
k apply -f - >/dev/null <<-'END'
	apiVersion: wso2.com/v1alpha1
	kind: RateLimiting
	metadata: {name: sixty}
	spec: {type: advance, timeUnit: min, unitTime: 1, requestCount: {limit: 60}}
END
{ document shared '!/products' && echo 'x-wso2-throttling-tier: sixty'; } | give shared-swagger
api shared '{"replicas": 3}'
within 120 "the API is ready" ready shared
now "a Service has a name for all its pods" k get service mgw-replicas
now "and they have a key" k get secret mgw-replicas

# here POD: how many replicas it knows of.
here() { k get --raw "/api/v1/namespaces/$NS/pods/$1:9797/proxy/metrics" | sed -n 's/^gateway_limit_replicas{state="here"} //p'; }
# staying: names of pods that are not being deleted.
staying() { k get pods -l app=shared -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name'; }
# meet N: so many pods are ready and know of each other.
meet() {
	local pod n=0
	for pod in $(staying); do
		echo "$pod knows $(here "$pod")"
		[[ $(here "$pod") == "$1" ]] || return 1
		n=$((n + 1))
	done
	((n == $1)) && k rollout status deployment/shared --timeout=1s
}
within 120 "three pods know of each other" meet 3

# young [SECONDS]: a minute has so much left, and is not the one of the calls before.
MINUTE=
has_left() { ((60 - $(date +%-S) > $1)); }
young() { has_left "${1:-25}" && [[ $(date +%H%M) != "$MINUTE" ]]; }
# passing WANT: of 100 calls, each by a connection of its own, so many pass and the others get 429.
passing() {
	local url
	MINUTE=$(date +%H%M)
	url=https://$(address shared):9095/shared/1.0.0/products
	seq 100 | xargs -P 4 -I{} curl -sk --max-time 5 -o /dev/null -w '%{http_code}\n' "$url" >"$TMP/codes"
	sort "$TMP/codes" | uniq -c
	(($(grep -c 200 "$TMP/codes") == $1 && $(grep -c 429 "$TMP/codes") == 100 - $1))
}
served() { k get --raw "/api/v1/namespaces/$NS/pods/$1:9797/proxy/metrics" | grep -q '^gateway_requests_total{.*status="[24]'; }
all_served() {
	local pod
	for pod in $(pods_of shared); do served "${pod#pod/}" || return 1; done
}
within 95 "a minute is young" young
now "of a hundred calls exactly sixty pass" passing 60
now "all three pods took part" all_served
now "no more pass in that minute" passing 0
within 95 "a minute is young" young
now "in the next sixty pass again" passing 60

# replaced: in the minute in which sixty passed, a pod takes another's place and lets nothing pass. Minutes that are too short for that are tried again.
replaced() {
	local minute
	for _ in 1 2 3 4; do
		until young 52; do sleep 0.2; done
		passing 60 || return 1
		minute=$MINUTE
		k delete pod "$(staying | head -n 1)" --wait=false
		until meet 3 || [[ $(date +%H%M) != "$minute" ]]; do sleep 0.5; done
		if [[ $(date +%H%M) == "$minute" ]] && has_left 10; then
			passing 0
			return
		fi
	done
	return 1
}
now "a pod that takes another's place knows what was passed" replaced
within 120 "a pod that takes another's place is known to the others" meet 3
within 95 "a minute is young" young
now "sixty pass" passing 60

k patch api shared --type=merge -p '{"spec": {"replicas": 4}}' >/dev/null
within 120 "a fourth one comes" meet 4
within 95 "a minute is young" young
now "sixty pass" passing 60
