#!/usr/bin/env bash
# test_modes.sh: operatorMode and what else the configuration makes, with the real definitions of Istio's and OpenShift's kinds: what the operator makes is what the API
# server accepts; no controller of theirs runs here, their part is written by hand.
# shellcheck disable=SC2317 # tests are called by name
set -uo pipefail
# shellcheck source=tests/integration/shell.sh
. "$(dirname "$0")/shell.sh"
# shellcheck source=tests/integration/services.sh
. "$(dirname "$0")/services.sh"

# definition MODULE FILE: prints the path of a file of a pinned Go module.
definition() {
	local dir
	dir=$(cd tests/data/crds && HOME=$real_home go mod download -json "$1" | jq -r .Dir) && echo "$dir/$2"
}
real_home=$(getent passwd "$(id -u)" | cut -d: -f6)
command -v go >/dev/null || { echo "test_modes.sh: SKIPPED: go is missing" >&2; exit 77; }
istio_kinds=$(definition istio.io/api kubernetes/customresourcedefinitions.gen.yaml)
route_kind=$(definition github.com/openshift/api route/v1/zz_generated.crd-manifests/routes.crd.yaml)
[[ -r $istio_kinds && -r $route_kind ]] || { echo "test_modes.sh: SKIPPED: the definitions cannot be had" >&2; exit 77; }

# configure NAME KEY=VALUE…: a ConfigMap of the operator's configuration.
configure() {
	local name=$1
	shift
	k create configmap "$name" -n wso2-system "${@/#/--from-literal=}" --dry-run=client -o json | k apply -f -
}
# api NAME BASEPATH [NAMESPACE [SPEC]]: open to everybody, with an image that exists.
api() {
	printf 'openapi: 3.0.0\ninfo: {title: t, version: v1}\nx-wso2-basePath: %s\nx-wso2-production-endpoints: {urls: [http://products]}\npaths: {/x: {get: {x-wso2-disable-security: true, responses: {200: {description: ok}}}}}\n' "$2" |
		k create configmap "$1-swagger" -n "${3:-default}" --from-file=api.yaml=/dev/stdin
	k apply -n "${3:-default}" -f - <<<"{apiVersion: wso2.com/v1alpha1, kind: API, metadata: {name: $1}, spec: {definition: {configmapName: $1-swagger}, replicas: 1, image: registry.example/$1:1${4:+, $4}}}"
}
message() { k get api "$1" -n "${2:-default}" -o 'jsonpath={.status.conditions[?(@.type=="Exposed")].message}'; }
says() { message "$1" "${3:-default}" | grep -F "$2"; }
endpoint() { [[ $(k get api "$1" -o 'jsonpath={.status.endpoint}') == "$2" ]]; }
is() { [[ $(k get "$1" "$2" -o "jsonpath=$3") == "$4" ]]; }

test_1_an_ingress_of_networking_v1_is_made() {
	k apply -f - <<<'{apiVersion: v1, kind: Secret, metadata: {name: tls}, type: kubernetes.io/tls, data: {tls.crt: "", tls.key: ""}}'
	configure ingress-configs ingressHostName=api.example.com tlsSecretName=tls "ingress.properties=nginx.ingress.kubernetes.io/cors-allow-origin: https://shop.example:8443"
	configure controller-config operatorMode=ingress
	api store /store/v1
	eventually condition api store Exposed False AddressPending
	is ingress api-operator-ingress-store '{.spec.rules[0].host} {.spec.rules[0].http.paths[0].path} {.spec.rules[0].http.paths[0].backend.service.port.name}' 'api.example.com /store/v1 https'
	is ingress api-operator-ingress-store '{.metadata.annotations.nginx\.ingress\.kubernetes\.io/cors-allow-origin}' https://shop.example:8443
	is service store '{.spec.type}' ClusterIP
	same '80, 443' "$(k get ingress api-operator-ingress-store --no-headers | awk '{print $4, $5}')"
	k patch ingress api-operator-ingress-store --subresource=status --type=merge -p '{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}'
	eventually condition api store Exposed True AddressAssigned
	endpoint store api.example.com
	says store 192.0.2.7
}

test_2_a_base_path_has_one_owner_in_all_namespaces() {
	k create namespace market
	api stall /store/v1 market
	eventually condition api stall Exposed False BasePathConflict market
	says stall 'api.example.com/store/v1 is taken by API "store" of namespace "default"' market
	gone ingress api-operator-ingress-stall -n market
	k get events -n market | grep BasePathConflict
	k delete api store
	eventually exists ingress api-operator-ingress-stall -n market
	eventually condition api stall Exposed False AddressPending market
	k delete api stall -n market
}

test_3_a_host_of_its_own_makes_an_ingress_in_any_mode() {
	configure controller-config operatorMode=clusterIP
	api named /named default 'ingressHostname: named.example.com'
	eventually is ingress api-operator-ingress-named '{.spec.rules[0].host}' named.example.com
	eventually endpoint named named.example.com
	k delete api named
}

test_4_a_changed_mode_removes_what_the_old_one_made() {
	configure controller-config operatorMode=ingress
	api moving /moving
	eventually exists ingress api-operator-ingress-moving
	configure controller-config operatorMode=route
	eventually condition api moving Exposed False KindNotServed
	gone ingress api-operator-ingress-moving
	says moving 'does not serve Route of route.openshift.io/v1'
}

