#!/usr/bin/env bash
# gateway.sh DIR IMAGE: makes an OCI image of the gateway that serves DIR, which toolkit build has made; no cluster is needed.
#
# IMAGE is where to, in buildah's words: oci-archive:FILE, oci:FOLDER, docker-archive:FILE, docker://registry.example/shop:1.
# Equal contents give equal images. What is secret is in none: credentials are mounted at /etc/gateway/credentials.
set -euo pipefail
IMAGES=$(dirname "$(readlink -f "$0")")
REPO=$(readlink -f "$IMAGES/../..")
# shellcheck source=deploy/images/rootfs.sh
. "$IMAGES/rootfs.sh"
# shellcheck source=deploy/images/recipes/gateway.sh
. "$IMAGES/recipes/gateway.sh"
(($# == 2)) || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2; }
contract=$1/contract.json image=$2
[[ -f $contract ]] || { echo "gateway: $contract is not there; toolkit build makes it" >&2; exit 2; }
B=${B:-$REPO/build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=deploy/images/buildah.sh
. "$IMAGES/buildah.sh"
export STORAGE_DRIVER=vfs

rootfs_new "$work/context/root"
{
	printf 'FROM scratch\nCOPY root/ /\n'
	recipe_gateway "$work/context/root"
} >"$work/context/Dockerfile"
rootfs_file "$work/context/root" "$contract" /etc/gateway/contract.json
"${buildah[@]}" bud -q --isolation chroot --timestamp 0 -t gateway "$work/context" >/dev/null
"${buildah[@]}" push -q gateway "$image"
