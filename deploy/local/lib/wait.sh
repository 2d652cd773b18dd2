# shellcheck shell=bash
# wait_for SECONDS WHAT UNIT COMMAND...: polls until the command succeeds. Gives up at once when the unit that it waits for
# (if any) has ended.
wait_for() {
	local limit=$1 what=$2 unit=$3 end=$((SECONDS + $1))
	shift 3
	until "$@" >/dev/null 2>&1; do
		[[ -z $unit ]] || unit_running "$unit" || give_up "$unit has ended" "$unit"
		((SECONDS <= end)) || give_up "waited ${limit}s in vain until $what" "$unit"
		sleep 0.1
	done
}

# give_up WHY UNIT
give_up() {
	[[ -n $2 ]] || die "$1"
	tail -n 10 "$LOGS/$2"*.log >&2
	die "$1 (logs: $LOGS/$2*.log)"
}
