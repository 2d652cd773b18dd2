#!/usr/bin/env bash
# install.sh: puts CRDs, bus and operator into the cluster that $KUBECONFIG names, and waits until they work.
#
#   REGISTRY      where the operator's images are (pushed by deploy/images/build.sh)
#   IMAGES        file with NAME=IMAGE lines (images by digest)
#   DOCKER_REGISTRY, DOCKER_USERNAME, DOCKER_PASSWORD   where gateway images go; default: REGISTRY
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
: "${REGISTRY:?which registry holds the operator\'s images}"
kubectl=${KUBECTL:-kubectl}
out=${OUT:-$HERE/../build/deploy}

"$HERE/render.sh" "$REGISTRY" "${IMAGES:-}" "$out"
apply() { "$kubectl" apply -f "$out/$1" | sed '/unchanged$/d'; }
apply crds
"$kubectl" wait --for=condition=Established --timeout=60s crd/apis.wso2.com crd/targetendpoints.wso2.com crd/securities.wso2.com crd/ratelimitings.wso2.com >/dev/null
apply controller-artifacts
apply controller-configs
"$kubectl" -n wso2-system rollout status --timeout=180s statefulset/nats
for service in watcher security-svc ratelimit-svc endpoint-svc api-svc builder-svc; do
	"$kubectl" -n wso2-system rollout status --timeout=180s "deployment/$service"
done
