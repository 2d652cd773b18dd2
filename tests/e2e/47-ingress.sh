#!/usr/bin/env bash
# Scenario 17: an Ingress for each API, and what the change of mode touches. No ingress controller runs: its part is played by hand.
# alone: it changes the operator's mode
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "an Ingress for each API"
mode() { ks patch configmap controller-config --type=merge -p "{\"data\": {\"operatorMode\": \"$1\"}}" >/dev/null; }
before=$(ks get configmap controller-config -o jsonpath='{.data.operatorMode}')
afterwards "ks delete configmap ingress-configs --ignore-not-found; mode '${before:-default}'"

sample scenario-17/hello-world-service.yaml | k apply -f - >/dev/null
"$B/bin/apictl" add api -n hello-world --from-file=deploy/samples/scenario-17/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready hello-world
has_address() { [[ $(address hello-world) =~ ^[0-9] ]]; }
quietly_within 20 "it has an address of its own" has_address
within 30 "it answers there" has_body 200 hello-world /hello/v1/store/inventory available
gateway=$(template_of hello-world)
pods=$(pods_of hello-world)
jobs=$(jobs_of hello-world)

kubectl apply -f deploy/samples/scenario-17/ingress-configs.yaml >/dev/null
mode ingress
shown() { [[ $(k get ingress --no-headers | awk '{ print $1, $3, $4, $5 }') == "$1" ]]; }
within 20 "kubectl get ingress shows it" shown "api-operator-ingress-hello-world mgw.ingress.wso2.com 80, 443"
within 10 "the API waits for a controller" is hello-world Exposed 'False AddressPending: *'
same "its endpoint is the host" mgw.ingress.wso2.com "$(address hello-world)"
has_type() { [[ $(k get service hello-world -o jsonpath='{.spec.type}') == "$1" ]]; }
within 10 "its Service is a ClusterIP" has_type ClusterIP
k patch ingress api-operator-ingress-hello-world --subresource=status --type=merge -p '{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}' >/dev/null
within 10 "an address in the Ingress is told" is hello-world Exposed 'True AddressAssigned: *192.0.2.7*'

api rival '{"definition": {"configmapName": "rival-swagger"}}'
document hello '!/products' | sed 's#/hello/1.0.0#/hello/v1#' | give rival-swagger
within 120 "another API with the same base path is ready" ready rival
within 10 "but says who has the place" is rival Exposed 'False BasePathConflict: mgw.ingress.wso2.com/hello/v1 is taken by API "hello-world"*'
now "and has no Ingress" gone ingress api-operator-ingress-rival
k delete api rival >/dev/null

mode default
within 20 "back in the default mode the Ingress is gone" none ingress
within 30 "the API has an address again" has_address
within 30 "where it answers" has_body 200 hello-world /hello/v1/store/inventory available
same "the gateway was not changed by any of this" "$gateway $pods" "$(template_of hello-world) $(pods_of hello-world)"
same "nor was anything built for it" "$jobs" "$(jobs_of hello-world)"
