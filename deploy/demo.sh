#!/usr/bin/env bash
# demo.sh: the article's story on a real cluster: a backend, an API in front of it, a secured answer.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
REPO=$(readlink -f "$HERE/..")
cd "$REPO"
STAGE_LOGS=$REPO/build/logs
# shellcheck source=deploy/stage.sh
. "$HERE/stage.sh"
"$HERE/up.sh"
if [[ ${CLUSTER:-local} == local ]]; then
	# shellcheck source=deploy/local/env.sh
	. "$HERE/local/env.sh"
	export KUBECONFIG=$ADMIN_CONF PATH=$TOOLS_BIN:$PATH
fi
apictl=$REPO/build/release/bin/apictl
token=$(tr -d '\n' <tests/data/sample-token.jwt)

products() {
	sed "s|172.30.0.1:5000/products:latest|$(sed -n 's/^products=//p' build/release/images.env)|" deploy/samples/scenario-1/products_dep.yaml |
		kubectl apply -f -
	kubectl rollout status --timeout=120s deployment/products-deployment
}

online_store() {
	"$apictl" set --mode k8s
	if kubectl get api online-store >/dev/null 2>&1; then
		"$apictl" update api -n online-store --from-file=deploy/samples/scenario-1/products_swagger.yaml
	else
		"$apictl" add api -n online-store --from-file=deploy/samples/scenario-1/products_swagger.yaml
	fi
	kubectl wait --for=condition=Ready --timeout=180s api/online-store || {
		kubectl get api online-store -o jsonpath='{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}'
		return 1
	}
}

address() { kubectl get api online-store -o jsonpath='{.status.endpoint}'; }

# A load balancer's address may need a moment to reach the node.
first_answer() {
	local end=$((SECONDS + 30))
	until curl -sk --fail --max-time 2 -o /dev/null "https://$(address):9095/store/v1.0.0/products" -H "Authorization: Bearer $token"; do
		((SECONDS < end)) || { curl -sk --max-time 2 "https://$(address):9095/store/v1.0.0/products" -H "Authorization: Bearer $token"; return 1; }
		sleep 0.1
	done
}

stage "backend: products" products
stage "API: online-store" online_store
stage "first secured answer" first_answer
url="https://$(address):9095/store/v1.0.0/products"
cat <<EOF

$(kubectl get apis)

The API answers at $url

  TOKEN=\$(tr -d '\\n' <tests/data/sample-token.jwt)
  curl -k $url -H "Authorization: Bearer \$TOKEN"

$(curl -sk "$url" -H "Authorization: Bearer $token")

and without a token:

$(curl -sk "$url")

kubectl:  export KUBECONFIG=${KUBECONFIG/#$REPO\//} PATH=\$PWD/build/tools/bin:\$PATH
EOF