test_5_routes_follow_when_their_kind_comes() {
	k apply -f "$route_kind"
	k wait --for=condition=Established --timeout=20s crd/routes.route.openshift.io
	configure route-configs tlsTermination=edge routeHost=api.example.com
	eventually exists route api-operator-route-moving-moving
	is route api-operator-route-moving-moving '{.spec.host} {.spec.path} {.spec.to.name} {.spec.port.targetPort} {.spec.tls.termination}' 'api.example.com /moving moving http edge'
	eventually condition api moving Exposed False NotAdmitted
	# The watcher asks for the kind twice a minute until it is there.
	PATIENCE=60
	k patch route api-operator-route-moving-moving --subresource=status --type=merge -p '{"status": {"ingress": [{"host": "api.example.com", "routerName": "default", "conditions": [{"type": "Admitted", "status": "True"}]}]}}'
	eventually condition api moving Exposed True AddressAssigned
	PATIENCE=20
	k delete route api-operator-route-moving-moving
	eventually exists route api-operator-route-moving-moving
}

test_6_a_virtual_service_joins_a_gateway() {
	configure controller-config operatorMode=istio
	eventually condition api moving Exposed False GatewayNotFound
	gone route api-operator-route-moving-moving
	k apply -f - <<<'{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: wso2-gateway}, spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}}'
	eventually condition api moving Exposed True Applied
	is virtualservice moving '{.spec.hosts[0]} {.spec.gateways[0]} {.spec.http[0].match[1].uri.prefix} {.spec.http[0].route[0].destination.port.number}' 'internal.wso2.com wso2-gateway /moving/ 9090'
	is virtualservice moving '{.spec.http[0].corsPolicy.allowOrigins[0].exact}' https://localhost:9443
	configure istio-configs $'tls=enabled: true\nport: 15443' host=mesh.example.com
	eventually is virtualservice moving '{.spec.tls[0].match[0].sniHosts[0]} {.spec.tls[0].match[0].port} {.spec.tls[0].route[0].destination.port.number}' 'mesh.example.com 15443 9095'
	same '' "$(k get virtualservice moving -o 'jsonpath={.spec.http}')"
}

test_7_back_to_a_service_alone() {
	configure controller-config operatorMode=default
	eventually is service moving '{.spec.type}' LoadBalancer
	eventually gone virtualservice moving
	eventually condition api moving Exposed False AddressPending
}

test_8_what_administrators_mount_is_copied_and_goes_with_the_entry() {
	k create configmap test1cm -n wso2-system --from-literal=a.txt=one
	k create secret generic test1secret -n wso2-system --from-literal=password=secret
	configure mgw-deployment-configs "mgwConfigMaps=[{name: test1cm, mountLocation: /home/wso2/a.txt, subPath: a.txt}]" "mgwSecrets=[{name: test1secret, mountLocation: /home/wso2/secret}]"
	eventually is configmap moving-mount-test1cm '{.data.a\.txt}' one
	eventually is deployment moving '{.spec.template.spec.containers[0].volumeMounts[1].mountPath} {.spec.template.spec.containers[0].volumeMounts[2].mountPath}' '/home/wso2/a.txt /home/wso2/secret'
	is secret moving-mount-test1secret '{.data.password}' c2VjcmV0
	before=$(k get deployment moving -o 'jsonpath={.spec.template.metadata.annotations.apim\.wso2\.com/mounts}')
	k create configmap test1cm -n wso2-system --from-literal=a.txt=two --dry-run=client -o json | k apply -f -
	eventually is configmap moving-mount-test1cm '{.data.a\.txt}' two
	[[ $(k get deployment moving -o 'jsonpath={.spec.template.metadata.annotations.apim\.wso2\.com/mounts}') != "$before" ]]
	configure mgw-deployment-configs
	eventually gone secret moving-mount-test1secret
	eventually gone configmap moving-mount-test1cm
	same '' "$(k get deployment moving -o 'jsonpath={.spec.template.spec.volumes[?(@.name=="mount-1")]}')"
	configure mgw-deployment-configs 'mgwSecrets=[{name: nowhere, mountLocation: /x}]'
	eventually condition api moving ResolvedRefs False SecretNotFound
	k delete configmap mgw-deployment-configs -n wso2-system
	eventually condition api moving ResolvedRefs True Resolved
}

test_9_nobody_was_refused_anything() {
	local service
	for service in watcher api-svc; do
		fails grep -iE 'forbidden|denied|authorization' "$TMP/$service.log"
		fails grep -E 'Sanitizer|runtime error' "$TMP/$service.log"
	done
	fails grep '"not done"' "$TMP/api-svc.log"
}

install_operator
{ k apply -f "$istio_kinds" && k wait --for=condition=Established --timeout=30s crd/virtualservices.networking.istio.io crd/gateways.networking.istio.io; } >>"$TMP/setup.log" 2>&1 || { cat "$TMP/setup.log"; exit 1; }
start_bus
for service in watcher api-svc; do start_service "$service"; done
run_tests
