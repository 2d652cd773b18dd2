#!/usr/bin/env bash
# What gateways tell about calls, once apim-config wants it: usage on the bus, spans to a collector outside of the cluster.
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "gateways tell how they are used"
only_locally "the collector has to be reached by pods"
backend
document told '!/products' /secret | give told-swagger
api told
within 120 "the API is ready" ready told
jobs=$(jobs_of told)

kubectl -n "$SYSTEM" port-forward service/nats :4222 >"$TMP/forward" 2>&1 &
afterwards "kill $!"
forwarded() { sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$TMP/forward" | grep .; }
quietly_within 20 "the bus can be reached" forwarded
password=$(ks get secret apim-bus-credentials -o jsonpath='{.data.observer}' | base64 -d)
nats --no-context -s "nats://127.0.0.1:$(forwarded | head -n 1)" --user observer --password "$password" sub "evt.usage.$NS.*" >"$TMP/events" 2>&1 &
afterwards "kill $!"
subscribed() { grep -i subscrib "$TMP/events"; }
quietly_within 20 "nats sub listens" subscribed

# Below the range that the kernel gives to outgoing connections.
port=$((15000 + RANDOM % 17000))
jq -n --arg at "$HOST_IP:$port" --arg out "$TMP/spans" '{receivers: {otlp: {protocols: {http: {endpoint: $at}}}},
	exporters: {file: {path: $out, flush_interval: "100ms"}},
	service: {pipelines: {traces: {receivers: ["otlp"], exporters: ["file"]}}, telemetry: {metrics: {level: "none"}}}}' >"$TMP/otel.json"
otelcol --config "$TMP/otel.json" >"$TMP/otel.log" 2>&1 &
afterwards "kill $!"

afterwards "ks patch configmap apim-config --type=merge -p '{\"data\": {\"usageEvents\": \"false\", \"usageSeconds\": null, \"tracingEnabled\": \"false\", \"tracingEndpoint\": null, \"tracingSampleRatio\": null}}'"
ks patch configmap apim-config --type=merge -p '{"data": {"usageEvents": "true", "usageSeconds": "1", "tracingEnabled": "true",
	"tracingEndpoint": "http://'"$HOST_IP:$port"'", "tracingSampleRatio": "1"}}' >/dev/null
has_user() { [[ $(k get secret told-usage -o jsonpath='{.data.username}' | base64 -d) == gateway ]]; }
within 20 "the gateway gets a user of the bus" has_user
same "and nothing else of the bus" '["password","username"]' "$(k get secret told-usage -o json | jq -c '.data | keys')"
configured() { k get deployment told -o json | jq -e 'any(.spec.template.spec.containers[].env[]?; .name == "GATEWAY_USAGE_URL")'; }
within 20 "its Deployment is another one" configured
rolled() { k rollout status deployment/told --timeout=1s && (($(pods_of told | wc -l) == 1)); }
within 90 "which is rolled out" rolled

within 30 "it answers" request 200 told /told/1.0.0/products
now "and refuses" request 401 told /told/1.0.0/secret
# counted OPERATION STATUS: so many calls are on the bus.
counted() {
	grep -o '^{.*}$' "$TMP/events" | jq -s --arg o "$1" --argjson s "$2" '[.[].usage[] | select(.api == "told" and .version == "1.0.0" and .operation == $o and .status == $s) | .count] | add // 0'
}
both_are_told() { cat "$TMP/events" && (($(counted 'GET /products' 200) >= 1)) && (($(counted 'GET /secret' 401) == 1)); }
within 20 "both calls are on the bus, with operation and status" both_are_told
now "on the API's subject" grep -F "evt.usage.$NS.told" "$TMP/events"
now "as CloudEvents" grep -F 'ce-type: com.wso2.apim.usage' "$TMP/events"

traced() {
	jq -es --arg ns "$NS" '[.[].resourceSpans[] | select(any(.resource.attributes[]; .key == "k8s.namespace.name" and .value.stringValue == $ns))
		| .scopeSpans[].spans[]] | any(.kind == 2 and .name == "GET /told/1.0.0/products") and any(.kind == 3)' "$TMP/spans"
}
within 20 "spans of call and backend have reached the collector" traced

ks patch configmap apim-config --type=merge -p '{"data": {"usageEvents": "false", "tracingEnabled": "false"}}' >/dev/null
within 20 "switched off, the user of the bus goes" gone secret told-usage
silent() { rolled && ! configured; }
within 90 "and the gateway runs without" silent
same "nothing was built for any of this" "$jobs" "$(jobs_of told)"
