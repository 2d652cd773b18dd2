#!/usr/bin/env bash
# Scenario 22: a token of the gateway's own tells the backend who calls; its key stays in the namespace of the API.
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a backend is told who calls, in words that it can verify"
switch() { ks patch configmap apim-config --type=merge -p "{\"data\": {\"enabledJwtGenerator\": \"$1\"}}" >/dev/null; }
afterwards "switch false"
sample scenario-6/petstore-backend.yaml | k apply -f - >/dev/null
"$B/bin/apictl" add api -n petstore-told --from-file=deploy/samples/scenario-22/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-told

# heard: what the backend was told.
heard() { secured 200 petstore-told /petstoretold/v1/assertion && jq -re .assertion "$TMP/body" >"$TMP/assertion"; }
nothing() { heard && [[ $(<"$TMP/assertion") == '' ]]; }
within 60 "by default the backend is told nothing" nothing
switch true
within 30 "without a key the API says what is missing" is petstore-told ResolvedRefs 'False SecretNotFound:*gateway-backend-jwt*tls.key*'
now "and its gateway goes on as it was" nothing

key() { # NAME: makes a key, and the Secret of it
	openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$1" -days 2 -keyout "$TMP/$1.key" -out "$TMP/$1.crt" 2>/dev/null
	openssl x509 -in "$TMP/$1.crt" -noout -pubkey >"$TMP/$1.pub"
	k create secret tls gateway-backend-jwt --key="$TMP/$1.key" --cert="$TMP/$1.crt" --dry-run=client -o json |
		k apply --server-side --force-conflicts -f - >/dev/null
}
decoded() { # N: a part of the assertion
	local part
	part=$(cut -d. -f"$1" "$TMP/assertion" | tr '_-' '/+')
	while ((${#part} % 4)); do part+='='; done
	base64 -d <<<"$part"
}
signed() { # NAME: the backend was told something signed with that key
	heard && decoded 3 >"$TMP/signature" &&
		cut -d. -f1,2 "$TMP/assertion" | tr -d '\n' | openssl dgst -sha256 -verify "$TMP/$1.pub" -signature "$TMP/signature"
}
key one
within 120 "with a key the backend is told, and can verify it" signed one
claims() { decoded 2 | jq -r '."http://wso2.org/claims/enduser" + " " + ."http://wso2.org/claims/applicationname" + " " + ."http://wso2.org/claims/apicontext"'; }
same "who calls, by which application, what" "admin@carbon.super sample-crd-application /petstoretold/v1" "$(claims)"
now "a caller cannot say it himself" secured 200 petstore-told /petstoretold/v1/assertion -H 'X-JWT-Assertion: forged'
now "the backend was told the gateway's word" signed one
within 60 "the API is ready" ready petstore-told

one_pod() { [[ $(pods_of petstore-told | wc -l) == 1 ]]; }
within 60 "the pod without a key is gone" one_pod
before="$(digest petstore-told) $(pods_of petstore-told) $(jobs_of petstore-told)"
key two
within 150 "another key counts once Kubernetes has renewed what is mounted" signed two
same "nothing was built, no pod was replaced" "$before" "$(digest petstore-told) $(pods_of petstore-told) $(jobs_of petstore-told)"
