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
