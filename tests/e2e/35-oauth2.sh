#!/usr/bin/env bash
# Scenario 5: opaque tokens of a real OAuth2 server, Keycloak, on the cluster's machine.
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "Keycloak runs on its machine"
story "an OAuth2 server says who may call, and who no longer may"
here=$TREE/deploy/samples/scenario-5
afterwards "deploy/local/keycloak.sh stop"
deploy/local/keycloak.sh start "$here/realm.json" | sed 's/^/# /'

k create secret generic petstoreoauth-certificate --from-file=server.pem="$STATE/keycloak.crt" >/dev/null
sample scenario-6/petstore-backend.yaml | k apply -f - -f "$here/credentials-secret.yaml" -f "$here/oauth-security.yaml" >/dev/null
"$B/bin/apictl" add api -n petstore-oauth --from-file="$here/swagger.yaml" --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-oauth

server() { curl -sSf --max-time 20 --cacert "$STATE/keycloak.crt" "https://$KEYCLOAK/$1" "${@:2}"; }
realm() { server "realms/pets/protocol/openid-connect/$1" "${@:2}"; }
token() { realm token -u 'pets-app:of pets' "$@" | jq -r .access_token; }
administrator() { server realms/master/protocol/openid-connect/token -d grant_type=password -d client_id=admin-cli -d username=admin -d password=admin | jq -r .access_token; }
by() { request "$1" petstore-oauth "$2" -H "Authorization: Bearer $3"; }
no() { fault "$1" "$2" petstore-oauth "$3" -H "Authorization: Bearer $4"; }
pet=/petstoreoauth/v1/pet/55 inventory=/petstoreoauth/v1/store/inventory

mine=$(token -d grant_type=client_credentials)
within 60 "a client's token lets it in" by 200 $pet "$mine"
now "a damaged one does not: 401, 900901" no 401 900901 $pet "x$mine"
now "nor does the token of an issuer that only the default Security knows" no 401 900901 $pet "$TOKEN"
now "nor none: 401, 900902" fault 401 900902 petstore-oauth $pet
now "it has no scope: 403, 900910" no 403 900910 $inventory "$mine"
now "a token with the scope has" by 200 $inventory "$(token -d grant_type=client_credentials -d scope=pets:write)"
alice=$(realm token -u 'pets-app:of pets' -d grant_type=password -d username=alice -d password=wonder)
now "a user's token lets her in" by 200 $pet "$(jq -r .access_token <<<"$alice")"

# Whoever wants it forgets sooner: a setting of the operator, which builds the gateways that ask.
if [[ $(ks get configmap apim-config -o json | jq '.data.jwtTokenCacheExpiryTime') == null ]]; then
	afterwards "ks patch configmap apim-config --type=json -p '[{\"op\": \"remove\", \"path\": \"/data/jwtTokenCacheExpiryTime\"}]'"
fi
built=$(digest petstore-oauth)
under_load petstore-oauth $pet --rate=4 --header="Authorization: Bearer $mine"
ks patch configmap apim-config --type=merge -p '{"data":{"jwtTokenCacheExpiryTime":"2000"}}' >/dev/null
forgets() { [[ $(digest petstore-oauth) != "$built" ]] && ready petstore-oauth; }
within 120 "gateways may be told to remember for two seconds only" forgets
rolled() { k rollout status deployment/petstore-oauth --timeout=1s; }
within 60 "which is rolled out" rolled
no_request_failed "and no request failed meanwhile"

realm revoke -u 'pets-app:of pets' -d token="$mine"
within 20 "a revoked token is refused: 401, 900901" no 401 900901 $pet "$mine"
realm logout -u 'pets-app:of pets' -d refresh_token="$(jq -r .refresh_token <<<"$alice")"
within 20 "a token is refused when its user has logged out" no 401 900901 $pet "$(jq -r .access_token <<<"$alice")"
mine=$(token -d grant_type=client_credentials)
now "a fresh one is good" by 200 $pet "$mine"
client() { server admin/realms/pets/clients -H "Authorization: Bearer $(administrator)" -G -d clientId=pets-app | jq '.[0]'; }
client | jq '.enabled = false' | server "admin/realms/pets/clients/$(client | jq -r .id)" -X PUT -H "Authorization: Bearer $(administrator)" -H "Content-Type: application/json" -d @-
within 20 "a token is refused when its client is disabled" no 401 900901 $pet "$mine"

# The gateway has to introduce itself.
before="$(digest petstore-oauth) $(jobs_of petstore-oauth) $(generation_of petstore-oauth)"
k patch secret petstoreoauth-credentials -p '{"stringData":{"password":"of somebody else"}}' >/dev/null
within 150 "a gateway that Keycloak does not know: 500, 900900" no 500 900900 $pet "$mine"
told() { k logs -l app=petstore-oauth --tail=200 | grep "status 401, it refuses the gateway's own credentials"; }
now "its log says why" told
k apply -f "$here/credentials-secret.yaml" >/dev/null
within 150 "with the right password it is told again that the client is disabled" no 401 900901 $pet "$mine"
same "nothing was built, nothing rolled out for that" "$before" "$(digest petstore-oauth) $(jobs_of petstore-oauth) $(generation_of petstore-oauth)"
