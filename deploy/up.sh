#!/usr/bin/env bash
# up.sh: everything up to a running operator, in stages. CLUSTER=local (default) makes the cluster too; CLUSTER=existing takes
# the one that $KUBECONFIG names and the registry $REGISTRY.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
REPO=$(readlink -f "$HERE/..")
cd "$REPO"
STAGE_LOGS=$REPO/build/logs
# shellcheck source=deploy/stage.sh
. "$HERE/stage.sh"
CLUSTER=${CLUSTER:-local}

case $CLUSTER in
local)
	# shellcheck source=deploy/local/env.sh
	. "$HERE/local/env.sh"
	export KUBECONFIG=$ADMIN_CONF KUBECTL=$TOOLS_BIN/kubectl
	export DOCKER_REGISTRY=${DOCKER_REGISTRY:-http://$REGISTRY}
	;;
existing)
	: "${KUBECONFIG:?names the cluster}" "${REGISTRY:?where images can be pushed to and pulled from}"
	plain=
	! curl -sf --max-time 5 -o /dev/null "http://${REGISTRY%%/*}/v2/" || plain=http://
	export KUBECTL=${KUBECTL:-kubectl} DOCKER_REGISTRY=${DOCKER_REGISTRY:-$plain$REGISTRY} APIM_REGISTRY=$REGISTRY
	;;
*)
	echo "CLUSTER: \"$CLUSTER\" is neither local nor existing" >&2
	exit 2
	;;
esac
export REGISTRY

stage "Debian packages" deploy/local/apt.sh
stage_begin "Kubernetes, Kaniko, NATS from Go modules" deploy/local/build.sh
stage_begin "operator, toolkit, gateway" make --no-print-directory all
if [[ $CLUSTER == local ]]; then
	stage_join "Kubernetes, Kaniko, NATS from Go modules"
	stage_begin "cluster" deploy/local/up.sh
	stage_join "operator, toolkit, gateway"
	stage_join "cluster"
	stage_begin "images of the cluster" deploy/local/images.sh
else
	stage_join "operator, toolkit, gateway"
	stage_join "Kubernetes, Kaniko, NATS from Go modules"
	stage_begin "images of the cluster" deploy/local/images.sh nats kaniko
fi
stage "images of the operator" deploy/images/build.sh "$REGISTRY"
stage_join "images of the cluster"
if [[ $CLUSTER == local ]]; then
	stage_begin "add-ons" deploy/local/addons.sh
fi
IMAGES=$REPO/build/release/images.env stage "CRDs, bus and operator" deploy/install.sh
if [[ $CLUSTER == local ]]; then
	stage_join "add-ons"
fi
printf '  %-44s %4ds\n' "in all" $((SECONDS - stages_started))
