# shellcheck shell=bash
# Stages of a longer job: each says what it does, how long it took and, when it fails, where its log is. Sourced.
#
#   stage NAME COMMAND...     runs it; its output goes to a log
#   stage_begin NAME COMMAND... / stage_join NAME    the same beside others
#   stage_begin NAME twice COMMAND...   the same with a second try, for what waits for other programs with deadlines, on a machine that may
#                             be busy with something else; the first try's log is kept beside the second's
STAGE_LOGS=${STAGE_LOGS:?set before sourcing}
mkdir -p "$STAGE_LOGS"
# shellcheck disable=SC2034 # for those who source this
stages_started=$SECONDS
declare -A stage_pid stage_since

# Who leaves early takes along what still runs.
stages_stop() {
	local pid
	for pid in "${stage_pid[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
}
trap stages_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

first_try() {
	local log="$STAGE_LOGS/${1// /-}.log.first"
	[[ ! -f $log ]] || printf ', needed a second try:\n%s\n' "$(grep -E '^not ok|FAILED|rror' "$log" | tail -n 12 || true)"
}

stage_end() { # NAME STATUS
	local name=$1 status=$2 took=$((SECONDS - stage_since[$1]))
	if ((status == 0)); then
		printf '  %-44s %4ds%s\n' "$name" "$took" "$(first_try "$name")"
		return 0
	fi
	printf '  %-44s failed after %ds\n' "$name" "$took" >&2
	tail -n 25 "$STAGE_LOGS/${name// /-}.log" >&2
	echo "log: $STAGE_LOGS/${name// /-}.log" >&2
	exit 1
}

stage_begin() {
	local name=$1 stage_log=$STAGE_LOGS/${1// /-}.log
	shift
	stage_since[$name]=$SECONDS
	set -m # a process group of its own
	"$@" >"$stage_log" 2>&1 </dev/null &
	set +m
	stage_pid[$name]=$!
}

# Every 30 seconds the last line of the log shows that it goes on.
stage_join() {
	local name=$1 pid=${stage_pid[$1]} status=0 told=$SECONDS
	while kill -0 "$pid" 2>/dev/null; do
		if ((SECONDS - told >= 30)); then
			told=$SECONDS
			printf '    … %s (%ds): %s\n' "$name" $((SECONDS - stage_since[$name])) \
				"$(tail -n 1 "$STAGE_LOGS/${name// /-}.log" | cut -c1-100)"
		fi
		sleep 0.1
	done
	wait "$pid" || status=$?
	unset "stage_pid[$name]"
	stage_end "$name" "$status"
}

stage() {
	stage_begin "$@"
	stage_join "$1"
}

# Called by a stage, whose output goes to the log.
twice() {
	if "$@"; then return 0; fi
	mv "$stage_log" "$stage_log.first"
	exec >"$stage_log" 2>&1
	echo "once more, after what $stage_log.first tells"
	"$@"
}
