# shellcheck shell=bash disable=SC2034
# What the harnesses share: programs, free ports, start, wait, clean up. Sourced by with-*.sh.
#
# A harness gives its servers a temporary directory and loopback ports of their own, so that any number of them can run at
# once, and leaves nothing behind however it ends.

REPO=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
HARNESS=$(basename "$0")
DIR=
PIDS=()
program= # set by program
port=    # set by free_port

# Skipping must be seen: exit 77, and an error where tests may not be skipped (CI).
skip() {
	echo "$HARNESS: SKIPPED: $*" >&2
	[[ -z ${CI:-} ]] || exit 1
	exit 77
}

# program NAME: sets $program to its path; from KUBEBUILDER_ASSETS, build/tools/bin or PATH.
program() {
	local dir
	for dir in "${KUBEBUILDER_ASSETS:-}" "$REPO/build/tools/bin"; do
		if [[ -n $dir && -x $dir/$1 ]]; then
			program=$dir/$1
			return
		fi
	done
	program=$(command -v "$1") || skip "$1 is neither in KUBEBUILDER_ASSETS nor build/tools/bin nor PATH (deploy/local/build.sh builds it)"
}

# Below the range that the kernel gives to outgoing connections.
free_port() {
	for (( ; ; )); do
		port=$((15000 + RANDOM % 17000))
		[[ -n $(ss -Htan "sport = :$port") ]] || return 0
	done
}

# keep NAME CMD…: starts a server, and again whenever it dies, but not before the file NAME.hold is gone. NAME.pid has its
# process id, NAME.log what it says. Dies with us, even if we are killed.
keep() {
	local name=$1
	shift
	# shellcheck disable=SC2016
	setpriv --pdeathsig TERM -- bash -c '
		files=$1; shift
		trap "kill -KILL \$server; exit 0" TERM
		for (( ; ; )); do
			setpriv --pdeathsig KILL -- "$@" & server=$!
			echo "$server" >"$files.pid.new" && mv "$files.pid.new" "$files.pid"
			wait "$server"
			while [[ -e $files.hold ]]; do sleep 0.05; done
		done' keep "$DIR/$name" "$@" >>"$DIR/$name.log" 2>&1 </dev/null &
	PIDS+=($!)
}

# wait_until SECONDS WHAT LOG CMD…: polls until CMD succeeds; shows the log and gives up otherwise.
wait_until() {
	local deadline=$((SECONDS + $1)) what=$2 log=$DIR/$3
	shift 3
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= deadline)); then
			tail -n 20 "$log" >&2
			echo "$HARNESS: $what did not come up in time" >&2
			exit 1
		fi
		sleep 0.05
	done
}

clean_up() {
	local status=$? pid
	trap '' INT TERM
	for pid in "${PIDS[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait || true
	[[ -z $DIR ]] || rm -rf "$DIR"
	exit "$status"
}

begin() {
	DIR=$(mktemp -d "${TMPDIR:-/tmp}/harness.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# In the background, so that a signal to us is handled at once.
run_command() {
	local status=0
	setpriv --pdeathsig TERM -- "$@" <&0 &
	PIDS+=($!)
	wait $! || status=$?
	exit "$status"
}
