# shellcheck shell=bash
# Messages: what happens goes to standard output, with the time since the script began; why it stopped goes to standard error.
script=$(basename "$0" .sh)
started=$EPOCHREALTIME

elapsed() {
	local us=$((${EPOCHREALTIME/[^0-9]/} - ${started/[^0-9]/}))
	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

say() { printf '%s: %5ss %s\n' "$script" "$(elapsed)" "$*"; }

die() {
	printf '%s: %s\n' "$script" "$*" >&2
	exit 1
}

# wait_for SECONDS WHAT LOG COMMAND...: polls until the command succeeds.
wait_for() {
	local limit=$1 what=$2 log=$3 end
	shift 3
	end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > end)); then
			[[ ! -f $log ]] || tail -n 15 "$log" >&2
			die "waited ${limit}s in vain: $what${log:+ (log: $log)}"
		fi
		sleep 0.1
	done
}
