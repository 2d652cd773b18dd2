#!/usr/bin/env bash
# Namespaces: what may be named across them, and that equal names in two of them have nothing to do with each other.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a namespace's backends are its own until it permits others"
here=$NS
there=$NS-backends
crd=crd/referencegrants.gateway.networking.k8s.io
kubectl create namespace "$there" >/dev/null
afterwards "kubectl delete namespace $here $there --wait=false"
kubectl get $crd >/dev/null 2>&1 || {
	kubectl apply --server-side -f tests/e2e/crds/referencegrants.yaml >/dev/null
	afterwards "kubectl delete $crd"
	kubectl wait --for=condition=Established --timeout=30s $crd >/dev/null
}

# The same names in both.
for NS in "$here" "$there"; do
	sample scenario-7/products-privatejet.yaml | sed 's/minReplicas: 2/minReplicas: 1/' | k apply -f - >/dev/null
	sed "s/storepj/$NS/" deploy/samples/scenario-7/swagger.yaml | give products-pj-swagger
	api products-pj
done
for NS in "$here" "$there"; do
	within 120 "the API of namespace $NS is ready" ready products-pj
	within 60 "and answers at its own path" has_body 200 products-pj "/$NS/v1.0.0/products" Apples
done
NS=$there
image_there=$(k get api products-pj -o jsonpath='{.status.image.ref}')
before="$(generation_of products-pj) $(template_of products-privatejet) $(jobs_of products-pj)"
NS=$here
now "their images have nothing in common" test "$image_there" != "$(k get api products-pj -o jsonpath='{.status.image.ref}')"
jobs=$(jobs_of products-pj)
target products-privatejet '{"port": 81, "deploy": {"memoryLimit": "72Mi"}}'
edited() { [[ $(jobs_of products-pj) != "$jobs" ]] && ready products-pj; }
within 120 "an edit in one is built" edited
NS=$there
same "touches nothing in the other" "$before" "$(generation_of products-pj) $(template_of products-privatejet) $(jobs_of products-pj)"
NS=$here
k delete api products-pj >/dev/null
k delete targetendpoint products-privatejet >/dev/null
within 60 "nor does deleting it" none deployment,service,hpa -l app.kubernetes.io/part-of=apim.wso2.com
NS=$there
same "which stays as it was" "$before" "$(generation_of products-pj) $(template_of products-privatejet) $(jobs_of products-pj)"
now "and answers" has_body 200 products-pj "/$there/v1.0.0/products" Apples

# A name of the other namespace.
NS=$here
sed "s/storepj/crossing/; s/products-privatejet/products-privatejet.$there/" deploy/samples/scenario-7/swagger.yaml | give crossing-swagger
api crossing
within 20 "what is not permitted is not resolved" is crossing ResolvedRefs "False RefNotPermitted: *create a ReferenceGrant in \"$there\"*"
now "and nothing is told of it" test -z "$(k get api crossing -o json | jq -r '.status.dependencies[] | select(.kind == "TargetEndpoint") | .name')"
jq -n --arg here "$here" --arg there "$there" '{apiVersion: "gateway.networking.k8s.io/v1beta1", kind: "ReferenceGrant",
	metadata: {name: "crossing", namespace: $there}, spec: {from: [{group: "wso2.com", kind: "API", namespace: $here}],
	to: [{group: "wso2.com", kind: "TargetEndpoint", name: "products-privatejet"}]}}' | kubectl apply -f - >/dev/null
within 150 "a grant in the other namespace permits it" ready crossing
within 60 "and the gateway reaches the backend there" has_body 200 crossing /crossing/v1.0.0/products Apples
kubectl -n "$there" delete referencegrant crossing >/dev/null
within 20 "taken back, the API says so" is crossing ResolvedRefs 'False RefNotPermitted: *'
now "and serves on" has_body 200 crossing /crossing/v1.0.0/products Apples
