#!/usr/bin/env bash
# node.sh start|stop I: one node of the cluster. Stopping it is a power failure; started again, it comes back with its pods.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
i=${2:-0} node=node$i netns=$NETNS_PREFIX$i veth=$VETH_PREFIX$i

# The node's network: a cable to the bridge. There is no way out to the world.
plug_in() {
	local j
	ip netns add "$netns"
	ip link add "$veth" type veth peer name eth0 netns "$netns"
	ip link set "$veth" master "$BRIDGE" up
	ip -n "$netns" -batch - <<-IP
		addr add $(node_ip "$i")/24 dev eth0
		link set lo up
		link set eth0 up
		route add $SERVICE_NET dev eth0
		route add $LB_NET dev eth0
	IP
	# (The last two: a process in the node's own network must find some route to a Service before its address is translated.)
	for ((j = 1; j <= MAX_NODES; j++)); do
		((j == i)) || ip -n "$netns" route add "$(pod_subnet "$j")" via "$(node_ip "$j")"
	done
	nsenter --net="/run/netns/$netns" sysctl -qw net.ipv4.ip_forward=1
	ip route replace "$(pod_subnet "$i")" via "$(node_ip "$i")"
}

stop() {
	unit_stop "$node"
	# Kubelet would come back to the groups of dead pods, and take three seconds over each.
	remove_cgroups "$CGROUP/pods/$node"
	ip link delete "$veth" 2>/dev/null || true
	ip netns delete "$netns" 2>/dev/null || true
}

start() {
	local cgroup
	! unit_running "$node" || return 0
	stop
	plug_in
	cgroup=$(pods_cgroup "$i")
	# nsenter, since "ip netns exec" would hide the control groups.
	unit_start "$node" nsenter --net="/run/netns/$netns" \
		unshare --mount --propagation private --pid --fork --kill-child --mount-proc --uts "$LOCAL/node-init.sh" "$i" "$cgroup"
}

[[ $i == [1-$MAX_NODES] ]] || die "usage: node.sh start|stop 1..$MAX_NODES"
case ${1:-} in
start | stop) "$1" ;;
*) die "usage: node.sh start|stop 1..$MAX_NODES" ;;
esac
