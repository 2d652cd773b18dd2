# shellcheck shell=bash
# Removes from the machine whatever a cluster leaves behind, whether it was stopped in order or killed.

kernel_settings=(kernel.panic kernel.panic_on_oops vm.overcommit_memory vm.panic_on_oom kernel.keys.root_maxkeys kernel.keys.root_maxbytes)

# Folders that the programs insist on; a node mounts its own over them.
mount_points=(/run/netns /var/lib/cni /var/lib/kubelet /var/log/pods /var/log/containers)

# take_over: notes whose cluster this is and what kubelet is going to change on the machine.
take_over() {
	local name dir
	mkdir -p "$RUN"
	printf '%s\n%s\n' "$STATE" "$REPO" >"$RUN/owner"
	if [[ ! -f $RUN/sysctl ]]; then
		for name in "${kernel_settings[@]}"; do
			echo "$name=$(sysctl -n "$name")"
		done >"$RUN/sysctl.new"
		mv "$RUN/sysctl.new" "$RUN/sysctl"
	fi
	for dir in "${mount_points[@]}"; do
		[[ -d $dir ]] || echo "$dir" >>"$RUN/mount-points"
		mkdir -p "$dir"
	done
}

# check_owner: refuses to touch the living cluster of another state folder.
check_owner() {
	local owner=()
	[[ -f $RUN/owner && -n $(units) ]] || return 0
	mapfile -t owner <"$RUN/owner"
	[[ ${owner[0]} == "$STATE" ]] ||
		die "a cluster of ${owner[1]} is running (state in ${owner[0]}); stop it with: APIM_STATE=${owner[0]} ${owner[1]}/deploy/local/down.sh"
}

sweep_network() {
	local link name
	# A network namespace goes some time after its last process: its cable is pulled at once.
	for link in $(ip -o link show | awk -F'[ :@]+' -v p="^$VETH_PREFIX" '$2 ~ p { print $2 }'); do
		ip link delete "$link" 2>/dev/null || true
	done
	for name in $(ip netns list 2>/dev/null | awk -v p="^$NETNS_PREFIX" '$1 ~ p { print $1 }'); do
		ip netns delete "$name"
	done
	# iproute2 keeps the folder mounted on itself; it is in use as long as anyone has a namespace in it.
	[[ -n $(ls -A /run/netns 2>/dev/null) ]] || umount /run/netns 2>/dev/null || true
	ip link delete "$BRIDGE" 2>/dev/null || true
	# Only when it was needed (see up.sh) is there a rule.
	while iptables -w -D FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT 2>/dev/null; do :; done
}

sweep() {
	local running dir
	mapfile -t running < <(units)
	unit_stop "${running[@]}"
	sweep_network
	remove_cgroups "$CGROUP"
	if [[ -f $RUN/sysctl ]]; then
		sysctl -q -p "$RUN/sysctl" 2>/dev/null || say "could not restore all of: $(xargs <"$RUN/sysctl")"
	fi
	if [[ -f $RUN/mount-points ]]; then
		while read -r dir; do rmdir "$dir" 2>/dev/null || true; done <"$RUN/mount-points"
	fi
	rm -rf "$RUN"
	# What belonged to the objects that are gone. Images, certificates and logs stay.
	rm -rf --one-file-system "$STATE/etcd" "$STATE"/node*/{kubelet,pod-logs} "${NATS_VOLUME%/*}"
}
