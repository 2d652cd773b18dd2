#!/usr/bin/env bash
# up.sh: starts the cluster, or what is missing of it. NODES=1..3 (default 1).
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
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
	api /readyz >/dev/null || return 1
	for ((i = 1; i <= NODES; i++)); do node_ready "$i" >/dev/null || return 1; done
}

node_ready() { api "/api/v1/nodes/node$1" | jq -e 'any(.status.conditions[]?; .type == "Ready" and .status == "True")'; }

report() { say "$1: $(units | grep -c '^node') node(s), kubeconfig $ADMIN_CONF"; }

make_bridge() {
	[[ ! -d /sys/class/net/$BRIDGE ]] || return 0
	# Where these are modules, nobody else may have loaded them. (A failure would show below.)
	modprobe -qa overlay br_netfilter 2>/dev/null || true
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
mkdir -p /run/lock
exec 9>/run/lock/apim-local
flock -w 120 9 || die "another up or down has been at work for 120 s"
check_owner
if healthy; then
	report "already up"
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

wait_for 60 "kube-apiserver is ready" kube-apiserver api /readyz
say "kube-apiserver is ready"
start_controller_manager
start_scheduler
for ((i = 1; i <= NODES; i++)); do register_node "$i" || die "cannot register node$i"; done
wait $pause || die "cannot push the pause image, see $LOGS/images-pause.log"
for ((i = 1; i <= NODES; i++)); do wait_for 60 "node$i is ready" "node$i" node_ready "$i"; done
wait_for 30 "the default service account exists" kube-controller-manager api /api/v1/namespaces/default/serviceaccounts/default
wait_for 5 "the scheduler runs" kube-scheduler unit_running kube-scheduler
report up
