#!/usr/bin/env bash
# Scenario 16: one gateway for two documents, each with its own base path and Security.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "two documents share a gateway and nothing else"
here=$TREE/deploy/samples/scenario-16
sample scenario-16/petstore-backend.yaml | k apply -f - >/dev/null
partner=$(cd "$TMP" && "$here/partner.sh")
k create secret generic partner-certificate --from-file="$TMP/partner.crt" >/dev/null
k apply -f "$here/partner-security.yaml" >/dev/null

"$B/bin/apictl" add api -n petstore --from-file="$here/pets_swagger.yaml" --from-file="$here/stores_swagger.yaml" --namespace "$NS" >/dev/null
now "each document has its ConfigMap" k get configmap petstore-1-swagger petstore-2-swagger
within 120 "the API is ready" ready petstore
same "its mode is shared" shared "$(k get api petstore -o jsonpath='{.status.mode}')"
same "there is one gateway" "deployment.apps/petstore" "$(k get deployments -l apim.wso2.com/owner=petstore -o name)"
image_ref() { k get api petstore -o jsonpath='{.status.image.ref}'; }
now "the image's tag begins with v1.0.0" grep -q ':v1.0.0-' < <(image_ref)

within 60 "the first document answers to the default Security's token" has_body 200 petstore /pets/v1/pet/55 Rex
now "the second to the partner's" request 200 petstore /stores/v1/store/inventory -H "Authorization: Bearer $partner"
now "the partner's is no good for the first" fault 401 900901 petstore /pets/v1/pet/55 -H "Authorization: Bearer $partner"
now "nor the default one for the second" fault 401 900901 petstore /stores/v1/store/inventory -H "Authorization: Bearer $TOKEN"

# What is deleted while it is used: the last good image serves.
before="$(generation_of petstore) $(jobs_of petstore)"
k delete security partner >/dev/null
within 10 "a Security that is in use may be deleted, and the API says that it misses it" is petstore ResolvedRefs 'False SecurityNotFound: *"partner"*'
now "its document still answers to the partner's token" request 200 petstore /stores/v1/store/inventory -H "Authorization: Bearer $partner"
now "and to nobody else's" fault 401 900901 petstore /stores/v1/store/inventory -H "Authorization: Bearer $TOKEN"
k apply -f "$here/partner-security.yaml" >/dev/null
within 20 "when it returns, the API is ready again" ready petstore
same "nothing was built or rolled out for that" "$before" "$(generation_of petstore) $(jobs_of petstore)"

# A name for a Service that exists: deleting the TargetEndpoint takes nothing away that serves.
k apply -f - >/dev/null <<END
{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: existing}, spec: {applicationProtocol: http, ports: [{name: main, port: 80, targetPort: 8080}], deploy: {}}}
END
k create service clusterip existing --tcp=80:8080 --dry-run=client -o json |
	jq '.spec.selector = {"apim.wso2.com/target-endpoint": "petstore-backend"}' | k apply -f - >/dev/null
sed 's/petstore-backend/existing/' "$here/stores_swagger.yaml" | give petstore-2-swagger stores_swagger.yaml
moved() { [[ $(generation_of petstore) != "${before%% *}" ]] && ready petstore; }
within 120 "the second document's backend becomes a Service that exists" moved
within 30 "which answers" request 200 petstore /stores/v1/store/inventory -H "Authorization: Bearer $partner"
k delete targetendpoint existing >/dev/null
within 10 "its TargetEndpoint may be deleted, and the API says that it misses it" is petstore ResolvedRefs 'False TargetEndpointNotFound: *"existing"*'
now "it still answers" request 200 petstore /stores/v1/store/inventory -H "Authorization: Bearer $partner"
