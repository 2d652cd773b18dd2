#!/usr/bin/env bash
# Scenario 8: a backend in the gateway's pod, and what its edits touch.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a sidecar runs beside the gateway"
te=inventory-sidecar
sample scenario-8/inventory-sidecar.yaml | k apply -f - >/dev/null
within 10 "the TargetEndpoint is ready without a workload" target_ready $te
same "its URL is the gateway's own host" http://localhost:8080 "$(k get targetendpoint $te -o jsonpath='{.status.url}')"

"$B/bin/apictl" add api -n inventory-sc --from-file=deploy/samples/scenario-8/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready inventory-sc
same "the mode is in its status" sidecar "$(k get api inventory-sc -o jsonpath='{.status.mode}')"
same "the backend stands before the gateway" "inventory-sc-service mgwinventory-sc" \
	"$(k get pods -l app=inventory-sc -o jsonpath='{.items[0].spec.containers[*].name}')"
both_ready() { [[ $(k get pods -l app=inventory-sc --no-headers) == *' 2/2 '* ]]; }
within 30 "the pod is 2/2" both_ready
now "there is no Deployment for the backend" gone deployment $te
within 30 "it answers" has_body 200 inventory-sc /storesc/v1.0.0/inventory/301 '"data":"true"'

image_first=$(digest inventory-sc)
jobs=$(jobs_of inventory-sc)
under_load inventory-sc /storesc/v1.0.0/inventory/301
runs() { k get pods -l app=inventory-sc -o json | jq -e --arg image "$1" \
	'[.items[] | select(.metadata.deletionTimestamp == null)] | length > 0 and all(.spec.containers[0].image == $image)'; }
target $te "{\"deploy\": {\"dockerImage\": \"$(again "$(image samples)")\"}}"
within 60 "another image reaches every pod" runs "$(again "$(image samples)")"
within 60 "and is rolled out" ready inventory-sc
same "without a build" "$jobs" "$(jobs_of inventory-sc)"
same "and with the gateway's image as it was" "$image_first" "$(digest inventory-sc)"
ended() { ! k get pods -l app=inventory-sc --no-headers | grep -q Terminating; }
within 90 "the old pod comes to its end" ended
no_request_failed "no request failed"

target $te '{"targetPort": 9090}'
within 10 "the gateway's own port is refused" is inventory-sc ResolvedRefs 'False SidecarConflict: *port 9090*'
now "while the last good pod goes on" has_body 200 inventory-sc /storesc/v1.0.0/inventory/301 '"data":"true"'
target $te '{"targetPort": 8080}'
within 30 "put right, it is ready again" ready inventory-sc
same "nothing was built for that" "$jobs" "$(jobs_of inventory-sc)"
