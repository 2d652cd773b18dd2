#!/usr/bin/env bash
# The article's steps, typed by hand, give the article's results.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "the article's steps give the article's results"
apictl=$B/bin/apictl
sample=deploy/samples/scenario-1
# The article's commands name no namespace: this is the one of a kubeconfig of ours.
kubectl config view --flatten --minify >"$TMP/kubeconfig"
export KUBECONFIG=$TMP/kubeconfig
kubectl config set-context --current --namespace="$NS" >/dev/null

sed "s|172.30.0.1:5000/products:latest|$(image products)|" "$sample/products_dep.yaml" | kubectl apply -f - >/dev/null
quietly_within 60 "the backend runs" kubectl rollout status deployment/products-deployment --timeout=1s

"$apictl" set --mode k8s >/dev/null
started=$(date +%s%N)
said=$("$apictl" add api -n online-store --from-file=$sample/products_swagger.yaml)
same "apictl says what it says in the article" \
	$'creating configmap with swagger definition\nconfigmap/online-store-swagger created\napi.wso2.com/online-store created' "$said"

within 10 "the Job online-store-kaniko builds the image" k get job online-store-kaniko
now "kubectl wait --for=condition=Ready works" kubectl wait --for=condition=Ready --timeout=120s api/online-store
has_address() { [[ $(address online-store) =~ ^[0-9a-z] ]]; }
within 10 "a load balancer gives it an address" has_address
within 10 "the article's token gets the products" has_body 200 online-store /store/v1.0.0/products Apples
echo "# apply to first answer: $((($(date +%s%N) - started) / 1000000)) ms"

now "and product 101" has_body 200 online-store /store/v1.0.0/products/101 Apples
same "the Service is a LoadBalancer with 9095 and 9090" "LoadBalancer 9090 9095" \
	"$(k get service online-store -o json | jq -r '[.spec.type] + ([.spec.ports[].port] | sort | map(select(. == 9090 or . == 9095) | tostring)) | join(" ")')"
same "the autoscaler online-store-hpa is 1 to 5 at 50 % CPU" "1 5 50 Deployment/online-store" \
	"$(k get hpa online-store-hpa -o json | jq -r '.spec | "\(.minReplicas) \(.maxReplicas) \(.metrics[0].resource.target.averageUtilization) \(.scaleTargetRef.kind)/\(.scaleTargetRef.name)"')"
same "the Job's container is online-storegen-container" online-storegen-container \
	"$(k get job online-store-kaniko -o jsonpath='{.spec.template.spec.containers[0].name}')"

now "without a token: 401, 900902" fault 401 900902 online-store /store/v1.0.0/products
now "with a damaged token: 401, 900901" fault 401 900901 online-store /store/v1.0.0/products -H "Authorization: Bearer ${TOKEN%?????}AAAAA"
now "an unknown path: 404" secured 404 online-store /store/v1.0.0/nothing
now "a wrong method: 405" secured 405 online-store /store/v1.0.0/products -X DELETE
plain() { curl -s --max-time 5 -H "Authorization: Bearer $TOKEN" "http://$(address online-store):9090/store/v1.0.0/products" | grep Apples; }
now "port 9090 answers without TLS" plain
knows_cpu() { [[ $(k get hpa online-store-hpa -o json | jq '.status.currentMetrics[0].resource.current.averageUtilization // empty') =~ ^[0-9]+$ ]]; }
within 120 "the autoscaler knows the CPU use" knows_cpu
listed() { "$apictl" get apis | grep online-store; }
now "apictl get apis lists it" listed

said=$("$apictl" delete api online-store)
echo "# $said"
all_gone() { none deployment,service,hpa,job,pod -l apim.wso2.com/owner=online-store && none pod -l app=online-store; }
within 60 "deleting the API removes everything" all_gone
