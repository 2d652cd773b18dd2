#!/usr/bin/env bash
# run.sh [PATTERN]: tells the stories on the running cluster and counts. First those that may be told side by side, and of them those with
# a line "# long: why"; then, one after the other, those with a line "# alone: why", since they change what all others stand on.
#
#   CLUSTER=existing   the cluster of $KUBECONFIG instead of the local one
#   FULL=1             the long versions
#   LANES=3            so many side by side
#   AGAIN=1            who fails is told once more when all others are, and that is what counts
#   B=build/release    where load, apictl and images.env are
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export B=${B:-build/release}
lanes=${LANES:-3}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# A story's lines come together, when it has ended.
tell() {
	local name since=$SECONDS log status=0
	name=$(basename "$1" .sh)
	log=$out/$name.log
	"$1" >"$log" 2>&1 </dev/null || status=$?
	if ((status != 0)) && ! grep -q '^not ok - ' "$log"; then
		echo "not ok - $name came to its end" >>"$log"
	fi
	printf '# %s: %ds\n\n' "$name" $((SECONDS - since)) >>"$log"
	flock "$out" cat "$log"
}
tell_first() { tell "$1" | if [[ -n ${AGAIN:-} ]]; then sed 's/^not ok/first try: not ok/'; else cat; fi; }
has_failed() { grep -q '^not ok - ' "$out/$(basename "$1" .sh).log"; }

side_by_side=() alone=() long=()
for story in "$here"/[0-9][0-9]-*.sh; do
	[[ ${story##*/} == *${1:-}* ]] || continue
	if grep -q '^# alone: ' "$story"; then
		alone+=("$story")
	elif grep -q '^# long: ' "$story"; then
		long+=("$story")
	else
		side_by_side+=("$story")
	fi
done
side_by_side=("${long[@]}" "${side_by_side[@]}")
for story in "${side_by_side[@]}"; do
	while (($(jobs -rp | wc -l) >= lanes)); do wait -n; done
	tell_first "$story" &
done
wait
for story in "${alone[@]}"; do tell_first "$story"; done
for story in "${side_by_side[@]}" "${alone[@]}"; do
	[[ -z ${AGAIN:-} ]] || ! has_failed "$story" || tell "$story"
done

count() { cat "$out"/*.log | grep -c "$1" || true; }
passed=$(count '^ok - ') failed=$(count '^not ok - ')
failed_stories=$(grep -l '^not ok - ' "$out"/*.log | xargs -rn1 basename | sed 's/\.log$//' | xargs || true)
[[ -z $failed_stories ]] || echo "failed: $failed_stories"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
