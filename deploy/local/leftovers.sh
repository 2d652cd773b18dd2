#!/usr/bin/env bash
# leftovers.sh: lists what a cluster has left on the machine; fails if there is anything. For tests of down.sh.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/sweep.sh
. "$LOCAL/lib/sweep.sh"

list() {
	local root dir
	units | sed 's/^/process group: /'
	for root in "${cgroup_roots[@]}"; do
		[[ ! -d $root/$CGROUP ]] || find "$root/$CGROUP" -type d -printf 'control group: %p\n'
	done
	ip -o link show | grep -oE "($BRIDGE|$VETH_PREFIX|cni0)[^:@]*" | sed 's/^/link: /'
	ip netns list 2>/dev/null | awk -v p="^($NETNS_PREFIX|cni-)" '$1 ~ p { print "network namespace: " $1 }'
	ip -4 route show | grep -E '^(172\.30\.|10\.244\.|10\.96\.)' | sed 's/^/route: /'
	awk -v state="$STATE/" '$5 ~ "^" state || $5 ~ "/(containerd|kubelet|cni|netns)/" { print "mount: " $5 }' /proc/self/mountinfo
	# Without a rule there is no table, and asking through iptables-save would not make one.
	iptables-save 2>/dev/null | grep -E "KUBE-|CNI-|$BRIDGE" | sed 's/^/iptables rule: /'
	[[ ! -d $RUN ]] || echo "folder: $RUN"
	for dir in /var/lib/cni /var/log/containers; do
		[[ ! -d $dir ]] || find "$dir" -mindepth 1 -printf 'file: %p\n'
	done
}

found=$(list || true)
[[ -n $found ]] || exit 0
echo "$found"
exit 1
