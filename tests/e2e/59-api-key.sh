#!/usr/bin/env bash
# Scenario 19: keys are issued by one gateway pod and known to the others.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "callers are let in by keys that the gateway issued"
here=$TREE/deploy/samples/scenario-19
sample scenario-6/petstore-backend.yaml | k apply -f - -f "$here/apikey-security.yaml" >/dev/null
"$B/bin/apictl" add api -n petstore-key --from-file="$here/swagger.yaml" --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-key

within 60 "a user who may have keys gets one" request 200 petstore-key /apikey -u 'keeper:of pets'
key=$(<"$TMP/body")
by() { request "$1" petstore-key /petstorekey/v1/pet/55 -H "X-Pet-Key: $2"; }
now "it lets its holder in" by 200 "$key"
now "nobody else gets one: 401, 900911" fault 401 900911 petstore-key /apikey -u keeper:wrong
now "no key: 401, 900902" fault 401 900902 petstore-key /petstorekey/v1/pet/55
now "a changed key: 401, 900901" fault 401 900901 petstore-key /petstorekey/v1/pet/55 -H "X-Pet-Key: x$key"
now "a key for some time" request 200 petstore-key /apikey -u 'keeper:of pets' -d '{"validityTime": 60}'
now "it lets its holder in, too" by 200 "$(<"$TMP/body")"
