#!/usr/bin/env bash
# run.sh [PATTERN]: tells the stories on the running cluster, one after the other, and counts.
#
#   CLUSTER=existing   the cluster of $KUBECONFIG instead of the local one
#   FULL=1             the long versions
#   B=build/release    where load, apictl and images.env are
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export B=${B:-build/release}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed_stories=()

for story in "$here"/[0-9][0-9]-*.sh; do
	[[ ${story##*/} == *${1:-}* ]] || continue
	since=$SECONDS
	status=0
	"$story" 2>&1 | tee -a "$log" || status=$?
	((status == 0)) || failed_stories+=("$(basename "$story" .sh)")
	if ((status != 0)) && ! tail -n 200 "$log" | grep -q '^not ok - '; then
		echo "not ok - $(basename "$story" .sh) came to its end" | tee -a "$log"
	fi
	printf '# %s: %ds\n\n' "$(basename "$story" .sh)" $((SECONDS - since))
done

passed=$(grep -c '^ok - ' "$log" || true)
failed=$(grep -c '^not ok - ' "$log" || true)
((${#failed_stories[@]} == 0)) || echo "failed: ${failed_stories[*]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && ${#failed_stories[@]} == 0 && passed > 0))
