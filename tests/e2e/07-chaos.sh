#!/usr/bin/env bash
# A service is killed every second, at random, through complete runs of the scenario. FULL=1: ten runs.
# alone: it kills the operator
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "processes of pods are killed from the host"
story "services killed at random change nothing about the end"
runs=${RUNS:-${FULL:+10}}
runs=${runs:-2}

# SIGKILL for the process; the pod goes too, or kubelet's back-off would keep the service away for minutes.
kill_one() {
	local service=${SERVICES[RANDOM % ${#SERVICES[@]}]} pid uid pod
	for pid in $(pgrep -x "${service:0:15}"); do
		uid=$(grep -oE 'pod[0-9a-f]{8}[-_0-9a-f]+' "/proc/$pid/cgroup" 2>/dev/null | head -n 1 | sed 's/^pod//; y/_/-/') || continue
		pod=$(ks get pods -o json | jq -r --arg uid "$uid" '.items[] | select(.metadata.uid == $uid) | .metadata.name')
		[[ -n $pod ]] || continue
		kill -KILL "$pid" 2>/dev/null || continue
		ks delete pod "$pod" --grace-period=0 --force --wait=false >/dev/null 2>&1
		echo "$service"
		return
	done
}
chaos() {
	while :; do
		kill_one || true
		sleep 1
	done
}
children() { k get deployment,service,hpa,configmap,secret -l "apim.wso2.com/owner=$1" -o name | sort; }

backend
quietly_within 120 "the operator runs" operator_ready
document calm '!/products' | give calm-swagger
api calm
within 120 "undisturbed, an API becomes ready" ready calm
want=$(children calm | sed 's/calm/NAME/g')
k delete api calm --timeout=30s >/dev/null

# Every Job that there ever was. (kubectl itself, not a shell around it that would be killed in its place.)
kubectl -n "$NS" get jobs -l apim.wso2.com/input-hash -w -o json --output-watch-events >"$TMP/jobs" 2>/dev/null &
watching=$!
afterwards "kill $watching"
chaos >"$TMP/killed" 2>/dev/null &
chaos=$!
afterwards "kill $chaos"
for ((run = 1; run <= runs; run++)); do
	name=chaos-$run
	document "$name" '!/products' | give "$name-swagger"
	api "$name"
	within 180 "run $run: the API becomes ready" ready "$name"
	within 30 "run $run: it answers" request 200 "$name" "/$name/1.0.0/products"
	document "$name" '!/products' '!/products/101' | give "$name-swagger"
	within 180 "run $run: the new operation answers" request 200 "$name" "/$name/1.0.0/products/101"
	within 60 "run $run: it is ready again" ready "$name"
	same "run $run: the end is the same as undisturbed" "$want" "$(children "$name" | sed "s/$name/NAME/g")"
	k delete api "$name" --timeout=60s >/dev/null
	within 60 "run $run: deleted, nothing is left" none deployment,service,hpa,job,configmap,secret -l "apim.wso2.com/owner=$name"
done
kill "$chaos"
wait "$chaos" 2>/dev/null || true
echo "# killed: $(sort "$TMP/killed" | uniq -c | tr -s ' \n' ' ')"
now "the Jobs were watched to the end" kill -0 "$watching"
now "services were killed" test "$(wc -l <"$TMP/killed")" -ge "$runs"
jq -r 'select(.type == "ADDED") | .object.metadata | "\(.labels["apim.wso2.com/input-hash"]) \(.uid)"' "$TMP/jobs" | sort -u >"$TMP/unique"
echo "# Jobs: $(wc -l <"$TMP/unique"), hashes: $(cut -d' ' -f1 "$TMP/unique" | sort -u | wc -l)"
same "at most one Job per input hash" "" "$(cut -d' ' -f1 "$TMP/unique" | sort | uniq -d)"
within 120 "the operator is whole again" operator_ready
