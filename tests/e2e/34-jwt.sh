#!/usr/bin/env bash
# Scenario 4: tokens of issuers with keys of their own: one, two, a chain, keys at a URL, a certificate that ends.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "an issuer publishes its keys on its machine"
story "issuers come, go and change their keys"
here=$TREE/deploy/samples/scenario-4
issue() { (cd "$TMP" && "$here/issuer.sh" "$@"); }
pet=/petstorejwt/v1/pet/55
by() { request "$1" petstore-jwt $pet -H "Authorization: Bearer $2"; }
no() { fault 401 900901 petstore-jwt $pet -H "Authorization: Bearer $1"; }

first=$(issue first)
second=$(issue second)
k create secret generic first-certificate --from-file=server.pem="$TMP/first.crt" >/dev/null
sample scenario-6/petstore-backend.yaml | k apply -f - -f "$here/jwt-security.yaml" >/dev/null
"$B/bin/apictl" add api -n petstore-jwt --from-file="$here/swagger.yaml" --namespace "$NS" >/dev/null
within 120 "the API is ready" ready petstore-jwt
within 60 "the issuer's token lets in" by 200 "$first"
now "another issuer's does not: 401, 900901" no "$second"
now "nor does the default Security's" no "$TOKEN"
now "nor one by another key in the issuer's name" no "$(ISSUER=https://first.example issue second)"

under_load petstore-jwt $pet --rate=4 --header="Authorization: Bearer $first"
openssl x509 -in "$TMP/second.crt" -outform DER -out "$TMP/second.der"
k create secret generic second-certificate --from-file="$TMP/second.der" >/dev/null
k apply -f "$here/multiple-jwt-security.yaml" >/dev/null
within 150 "a second issuer, whose certificate is DER, is let in" by 200 "$second"
within 60 "the API is ready again" ready petstore-jwt
now "the first one's token is as good as before" by 200 "$first"

# A new key of the second, with the chain that its certificate leads to.
issue authority >/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=chained -keyout "$TMP/chained.key" -out "$TMP/chained.csr" 2>/dev/null
openssl x509 -req -in "$TMP/chained.csr" -CA "$TMP/authority.crt" -CAkey "$TMP/authority.key" -CAcreateserial -days 365 -out "$TMP/chained.crt" 2>/dev/null
cat "$TMP/chained.crt" "$TMP/authority.crt" >"$TMP/chain.pem"
k create secret generic second-certificate --from-file=second.der="$TMP/chain.pem" --dry-run=client -o json | k apply --server-side --force-conflicts -f - >/dev/null
within 150 "a rotated key, by a chain of certificates, is accepted" by 200 "$(ISSUER=https://second.example issue chained)"
within 60 "the key before it is not" no "$second"
now "nor is that of the chain's authority" no "$(ISSUER=https://second.example issue authority)"

# Keys at a URL: no build any more.
mkdir "$TMP/published"
third=$(issue third)
cp "$TMP/third.jwks.json" "$TMP/published/keys.json"
until port=$((15000 + RANDOM % 17000)) && [[ -z $(ss -Htan "sport = :$port") ]]; do :; done
python3 -m http.server --bind "$HOST_IP" --directory "$TMP/published" "$port" >"$TMP/published.log" 2>&1 &
afterwards "kill $!"
sed "s/:8090/:$port/" "$here/jwks-security.yaml" | k apply -f - >/dev/null
within 150 "an issuer that publishes its keys is let in" by 200 "$third"
rolled() { ready petstore-jwt && k rollout status deployment/petstore-jwt --timeout=1s; }
within 60 "that is rolled out" rolled
before="$(digest petstore-jwt) $(jobs_of petstore-jwt) $(generation_of petstore-jwt)"
fourth=$(ISSUER=https://third.example issue fourth)
now "a key that it does not publish is no good" no "$fourth"
jq -s '{keys: map(.keys[])}' "$TMP/third.jwks.json" "$TMP/fourth.jwks.json" >"$TMP/published/keys.json"
within 30 "once published it is" by 200 "$fourth"
now "beside the one before" by 200 "$third"
cp "$TMP/fourth.jwks.json" "$TMP/published/keys.json"
gone_key() { request 401 petstore-jwt $pet -H "Authorization: Bearer $(ISSUER=https://third.example issue unknown)" && no "$third"; }
within 60 "a key that it publishes no longer is refused" gone_key
same "nothing was built, nothing rolled out for that" "$before" "$(digest petstore-jwt) $(jobs_of petstore-jwt) $(generation_of petstore-jwt)"
no_request_failed "no request by the first issuer's token failed all the while"

# A certificate that ends soon.
security() { k get security petstorejwt -o json | jq -r '.status.conditions[] | select(.type == "CertificatesValid") | "\(.status) \(.reason): \(.message)"'; }
# shellcheck disable=SC2053 # a pattern
is_said() { local seen && seen=$(security) && echo "$seen" && [[ $seen == $1 ]]; }
now "certificates are valid" is_said 'True Valid*'
rm "$TMP/first.crt"
issue first 10 >/dev/null
k create secret generic first-certificate --from-file=server.pem="$TMP/first.crt" --dry-run=client -o json | k apply --server-side --force-conflicts -f - >/dev/null
within 30 "one that ends within 30 days is told" is_said 'True CertificateExpiresSoon: certificate of Secret "first-certificate" expires *'
warned() { k get events -o json | jq -e '.items[] | select(.involvedObject.kind == "Security" and .type == "Warning" and .reason == "CertificateExpiresSoon")'; }
within 10 "with a warning among the events" warned
