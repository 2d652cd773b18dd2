#!/usr/bin/env bash
# compile.sh GROUP BINARY OUT: builds one binary of a group. Part of the cache key: what changes here rebuilds everything.
set -euo pipefail
group=$1 binary=$2 out=$3
cd "$(dirname "$0")/$group"
main_module='' binaries=() stamps=()
# shellcheck source=/dev/null
. ./group.sh

package=
for entry in "${binaries[@]}"; do
	[[ ${entry%%=*} == "$binary" ]] && package=${entry#*=}
done
if [[ -z $package ]]; then
	echo "compile: group $group has no binary $binary" >&2
	exit 2
fi

export GOFLAGS=-mod=readonly GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=0
version=$(go list -m -f '{{.Version}}' "$main_module")
flags="-s -w"
for stamp in "${stamps[@]}"; do
	flags+=" -X ${stamp/%=VERSION/=$version}"
done
go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out.partial" "$package"
mv "$out.partial" "$out"
