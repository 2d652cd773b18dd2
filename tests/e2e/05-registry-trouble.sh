#!/usr/bin/env bash
# The registry refuses, is away, or Kaniko cannot push: told, tried again, recovered without any other touch.
# alone: it changes the operator's registry
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "a registry with a password"
story "trouble with the registry is told and mends itself"

ks get configmap controller-config -o json | jq 'del(.metadata.resourceVersion, .metadata.uid, .metadata.managedFields)' >"$TMP/controller-config"
ks get secret docker-secret -o json 2>/dev/null | jq 'del(.metadata.resourceVersion, .metadata.uid, .metadata.managedFields)' >"$TMP/docker-secret" || true
restore() {
	ks replace -f "$TMP/controller-config"
	[[ ! -s $TMP/docker-secret ]] || ks replace -f "$TMP/docker-secret"
	ks delete configmap kaniko-arguments --ignore-not-found
	deploy/local/auth-registry.sh stop
}
afterwards restore

credentials() {
	ks create secret generic docker-secret --from-literal=username="$1" --from-literal=password="$2" --dry-run=client -o yaml | ks apply --server-side --force-conflicts -f - >/dev/null
}

deploy/local/auth-registry.sh start builder open-sesame >/dev/null
credentials builder wrong-word
jq --arg registry "http://$AUTH_REGISTRY/gateways" '.data.dockerRegistry = $registry' "$TMP/controller-config" | ks replace -f - >/dev/null
backend
document refused '!/products' | give refused-swagger
api refused
within 30 "wrong credentials: Built is False, naming registry and Secret" is refused Built "False RegistryDenied:*$AUTH_REGISTRY*docker-secret*"
echo "# $(condition refused Built)"
discreet() { ! condition refused Built | grep wrong-word; }
now "the password is not in it" discreet
same "no Job" "" "$(jobs_of refused)"
credentials builder open-sesame
within 120 "corrected, the API becomes ready by itself" ready refused
within 10 "from the registry with the password" request 200 refused /refused/1.0.0/products
now "the namespace got the registry's credentials" k get secret docker-registry-credentials

deploy/local/auth-registry.sh stop
document away '!/products' /away | give away-swagger
api away
within 30 "registry away: Built is False with the reason" is away Built "False RegistryUnavailable:*$AUTH_REGISTRY*"
echo "# $(condition away Built)"
now "what runs goes on" request 200 refused /refused/1.0.0/products
deploy/local/auth-registry.sh start builder open-sesame >/dev/null
within 120 "back again, the API becomes ready by itself" ready away

ks create configmap kaniko-arguments --from-literal=kanikoArguments=--build-arg=CONTRACT_SHA256=0000 >/dev/null
document unbuilt '!/products' /unbuilt | give unbuilt-swagger
api unbuilt
within 60 "a failed build: Built is False with the last lines of the log" is unbuilt Built 'False BuildFailed:*contract*'
echo "# $(condition unbuilt Built | tail -n 1)"
within 10 "and it is told" told unbuilt BuildFailed 1
within 60 "it is tried again" told unbuilt BuildStarted 2
ks delete configmap kaniko-arguments >/dev/null
within 180 "mended, the API becomes ready by itself" ready unbuilt
