#!/usr/bin/env bash
# Registries of Amazon's: the API that gives tokens is moto, which verifies signatures and rights; the registry that takes them is a real one.
# alone: it changes the operator's registry
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "a registry with a password"
story "a key of AWS builds images and never leaves the operator's namespace"
deploy/local/counterparts.sh moto
until port=$((15000 + RANDOM % 17000)) && [[ -z $(ss -Htan "sport = :$port") ]]; do :; done
amazon=http://$HOST_IP:$port
INITIAL_NO_AUTH_ACTION_COUNT=3 build/tools/moto/bin/moto_server -H "$HOST_IP" -p "$port" >"$TMP/moto.log" 2>&1 &
afterwards "kill $!"
quietly_within 60 "Amazon answers" curl -sf -o /dev/null "$amazon/moto-api/"

restore() {
	ks delete configmap docker-registry-config
	ks delete secret aws-credentials
	ks set env deployment/builder-svc AWS_ENDPOINT_URL_ECR-
	asked 60 ks rollout status deployment/builder-svc --timeout=1s
	deploy/local/auth-registry.sh stop
}
ks get configmap docker-registry-config >/dev/null 2>&1 && not_ok "the cluster's registry is that of controller-config"
afterwards restore
deploy/local/auth-registry.sh start AWS 123456789012-auth-token >/dev/null # what moto gives to whoever may have it

# Somebody with the right to get tokens and no other.
iam() { curl -sSf --aws-sigv4 aws:amz:us-east-1:iam --user x:y "$amazon" -d Version=2010-05-08 -d UserName=builder "$@"; }
iam -d Action=CreateUser >/dev/null
iam -d Action=PutUserPolicy -d PolicyName=tokens --data-urlencode \
	'PolicyDocument={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"}]}' >/dev/null
iam -d Action=CreateAccessKey >"$TMP/key.xml"
part() { sed -n "s/.*<$1>\([^<]*\).*/\1/p" "$TMP/key.xml"; }
key() { # SECRET: the Secret as the page on the configuration says
	printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$(part AccessKeyId)" "$1" >"$TMP/credentials"
	ks create secret generic aws-credentials --from-file=credentials="$TMP/credentials" --dry-run=client -o yaml | ks apply --server-side --force-conflicts -f - >/dev/null
}

key ofSomebodyElse
ks set env deployment/builder-svc AWS_ENDPOINT_URL_ECR="$amazon" >/dev/null
ks create configmap docker-registry-config --from-literal=registryType=AMAZON_ECR --from-literal=repositoryName="http://$AUTH_REGISTRY/gateways" >/dev/null
quietly_within 60 "builder-svc is told where Amazon is" ks rollout status deployment/builder-svc --timeout=1s
backend
document amazon '!/products' | give amazon-swagger
api amazon
within 60 "a wrong key: Built is False, naming key and Secret" is amazon Built "False RegistryDenied: *$(part AccessKeyId)*aws-credentials*"
same "no Job" "" "$(jobs_of amazon)"
key "$(part SecretAccessKey)"
within 120 "corrected, the API becomes ready by itself" ready amazon
within 10 "from Amazon's registry" request 200 amazon /amazon/1.0.0/products
image_ref() { k get api amazon -o jsonpath='{.status.image.ref}'; }
now "all gateways share a repository, and the tag says whose it is" grep -q "^$AUTH_REGISTRY/gateways:$NS.amazon-1.0.0-" < <(image_ref)
token() { k get secret docker-registry-credentials -o jsonpath='{.data.\.dockerconfigjson}' | base64 -d | jq -r '.auths[].auth' | base64 -d; }
same "the namespace has a token" AWS:123456789012-auth-token "$(token)"
seen() { k get secret,configmap,job,pod -o json | jq -r '.. | strings, (strings | @base64d? // empty)' | grep -F "$(part SecretAccessKey)"; }
hidden() { ! seen; }
now "the key is nowhere in it" hidden
