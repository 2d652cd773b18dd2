# shellcheck shell=bash
# What test scripts share: a real API server around them, and a test per function. Sourced by test_*.sh.
#
# A script defines functions named test_…, each of which fails by a command that fails, and ends with run_tests.

TREE=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
cd "$TREE" || exit 1
if [[ -z ${APISERVER:-} ]]; then
	exec tests/integration/with-apiserver.sh "$TREE/tests/integration/$(basename "$0")" "$@"
fi
for dir in "${KUBEBUILDER_ASSETS:-}" "$TREE/build/tools/bin"; do
	[[ -z $dir || ! -x $dir/kubectl ]] || PATH=$dir:$PATH
done
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
export HOME=$TMP KUBECACHEDIR=$TMP/kubectl-cache
unset XDG_CONFIG_HOME

# expect TEXT CMD…: CMD succeeds and prints exactly TEXT.
expect() {
	local want=$1 got
	shift
	got=$("$@" 2>&1) || { printf '%s failed: %s\n' "$*" "$got"; return 1; }
	same "$want" "$got"
}

# expect_failure STATUS TEXT CMD…: CMD fails so and says exactly TEXT.
expect_failure() {
	local status=$1 want=$2 got rc=0
	shift 2
	got=$("$@" 2>&1) || rc=$?
	((rc == status)) || { printf '%s: status %d, expected %d: %s\n' "$*" "$rc" "$status" "$got"; return 1; }
	same "$want" "$got"
}

# fails CMD…: CMD does not succeed. (`! CMD` would not end a test.)
fails() {
	if "$@"; then
		echo "succeeded, but should not: $*"
		return 1
	fi
}

same() {
	[[ $1 == "$2" ]] || { diff -u --label expected --label found <(echo "$1") <(echo "$2"); return 1; }
}

run_tests() {
	local name failed=0
	for name in $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p'); do
		# Not as a condition: set -e would not hold inside.
		(set -e; "$name") >"$TMP/$name.log" 2>&1
		# shellcheck disable=SC2181
		if (($? == 0)); then
			echo "ok - ${name#test_}"
		else
			echo "not ok - ${name#test_}"
			sed 's/^/       /' "$TMP/$name.log"
			failed=1
		fi
	done
	exit "$failed"
}
