#!/usr/bin/env bash
# What a person sees: columns, waiting, the story in events, CloudEvents on the bus.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "status and events tell what happens"
backend

# The bus answers inside the cluster; kubectl brings it here.
kubectl -n "$SYSTEM" port-forward service/nats :4222 >"$TMP/forward" 2>&1 &
afterwards "kill $!"
forwarded() { sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$TMP/forward" | grep .; }
quietly_within 20 "the bus can be reached" forwarded
password=$(ks get secret apim-bus-credentials -o jsonpath='{.data.observer}' | base64 -d)
nats --no-context -s "nats://127.0.0.1:$(forwarded | head -n 1)" --user observer --password "$password" sub 'evt.>' >"$TMP/events" 2>&1 &
afterwards "kill $!"
subscribed() { grep -i subscrib "$TMP/events"; }
quietly_within 20 "nats sub listens" subscribed

document seen '!/products' | give seen-swagger
api seen
now "kubectl wait --for=condition=Ready works" k wait --for=condition=Ready --timeout=120s api/seen
has_address() { [[ $(address seen) =~ ^[0-9a-z] ]]; }
quietly_within 10 "it has an address" has_address

table=$(k get apis)
printf '# %s\n' "${table//$'\n'/$'\n# '}"
same "kubectl get apis has columns for replicas, mode, endpoint and readiness" "NAME INITIAL-REPLICAS MODE ENDPOINT READY AGE" "$(head -n 1 <<<"$table" | tr -s ' ' | sed 's/ $//')"
same "and shows them" "seen 1 privateJet $(address seen) True" "$(sed -n '2s/ *[^ ]*$//p' <<<"$table" | tr -s ' ')"

has_events() {
	local e
	k describe api seen >"$TMP/described"
	for e in BuildStarted BuildSucceeded; do grep -q "$e" "$TMP/described" || { echo "no $e"; cat "$TMP/described"; return 1; }; done
}
within 10 "kubectl describe tells the story" has_events
sed -n '/^Events:/,$p' "$TMP/described" | sed 's/^/# /'
for what in build.started build.image-ready deploy.ready; do
	on_bus() { grep -F "evt.$what.$NS.seen" "$TMP/events" || { cat "$TMP/events"; false; }; }
	within 10 "evt.$what is on the bus" on_bus
done
first_line() { grep -nF "evt.$1.$NS.seen" "$TMP/events" | head -n 1 | cut -d: -f1; }
now "in the order in which it happened" test "$(first_line build.started)" -lt "$(first_line build.image-ready)" -a "$(first_line build.image-ready)" -lt "$(first_line deploy.ready)"
cloud_event() { grep -i 'ce-specversion: 1.0' "$TMP/events" && grep -i 'ce-type: com.wso2.apim.build.image-ready' "$TMP/events" && grep -i "ce-subject: $NS/seen" "$TMP/events"; }
now "as CloudEvents" cloud_event

observed() { k get api seen -o json | jq -e '.metadata.generation == .status.observedGeneration and all(.status.conditions[]; .observedGeneration == .observedGeneration)'; }
now "status says which generation it is about" observed
now "status names the image by digest" eval 'digest seen | grep -E "^sha256:[0-9a-f]{64}$"'
depends() { k get api seen -o json | jq -e '[.status.dependencies[] | select(.kind == "ConfigMap" and .name == "seen-swagger")] | length == 1'; }
now "status lists what the API was made from" depends
