#!/usr/bin/env bash
# Five pods of one gateway behind a Service: a limit counts for all of them together, also when one is replaced or comes. (Five at least
# are five at most: no autoscaler comes between.)
# long: it waits for minutes
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "one limit for five replicas"
backend
no_limits
for unit in min year; do
	k apply -f - >/dev/null <<-END
		{apiVersion: wso2.com/v1alpha1, kind: RateLimiting, metadata: {name: sixty-a-$unit}, spec: {type: advance, timeUnit: $unit, unitTime: 1, requestCount: {limit: 60}}}
	END
done
# Each operation has a counter of its own.
limited() { printf '  %s: {get: {x-wso2-disable-security: true, x-wso2-throttling-tier: sixty-a-%s, responses: {"200": {description: fine}}}}\n' "$@"; }
{ document shared && limited /products/101 min /products/151 year /products/301 year /products/401 year; } | give shared-swagger
api shared '{"replicas": 5}'
within 120 "the API is ready" ready shared
now "a Service has a name for all its pods" k get service mgw-replicas
now "and they have a key" k get secret mgw-replicas

metrics() { k get --raw "/api/v1/namespaces/$NS/pods/$1:9797/proxy/metrics"; }
# knows POD: how many replicas it hears, and how many it does not.
knows() { metrics "$1" | sed -n 's/^gateway_limit_replicas{state="\(.*\)"} /\1 /p' | sort -r | xargs; }
# staying: names of pods that are not being deleted.
staying() { k get pods -l app=shared -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name'; }
# meet N: so many pods are ready and know of each other, and of nobody else.
meet() {
	local pod n=0
	for pod in $(staying); do
		echo "$pod: $(knows "$pod")"
		[[ $(knows "$pod") == "here $1 away 0" ]] || return 1
		n=$((n + 1))
	done
	((n == $1)) && k rollout status deployment/shared --timeout=1s
}
within 120 "five pods know of each other" meet 5

# unasked: calls that pods let through because another one did not answer in time: none, unless the machine is busy with something else.
unasked() {
	local pod
	for pod in $(staying); do metrics "$pod"; done | awk '$1 == "gateway_limit_alone_total" { n += $2 } END { print n + 0 }'
}
# passing WANT PATH: of 100 calls, each by a connection of its own, so many pass and the others get 429.
passing() {
	local url before passed
	url=https://$(address shared):9095/shared/1.0.0$2
	before=$(unasked)
	seq 100 | xargs -P 4 -I{} curl -sk --max-time 5 -o /dev/null -w '%{http_code}\n' "$url" >"$TMP/codes"
	echo "unasked: $(($(unasked) - before))"
	sort "$TMP/codes" | uniq -c
	passed=$(grep -c 200 "$TMP/codes")
	((passed >= $1 && passed <= $1 + $(unasked) - before && $(grep -c 429 "$TMP/codes") == 100 - passed))
}
served() { metrics "$1" | grep -q '^gateway_requests_total{.*status="[24]'; }
all_served() {
	local pod
	for pod in $(pods_of shared); do served "${pod#pod/}" || return 1; done
}
now "of a hundred calls exactly sixty pass" passing 60 /products/151
now "all five pods took part" all_served
now "no more pass" passing 0 /products/151

young() { ((60 - $(date +%-S) > 25)); }
quietly_within 30 "a minute is young" young
now "of an operation that may be called sixty times a minute sixty pass" passing 60 /products/101
minute=$(date +%H%M)

k delete pod "$(staying | head -n 1)" --wait=false >/dev/null
within 120 "a pod that takes another's place is known to the others" meet 5
now "it knows what was passed" passing 0 /products/151
now "of another operation sixty pass" passing 60 /products/301

k patch api shared --type=merge -p '{"spec": {"replicas": 6}}' >/dev/null
within 120 "a sixth one comes" meet 6
now "it knows what was passed" passing 0 /products/301
now "of another operation sixty pass" passing 60 /products/401

another_minute() { [[ $(date +%H%M) != "$minute" ]] && young; }
quietly_within 95 "another minute is young" another_minute
now "in another minute sixty pass again" passing 60 /products/101
