#!/usr/bin/env bash
# addons.sh [dns|metrics|loadbalancer|storage...]: puts what a cluster usually has into this one, and waits for it.
# Only if it is named: ingress, a controller for Ingresses of class "contour".
set -euo pipefail
# shellcheck source=env.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/env.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
kubectl=$LOCAL/kubectl
all=(storage dns loadbalancer metrics)
known=("${all[@]}" ingress)

render() {
	local name edits=(-e "s|@DNS_IP@|$DNS_IP|" -e "s|@LB_RANGE@|$LB_RANGE|" -e "s|@NATS_VOLUME@|$NATS_VOLUME|")
	for name in coredns metallb-controller metrics-server contour envoy; do edits+=(-e "s|@$name@|$(image_of "$name")|"); done
	sed "${edits[@]}" "$LOCAL/addons/$1.yaml"
}

apply() { "$kubectl" apply --server-side --force-conflicts -f "$@" >/dev/null; }

image_for() {
	case $1 in
	dns) echo coredns ;;
	loadbalancer) echo metallb-controller ;;
	metrics) echo metrics-server ;;
	ingress) printf '%s\n' contour envoy ;;
	esac
}

# A volume whose claim is gone may be claimed anew.
release_volume() {
	[[ $("$kubectl" get pv nats-data -o 'jsonpath={.status.phase}') != Released ]] ||
		"$kubectl" patch pv nats-data --type=json -p '[{"op": "remove", "path": "/spec/claimRef"}]' >/dev/null
}

# What a module has beside its code.
module_dir() { (cd "$LOCAL/tools/$1" && GOWORK=off go mod download -json "$2" | jq -r .Dir); }

install() {
	local module
	case $1 in
	loadbalancer) apply "$(module_dir metallb go.universe.tf/metallb)/config/crd/bases" ;;
	ingress)
		module=$(module_dir contour github.com/projectcontour/contour)/examples/contour
		apply "$module/00-common.yaml" -f "$module/01-crds.yaml" -f "$module/02-rbac.yaml" -f "$module/02-role-contour.yaml"
		"$kubectl" wait --for=condition=Established crd/httpproxies.projectcontour.io --timeout=30s >/dev/null
		;;
	esac
	render "$1" | apply -
}

await() {
	case $1 in
	storage) release_volume ;;
	dns) rolled_out kube-system coredns ;;
	metrics)
		rolled_out kube-system metrics-server
		wait_for 90 "kubectl top nodes answers" '' "$kubectl" top nodes
		;;
	ingress) rolled_out projectcontour contour ;;
	loadbalancer)
		"$kubectl" wait --for=condition=Established crd/ipaddresspools.metallb.io --timeout=30s >/dev/null
		render address-pool | apply -
		rolled_out metallb-system controller
		;;
	esac
	say "$1 is ready"
}

rolled_out() {
	"$kubectl" -n "$1" rollout status "deployment/$2" --timeout=120s >/dev/null ||
		die "$1/$2 does not get ready; see: deploy/local/kubectl -n $1 describe pods"
}

names=("$@")
((${#names[@]})) || names=("${all[@]}")
images=()
for name in "${names[@]}"; do
	[[ " ${known[*]} " == *" $name "* ]] || die "no such add-on: $name (there are: ${known[*]})"
	mapfile -t -O "${#images[@]}" images < <(image_for "$name")
done
[[ -f $ADMIN_CONF ]] || die "there is no cluster; deploy/local/up.sh starts one"
((${#images[@]} == 0)) || "$LOCAL/images.sh" "${images[@]}"
for name in "${names[@]}"; do install "$name"; done
for name in "${names[@]}"; do await "$name"; done
