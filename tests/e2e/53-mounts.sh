#!/usr/bin/env bash
# Scenario 23: ConfigMaps and Secrets of the administrator in real gateway pods.
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "an administrator's ConfigMaps and Secrets in gateways"
afterwards "kubectl delete -f deploy/samples/scenario-23/mounted.yaml -f deploy/samples/scenario-23/mgw-deploy-configs.yaml --ignore-not-found"
sample scenario-23/hello-world-service.yaml | k apply -f - >/dev/null
"$B/bin/apictl" add api -n hello-world --from-file=deploy/samples/scenario-23/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready hello-world
jobs=$(jobs_of hello-world)

kubectl apply -f deploy/samples/scenario-23/mounted.yaml -f deploy/samples/scenario-23/mgw-deploy-configs.yaml >/dev/null
# Of pods that are not on their way out.
described() { k describe "$(k get pods -l app=hello-world -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null)] | sort_by(.metadata.creationTimestamp) | last | "pod/\(.metadata.name)"')"; }
shows() { described | grep -E "$1"; }
within 30 "kubectl describe pod shows the folder" shows '/home/wso2/test1 from mount-1 \(ro\)'
now "and the single file" shows '/home/wso2/secret/word from mount-2 \(ro,path="word"\)'
now "and the variables" shows 'hello-world-mount-test2cm +ConfigMap'
rolled() { k rollout status deployment/hello-world --timeout=1s; }
within 60 "the gateway runs with them" rolled

host_alias() { k get pods -l app=hello-world -o json | jq -e 'any(.items[].spec.hostAliases[]?; .ip == "192.0.2.1" and .hostnames == ["ledger.example"])'; }
now "the host name is known to it" host_alias

# The image has no shell, but nginx, which says where in a file something is that it does not know.
reads() {
	local seen
	seen=$(k exec deployment/hello-world -- /usr/sbin/nginx -e stderr -t -c "$1" 2>&1) || true
	echo "$seen"
	grep -F " in $1:1" <<<"$seen"
}
within 20 "the gateway's user reads the folder's file" reads /home/wso2/test1/greeting
now "and the Secret's" reads /home/wso2/secret/word

first=$(pods_of hello-world)
ks patch configmap test2cm --type=merge -p '{"data": {"HELLO_FROM": "another"}}' >/dev/null
copied() { [[ $(k get configmap hello-world-mount-test2cm -o jsonpath='{.data.HELLO_FROM}') == another ]]; }
within 10 "a changed variable reaches the copy" copied
replaced() { rolled && [[ $(pods_of hello-world) != "$first" ]] && (($(pods_of hello-world | wc -l) == 1)); }
within 90 "and rolls the gateway" replaced

ks patch configmap mgw-deployment-configs --type=merge -p '{"data": {"mgwSecrets": "- {name: nowhere, mountLocation: /x}"}}' >/dev/null
within 10 "a Secret that does not exist is told" is hello-world ResolvedRefs 'False SecretNotFound: Secret "nowhere" not found in namespace "wso2-system"*'
now "while the gateway goes on" rolled
kubectl delete -f deploy/samples/scenario-23/mgw-deploy-configs.yaml >/dev/null
no_copies() { gone configmap hello-world-mount-test1cm && gone configmap hello-world-mount-test2cm && gone secret hello-world-mount-test1secret; }
within 10 "without the configuration the copies go" no_copies
unmounted() { rolled && ! shows 'mount-1'; }
within 60 "and the mounts" unmounted
same "nothing was built for any of this" "$jobs" "$(jobs_of hello-world)"
