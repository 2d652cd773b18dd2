#!/usr/bin/env bash
# Scenario 6: limits of an operation, of an application, of a subscription; what becomes of an edit of one of them.
# long: it waits for minutes
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "calls are limited as policies, documents and tokens say"
here=$TREE/deploy/samples/scenario-6
partner() { (cd "$TMP" && "$here/../scenario-16/partner.sh" "$@"); }
# of APPLICATION APPLICATION_TIER SUBSCRIPTION_TIER: a token.
of() {
	partner "\"application\":{\"id\":$1,\"tier\":\"$2\"},\"subscribedAPIs\":[{\"name\":\"Petstore-Rate\",\"version\":\"v1.0.0\",\"subscriptionTier\":\"$3\"}]"
}
sample scenario-6/petstore-backend.yaml | k apply -f - -f "$here/five-req-policy.yaml" -f "$here/caller-policies.yaml" >/dev/null
token=$(of 6 Unlimited Unlimited)
k create secret generic partner-certificate --from-file="$TMP/partner.crt" >/dev/null
k apply -f "$here/../scenario-16/partner-security.yaml" >/dev/null
"$B/bin/apictl" add api -n petstore-rate --from-file="$here/swagger.yaml" --namespace "$NS" >/dev/null
document other /store/inventory | sed 's#http://products[^"]*#petstore-backend#' | give other-swagger
api other
within 120 "the API is ready" ready petstore-rate
now "its tiers have policies" is petstore-rate PoliciesResolved 'True *'
within 120 "so is one that names no policy" ready other

pet() { secured "$1" petstore-rate /petstore-rate/v1/pet/55; }
inventory() { request "$1" petstore-rate /petstore-rate/v1/store/inventory -H "Authorization: Bearer $2"; }
within 30 "it answers" inventory 200 "$token"

# young SECONDS: the minute has so many left.
young() { ((60 - $(date +%-S) > $1)); }
# passing N: as many of N + 2 calls pass, the others are refused as the original did.
passing() {
	local i n=0
	for ((i = 0; i < $1 + 2; i++)); do
		if pet 200 >/dev/null; then n=$((n + 1)); else cat "$TMP/body" >"$TMP/refusal"; fi
	done
	echo "$n passed"
	((n == $1)) && [[ $(cat "$TMP/refusal") == '{"fault":{"code":900802, "message":"Message throttled out", "description":"You have exceeded your quota"}}' ]]
}
within 60 "a minute is young" young 30
now "five calls a minute pass, the sixth gets 429 and 900802" passing 5
minute=$(date +%M)

three=$(of 7 small Unlimited)
for _ in 1 2 3; do now "an application's tier lets a call pass" inventory 200 "$three"; done
now "the fourth gets 429, 900803" fault 429 900803 petstore-rate /petstore-rate/v1/store/inventory -H "Authorization: Bearer $three"
four=$(of 8 Unlimited trial)
for _ in 1 2 3 4; do now "a subscription's tier lets a call pass" inventory 200 "$four"; done
now "the fifth gets 429, 900804" fault 429 900804 petstore-rate /petstore-rate/v1/store/inventory -H "Authorization: Bearer $four"
now "a tier that does not exist: 500, 900809" fault 500 900809 petstore-rate /petstore-rate/v1/store/inventory -H "Authorization: Bearer $(of 9 huge Unlimited)"

# An edit builds what uses the policy, and touches nothing else.
other_is() { k get api other -o jsonpath='{.metadata.resourceVersion}'; jobs_of other; generation_of other; }
before=$(other_is)
first=$(digest petstore-rate)
k patch ratelimiting fivereqpolicy --type=merge -p '{"spec":{"requestCount":{"limit":7}}}' >/dev/null
is_new() { [[ $(digest petstore-rate) != "$first" ]] && ready petstore-rate; }
within 120 "an edited limit is built into a new image, which is rolled out" is_new
one_pod() { [[ $(pods_of petstore-rate | wc -l) == 1 ]]; }
within 60 "the old pod is gone" one_pod
# What passed before counts on in the new pod, as long as the minute lasts.
new_minute() { [[ $(date +%M) != "$minute" ]] && young 30; }
within 70 "a new minute is young" new_minute
now "in the next minute calls pass again, seven by now" passing 7
same "an API that does not name it was not even looked at" "$before" "$(other_is)"

# A tier without a policy.
sed 's/fivereqpolicy/nobodys/' "$here/swagger.yaml" | give petstore-rate-swagger
within 20 "an unknown tier is said" is petstore-rate PoliciesResolved 'False PolicyNotFound: *"nobodys"*'
within 120 "its calls get 500, 900809" fault 500 900809 petstore-rate /petstore-rate/v1/pet/55 -H "Authorization: Bearer $TOKEN"
now "other operations work" inventory 200 "$token"
sed 's/fivereqpolicy/nobodys/' "$here/five-req-policy.yaml" | k apply -f - >/dev/null
within 20 "once it exists, that is said" is petstore-rate PoliciesResolved 'True *'
within 120 "and they pass" pet 200
