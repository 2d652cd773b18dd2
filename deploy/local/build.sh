#!/usr/bin/env bash
# build.sh [GROUP...]: builds the cluster's programs from pinned Go modules, once per machine and version.
# A group is a folder of tools/; otel is for the tests alone, and built when it is named. Its binaries are kept in a cache outside the clone, under a key made from everything that
# they depend on; build/tools/bin holds links to the ones that this clone uses.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=env.sh
. "$here/env.sh"

all_groups=(nats etcd kubernetes kaniko coredns metrics-server metallb) # contour and kstatus only if named: tests need them
groups=("$@")
((${#groups[@]})) || groups=("${all_groups[@]}")
go_version=$(go env GOVERSION)

key_of() {
	(
		cd "$here/tools"
		{
			cat "$1/go.mod" "$1/go.sum" "$1/group.sh" compile.sh
			find "$1" \( -name '*.patch' -o -name '*.go' \) -exec cat {} +
			echo "$go_version"
		} | sha256sum | cut -c1-16
	)
}

names_of() {
	(
		binaries=()
		# shellcheck source=/dev/null
		. "$here/tools/$1/group.sh"
		printf '%s\n' "${binaries[@]%%=*}"
	)
}

wanted=()
for group in "${groups[@]}"; do
	if [[ ! -f $here/tools/$group/group.sh ]]; then
		echo "build: no such group: $group (there are: ${all_groups[*]})" >&2
		exit 2
	fi
	names=$(names_of "$group")
	for name in $names; do wanted+=("$group/$name"); done
done

declare -A keys
for group in "${groups[@]}"; do keys[$group]=$(key_of "$group"); done
folder_of() { echo "$CACHE/${1%/*}-${keys[${1%/*}]}/bin"; }

mkdir -p "$TOOLS_BIN" "$CACHE"
# One builder per machine at a time: two would only slow each other down. Who has everything waits for nobody.
missing=
for item in "${wanted[@]}"; do [[ -x $(folder_of "$item")/${item#*/} ]] || missing=yes; done
if [[ -n $missing ]]; then
	exec 9>"$CACHE/lock"
	if ! flock -n 9; then
		echo "build: waiting for another build on this machine"
		flock 9
	fi
fi

count=0 built=0
for item in "${wanted[@]}"; do
	group=${item%/*} name=${item#*/} count=$((count + 1))
	bin=$(folder_of "$item")
	if [[ ! -x $bin/$name ]]; then
		mkdir -p "$bin"
		echo "build: [$count/${#wanted[@]}] $name ..."
		start=$SECONDS log=${bin%/bin}/$name.log
		if ! "$here/tools/compile.sh" "$group" "$name" "$bin/$name" >"$log" 2>&1 9>&-; then
			tail -n 20 "$log" >&2
			echo "build: $name failed, see $log" >&2
			exit 1
		fi
		rm -f "$log"
		built=$((built + 1))
		echo "build: [$count/${#wanted[@]}] $name, $((SECONDS - start))s, $(du -m "$bin/$name" | cut -f1) MB"
	fi
	touch "${bin%/bin}"
	ln -sfnT "$bin/$name" "$TOOLS_BIN/$name"
done
# Builds of other versions that no clone has used for two weeks.
find "$CACHE" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
((built == 0)) || echo "build: ${#wanted[@]} programs in $TOOLS_BIN, $built built in ${SECONDS}s"
