#!/usr/bin/env bash
# Scenario 17 with a controller: Contour and Envoy bring requests from outside to gateways that have no address of their own.
# alone: it changes the operator's mode
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "it brings an ingress controller"
story "an ingress controller brings requests to gateways"
host=mgw.$NS.example
mode() { ks patch configmap controller-config --type=merge -p "{\"data\": {\"operatorMode\": \"$1\"}}" >/dev/null; }
before=$(ks get configmap controller-config -o jsonpath='{.data.operatorMode}')
afterwards "ks delete configmap ingress-configs --ignore-not-found; mode '${before:-default}'"
afterwards "kubectl -n projectcontour scale deployment/contour --replicas=0"
HOME=$OWN_HOME deploy/local/addons.sh ingress >"$TMP/addons" 2>&1 || not_ok "the controller runs" <"$TMP/addons"
controller() { kubectl -n projectcontour get service envoy -o jsonpath='{.status.loadBalancer.ingress[0].ip}'; }
has_controller() { [[ -n $(controller) ]]; }
quietly_within 30 "the controller has an address" has_controller

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$host" -addext "subjectAltName=DNS:$host,DNS:own.$host" \
	-keyout "$TMP/tls.key" -out "$TMP/tls.crt" 2>/dev/null
k create secret tls ingress-tls --cert="$TMP/tls.crt" --key="$TMP/tls.key" >/dev/null
# ask CODE URL [CURL…]: certificate and name are checked, so that who answers is who was asked for.
ask() {
	local code=$1 url=$2 name got
	shift 2
	name=${url#https://} name=${name%%/*}
	got=$(curl -s --max-time 5 --cacert "$TMP/tls.crt" --resolve "$name:443:$(controller)" -o "$TMP/body" -w '%{http_code}' "$@" "$url") || true
	echo "$url: $got"
	cat "$TMP/body"
	[[ $got == "$code" ]]
}
through() { ask "$1" "https://${3:-$host}$2" -H "Authorization: Bearer $TOKEN"; }
stranger() { ask "$1" "https://$host/one/1.0.0/products"; }
gets() { through 200 "$1" "${3:-}" && grep -q "$2" "$TMP/body"; }

k create configmap ingress-configs -n "$SYSTEM" --from-literal=ingressHostName="$host" --from-literal=tlsSecretName=ingress-tls \
	--from-literal=ingressTransportMode=http --from-literal=ingress.properties='kubernetes.io/ingress.class: contour' \
	--dry-run=client -o json | kubectl apply -f - >/dev/null
mode ingress
backend
document one /products | give one-swagger
api one
document two /products | give two-swagger
api two '{"ingressHostname": "own.'"$host"'"}'
within 120 "an API is ready" ready one
within 30 "the controller's address is told" is one Exposed "True AddressAssigned: *$host at $(controller)"
within 30 "a request by the host's name, with TLS, reaches the gateway" gets /one/1.0.0/products Apples
now "which asks who it is" stranger 401
now "another path is nobody's" through 404 /nowhere
within 120 "an API with a host of its own is ready" ready two
within 30 "and is reached there" gets /two/1.0.0/products Apples "own.$host"
now "and not at the common host" through 404 /two/1.0.0/products

# A base path that is taken.
document rival '!/products' | sed 's#/rival/1.0.0#/one/1.0.0#' | give rival-swagger
api rival
within 120 "a second API with the base path of the first is ready" ready rival
within 10 "and told who has it" is rival Exposed "False BasePathConflict: $host/one/1.0.0 is taken by API \"one\"*"
now "the first goes on to answer" gets /one/1.0.0/products Apples
now "and to ask who it is, which the second does not" stranger 401
k delete api one >/dev/null
within 30 "when the first goes, the second has the path" is rival Exposed 'True AddressAssigned: *'
within 30 "and answers, without a token" stranger 200

# A rolling update behind the controller.
"$B/tests/e2e/load" --rate=8 --seconds=300 --connections=2 --header="Host: own.$host" --header="Authorization: Bearer $TOKEN" \
	"http://$(controller)/two/1.0.0/products" >"$TMP/load" 2>&1 &
LOAD=$!
afterwards "kill $LOAD"
first=$(digest two)
document two /products /products/101 | give two-swagger
updated() { [[ $(digest two) != "$first" ]] && ready two; }
within 120 "an edited document is built and rolled out" updated
within 30 "and reached" gets /two/1.0.0/products/101 Apples "own.$host"
no_request_failed "no request through the controller failed meanwhile"

mode default
within 20 "in the default mode its Ingress with a host of its own stays" k get ingress api-operator-ingress-two
now "and the common one goes" gone ingress api-operator-ingress-rival
nobody() { through 000 /one/1.0.0/products; } # its certificate is gone, too
within 30 "with which the controller knows the host no more" nobody
