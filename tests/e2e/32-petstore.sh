#!/usr/bin/env bash
# Scenario 2: a backend of which only the URL is known.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "an API for a service somewhere else"
elsewhere=$NS-elsewhere
afterwards "kubectl delete namespace $elsewhere --wait=false"
sample scenario-2/petstore.yaml | sed "s/somewhere-else/$elsewhere/" | kubectl apply -f - >/dev/null
sed "s/somewhere-else/$elsewhere/" deploy/samples/scenario-2/swagger.yaml >"$TMP/swagger.yaml"

"$B/bin/apictl" add api -n petstore-api --from-file="$TMP/swagger.yaml" --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-api
within 60 "the URL's own path goes before the request's" has_body 200 petstore-api /petstore/v1/pet/55 Rex
now "without a token: 401, 900902" fault 401 900902 petstore-api /petstore/v1/pet/55
now "what the service does not know is its own 404" has_body 404 petstore-api /petstore/v1/pet/56 'not found'
