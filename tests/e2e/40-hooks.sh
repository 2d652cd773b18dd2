#!/usr/bin/env bash
# Scenario 10: scripts that look at requests and answers. What is wrong with one never reaches a pod; one that breaks harms nobody.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "hooks change requests and answers, as the scripts of a ConfigMap say"
here=$TREE/deploy/samples/scenario-10
scripts() { # FOLDER
	k create configmap petstore-hooks-scripts --from-file=caller.lua="$1/caller.lua" --from-file=number.lua="$1/number.lua" --dry-run=client -o json |
		k apply --server-side --force-conflicts -f - >/dev/null
}
sample scenario-6/petstore-backend.yaml | k apply -f - >/dev/null
give petstore-hooks-swagger <"$here/swagger.yaml"
k apply -f "$here/petstore-hooks.yaml" >/dev/null
within 30 "scripts that do not exist are missed" is petstore-hooks ResolvedRefs 'False ConfigMapNotFound:*petstore-hooks-scripts*'
scripts "$here"
within 120 "with them the API is ready" ready petstore-hooks

# answer CODE PATH [HEADER]: the answer has that header.
answer() {
	secured "$1" petstore-hooks "/petstorehooks/v1$2" -D "$TMP/head" && { [[ -z ${3-} ]] || tr -d '\r' <"$TMP/head" | grep -qi "^$3\$"; }
}
within 60 "what the request's hook set, the answer's hook sees" answer 200 /pet/55 'X-Served-For: admin@carbon.super'
now "an operation's own hook changes its answers" answer 200 /store/inventory 'Cache-Control: max-age=60'
same "and what they say" '{"available":7,"pending":2,"sold":31,"total":40}' "$(cat "$TMP/body")"
without() { answer 200 /pet/55 && ! grep -qi '^cache-control' "$TMP/head"; }
now "and only its own" without
now "a hook answers what the backend is not to see" answer 400 /pet/rex 'Content-Type: application/json'
same "in its own words" '{"error":"a pet has a number"}' "$(cat "$TMP/body")"
now "without a token nothing runs: 401, 900902" fault 401 900902 petstore-hooks /petstorehooks/v1/pet/rex

before="$(digest petstore-hooks) $(pods_of petstore-hooks) $(jobs_of petstore-hooks)"
mkdir "$TMP/edited"
cp "$here/caller.lua" "$TMP/edited"
sed 's/ then$//' "$here/number.lua" >"$TMP/edited/number.lua"
scripts "$TMP/edited"
within 30 "a script that is wrong is told with its line" is petstore-hooks Accepted \
	"False InvalidDefinition:*paths./pet/{petId}.get.x-apim-request-hook: script \"number.lua\", line 4: 'then' expected near 'return'*"
now "the gateway goes on with those it has" answer 400 /pet/rex
same "nothing was built, no pod was touched" "$before" "$(digest petstore-hooks) $(pods_of petstore-hooks) $(jobs_of petstore-hooks)"
scripts "$here"
within 30 "repaired, it is ready again by itself" ready petstore-hooks
same "without a build" "$before" "$(digest petstore-hooks) $(pods_of petstore-hooks) $(jobs_of petstore-hooks)"

echo 'while true do end' >"$TMP/edited/number.lua"
scripts "$TMP/edited"
within 120 "an edited script is built and rolled out; one that never ends: 500, 103500" fault 500 103500 petstore-hooks \
	/petstorehooks/v1/pet/55 -H "Authorization: Bearer $TOKEN"
now "other operations are answered" answer 200 /store/inventory
within 120 "the API is ready all the same" ready petstore-hooks
