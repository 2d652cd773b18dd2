# shellcheck shell=bash
# A unit is a daemon with all that it starts. Its control group is the only record of its processes: no pid can be taken
# for another one's, and nothing that a unit started can get away.
# shellcheck source=env.sh
. "$LOCAL/env.sh"

if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
	cgroup_version=2
	cgroup_roots=(/sys/fs/cgroup)
	units_root=/sys/fs/cgroup/$CGROUP/units
else
	cgroup_version=1
	cgroup_roots=()
	for dir in /sys/fs/cgroup/*/; do
		dir=${dir%/}
		[[ -L $dir || ! -f $dir/cgroup.procs ]] || cgroup_roots+=("$dir")
	done
	units_root=/sys/fs/cgroup/systemd/$CGROUP/units
	[[ -d /sys/fs/cgroup/systemd ]] || units_root=/sys/fs/cgroup/pids/$CGROUP/units
fi

unit_running() {
	local pid=''
	read -r pid 2>/dev/null <"$units_root/$1/cgroup.procs" || return 1
	[[ -n $pid ]]
}

# cpu_weight PATH WEIGHT: the share of a control group beside its siblings when the processors are busy; 100 is usual.
cpu_weight() {
	local dir=/sys/fs/cgroup/$1
	if [[ $cgroup_version == 2 ]]; then
		mkdir -p "$dir" && { [[ ! -f $dir/cpu.weight ]] || echo "$2" >"$dir/cpu.weight"; }
	else
		dir=/sys/fs/cgroup/cpu/$1
		[[ ! -d /sys/fs/cgroup/cpu ]] || { mkdir -p "$dir" && echo $(($2 * 1024 / 100)) >"$dir/cpu.shares"; }
	fi
}

# On a cluster of many machines the control plane has its own. Here fifty pods that start must not keep it, or the pods that
# run, from working: what starts them takes what is left.
cpu_weights() {
	[[ $cgroup_version == 1 ]] || for dir in "" "/$CGROUP" "/$CGROUP/units"; do enable_controllers "/sys/fs/cgroup$dir"; done
	cpu_weight "$CGROUP" 800
	cpu_weight "$CGROUP/units" 200
	cpu_weight "$CGROUP/pods" 400
	case $1 in
	node*) cpu_weight "$CGROUP/units/$1" 25 ;;
	*) cpu_weight "$CGROUP/units/$1" 400 ;;
	esac
}

# unit_start NAME COMMAND...: the log is $LOGS/NAME.log, begun anew.
unit_start() {
	local name=$1
	shift
	mkdir -p "$units_root/$name" "$LOGS"
	cpu_weights "$name"
	(
		echo $BASHPID >"$units_root/$name/cgroup.procs"
		[[ $cgroup_version == 2 || ! -d /sys/fs/cgroup/cpu ]] || echo $BASHPID >"/sys/fs/cgroup/cpu/$CGROUP/units/$name/cgroup.procs"
		cd /
		exec setsid "$@" </dev/null >"$LOGS/$name.log" 2>&1 7>&- 8>&- 9>&-
	) &
	disown
	# The start is over when the process has its control group: otherwise a check right after it would see nothing.
	until unit_running "$name" || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# unit_stop NAME...: nothing here needs a goodbye, and some daemons take many seconds over it.
unit_stop() {
	local name pids end=$((SECONDS + 15))
	for name in "$@"; do
		while unit_running "$name"; do
			mapfile -t pids 2>/dev/null <"$units_root/$name/cgroup.procs" || true
			((${#pids[@]} == 0)) || kill -9 "${pids[@]}" 2>/dev/null || true
			((SECONDS <= end)) || die "$name does not end: processes ${pids[*]}"
			sleep 0.02
		done
		rmdir "$units_root/$name" "/sys/fs/cgroup/cpu/$CGROUP/units/$name" 2>/dev/null || true
	done
}

# units: the names of all units that run.
units() {
	local dir
	for dir in "$units_root"/*/; do
		dir=${dir%/}
		! unit_running "${dir##*/}" || echo "${dir##*/}"
	done
}

# pods_cgroup I: makes the control group below which kubelet puts the pods of node I; prints its name.
pods_cgroup() {
	local root dir file
	for root in "${cgroup_roots[@]}"; do
		dir=$root
		for part in "$CGROUP" pods "node$1"; do
			[[ $cgroup_version == 1 ]] || enable_controllers "$dir"
			dir=$dir/$part
			mkdir -p "$dir"
			# A new cpuset is empty, and no process can enter it.
			for file in cpuset.cpus cpuset.mems; do
				[[ $cgroup_version == 2 || ! -f $dir/$file || -n $(<"$dir/$file") ]] || cat "$dir/../$file" >"$dir/$file"
			done
		done
	done
	echo "/$CGROUP/pods/node$1"
}

# remove_cgroups PATH: in every hierarchy, with all below it, as soon as the last process is gone.
remove_cgroups() {
	local root end=$((SECONDS + 10))
	for root in "${cgroup_roots[@]}"; do
		while [[ -d $root/$1 ]]; do
			find "$root/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
			[[ -d $root/$1 ]] || break
			((SECONDS <= end)) || die "cannot remove $root/$1: there are processes in it"
			sleep 0.05
		done
	done
}

enable_controllers() {
	local controller
	for controller in $(<"$1/cgroup.controllers"); do
		echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null || true
	done
}
