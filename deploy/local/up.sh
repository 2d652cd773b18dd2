#!/usr/bin/env bash
# up.sh: starts the cluster, or what is missing of it. NODES=1..3 (default 1).
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/sweep.sh
. "$LOCAL/lib/sweep.sh"
# shellcheck source=lib/pki.sh
. "$LOCAL/lib/pki.sh"
# shellcheck source=lib/control-plane.sh
. "$LOCAL/lib/control-plane.sh"
NODES=${NODES:-1}

check_machine() {
	local program
	((EUID == 0)) || die "needs root: namespaces, mounts, routes"
	[[ $NODES == [1-$MAX_NODES] ]] || die "NODES must be 1..$MAX_NODES, not $NODES"
	for program in containerd runc docker-registry buildah iptables conntrack ip nsenter unshare openssl curl jq go; do
		command -v "$program" >/dev/null || die "$program is missing; deploy/local/apt.sh installs what is needed"
	done
	[[ -x /usr/lib/cni/bridge ]] || die "the CNI plugins are missing; deploy/local/apt.sh installs what is needed"
}

healthy() {
	local unit
	for unit in etcd kube-apiserver kube-controller-manager kube-scheduler registry $(seq -f node%g "$NODES"); do
		unit_running "$unit" || return 1
	done
	api /readyz >/dev/null && nodes_ready
}

nodes_ready() {
	local ready
	ready=$(api /api/v1/nodes | jq '[.items[] | select(any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')
	((ready >= NODES))
}

make_bridge() {
	[[ ! -d /sys/class/net/$BRIDGE ]] || return 0
	ip link add "$BRIDGE" type bridge
	ip addr add "$HOST_IP/24" dev "$BRIDGE"
	ip link set "$BRIDGE" up
	# On a host that forwards nothing by default (as with Docker), nodes could not reach each other over the bridge.
	if iptables -w -S FORWARD 2>/dev/null | grep -qxF -- '-P FORWARD DROP'; then
		iptables -w -I FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT
	fi
}

# The host has no kube-proxy: it sends what is for a Service to node1, which has one.
make_routes() {
	ip route replace "$SERVICE_NET" via "$(node_ip 1)"
	ip route replace "$LB_NET" via "$(node_ip 1)"
}

# Made before kubelet would, so that the node's pod range is the one that its CNI configuration has.
register_node() {
	api "/api/v1/nodes/node$1" >/dev/null && return
	api /api/v1/nodes -o /dev/null -H 'Content-Type: application/json' -d '{"apiVersion": "v1", "kind": "Node",
		"metadata": {"name": "node'"$1"'"}, "spec": {"podCIDR": "'"$(pod_subnet "$1")"'", "podCIDRs": ["'"$(pod_subnet "$1")"'"]}}'
}

check_machine
exec 9>/run/lock/apim-local
flock -w 120 9 || die "another up or down has been at work for 120 s"
check_owner
if healthy; then
	say "already up: $NODES node(s), kubeconfig $ADMIN_CONF"
	exit 0
fi
"$LOCAL/build.sh" etcd kubernetes 9>&-
if [[ -z $(units) ]]; then
	sweep
else
	say "mending a cluster of which only this runs: $(units | xargs)"
fi

take_over
mkdir -p "$LOGS" "$NATS_VOLUME"
make_pki
make_bridge
start_etcd
start_apiserver
"$LOCAL/registry.sh" start >/dev/null 9>&-
"$LOCAL/images.sh" pause >"$LOGS/images-pause.log" 2>&1 9>&- &
pause=$!
for ((i = 1; i <= NODES; i++)); do "$LOCAL/node.sh" start "$i" 9>&-; done
make_routes

wait_for 60 "kube-apiserver is ready" "$LOGS/kube-apiserver.log" api /readyz
say "kube-apiserver is ready"
start_controller_manager
start_scheduler
for ((i = 1; i <= NODES; i++)); do register_node "$i" || die "cannot register node$i"; done
wait $pause || die "cannot push the pause image, see $LOGS/images-pause.log"
wait_for 60 "$NODES node(s) are ready" "$LOGS/node1-kubelet.log" nodes_ready
wait_for 30 "the default service account exists" "$LOGS/kube-controller-manager.log" api /api/v1/namespaces/default/serviceaccounts/default
say "up: $NODES node(s), kubeconfig $ADMIN_CONF"
