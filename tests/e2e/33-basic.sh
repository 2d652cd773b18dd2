#!/usr/bin/env bash
# Scenario 3: users and passwords; a new password reaches a running gateway.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "users are let in by their passwords, which may change"
here=$TREE/deploy/samples/scenario-3
sample scenario-6/petstore-backend.yaml | k apply -f - -f "$here/secret-basic.yaml" -f "$here/petstore-basic.yaml" >/dev/null
"$B/bin/apictl" add api -n petstore-basic --from-file="$here/swagger.yaml" --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-basic

by() { request "$1" petstore-basic /petstorebasic/v1/pet/55 -u "$2"; }
within 60 "a user whose Secret has the password" by 200 admin:admin
now "a user whose Secret has its hash" by 200 'keeper:of pets'
now "nobody else: 401, 900911" fault 401 900911 petstore-basic /petstorebasic/v1/pet/55 -u admin:wrong
now "a token is no user: 401, 900917" fault 401 900917 petstore-basic /petstorebasic/v1/pet/55 -H "Authorization: Bearer $TOKEN"
now "nothing at all: 401, 900902" fault 401 900902 petstore-basic /petstorebasic/v1/pet/55
in_contract() { k get configmap,deployment -o json | grep -q 'of pets\|8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918'; }
leaked() { ! in_contract; }
now "no ConfigMap or Deployment holds a password or its hash" leaked

under_load petstore-basic /petstorebasic/v1/pet/55 --rate=4 --header="Authorization: Basic $(printf 'keeper:of pets' | base64)"
before="$(digest petstore-basic) $(pods_of petstore-basic) $(jobs_of petstore-basic) $(generation_of petstore-basic)"
k patch secret petstorebasic-admin -p '{"stringData":{"password":"better"}}' >/dev/null
within 150 "an edited password counts" by 200 admin:better
now "the old one no longer does" by 401 admin:admin
same "nothing was built, no pod was replaced" "$before" "$(digest petstore-basic) $(pods_of petstore-basic) $(jobs_of petstore-basic) $(generation_of petstore-basic)"
no_request_failed "no request failed meanwhile"

# What is deleted while it is used: pods that start afterwards go on with it, too.
k delete security petstorebasic >/dev/null
within 10 "a Security that is in use may be deleted, and the API says that it misses it" is petstore-basic ResolvedRefs 'False SecurityNotFound: *"petstorebasic"*'
within 60 "its Secret goes with it" gone secret petstorebasic-security
k delete pods -l app=petstore-basic --wait=false >/dev/null
other_pods() { [[ $before != *"$(pods_of petstore-basic)"* ]] && k wait pods -l app=petstore-basic --for=condition=Ready --timeout=1s; }
within 120 "new pods start without it" other_pods
within 30 "and let the same user in" by 200 admin:better
now "and nobody else" by 401 admin:admin
k apply -f "$here/petstore-basic.yaml" >/dev/null
within 30 "when it returns, the API is ready again" ready petstore-basic
