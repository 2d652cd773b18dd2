#!/usr/bin/env bash
# build.sh REGISTRY [NAME...]: builds our images and pushes them, when their content is not there already.
#
# A tag is the hash of an image's content, so equal content is pushed once and a changed image never hides behind an old tag.
# Writes NAME=IMAGE@DIGEST lines to build/<variant>/images.env (B=build/release; B=build/san-address-undefined for sanitized ones).
set -euo pipefail
IMAGES=$(dirname "$(readlink -f "$0")")
REPO=$(readlink -f "$IMAGES/../..")
# shellcheck source=deploy/images/rootfs.sh
. "$IMAGES/rootfs.sh"
(($# >= 1)) || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2; }
registry=${1%/}
shift
B=${B:-$REPO/build/release}
work=$REPO/build/images
services=(watcher security-svc ratelimit-svc endpoint-svc api-svc builder-svc)
all=(operator toolkit gateway products samples)
names=("$@")
((${#names[@]})) || names=("${all[@]}")

# Each recipe fills $1, the root folder, and prints the Dockerfile's lines below COPY.
for recipe in "$IMAGES"/recipes/*.sh; do
	# shellcheck source=/dev/null
	. "$recipe"
done

content_hash() { # of names, modes and bytes; times do not count
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf - . | sha256sum | cut -c1-16
}

manifest_digest() { # REPOSITORY TAG
	curl -sfI --max-time 10 -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"$scheme://${registry%%/*}/v2/$1/manifests/$2" | tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" { print $2 }'
}

scheme=https
! curl -sf --max-time 5 -o /dev/null "http://${registry%%/*}/v2/" || scheme=http
path=
[[ $registry != */* ]] || path=${registry#*/}/
# shellcheck source=deploy/images/buildah.sh
. "$IMAGES/buildah.sh"
exec 8>"$work/lock"
flock 8

digest_of() { # NAME: builds and pushes if need be; prints IMAGE@DIGEST
	local name=$1 dir=$work/$1 tag digest
	mkdir -p "$dir"
	rootfs_new "$dir/root"
	{
		printf 'FROM scratch\nCOPY root/ /\n'
		"recipe_$name" "$dir/root"
	} >"$dir/Dockerfile"
	tag=$(content_hash "$dir")
	digest=$(manifest_digest "$path$name" "$tag" || true)
	if [[ -z $digest ]]; then
		"${buildah[@]}" bud -q --isolation chroot --timestamp 0 -t "$registry/$name:$tag" "$dir" >/dev/null
		"${buildah[@]}" push -q --tls-verify="$([[ $scheme == https ]] && echo true || echo false)" "$registry/$name:$tag" >&2
		"${buildah[@]}" rmi "$registry/$name:$tag" >/dev/null
		digest=$(manifest_digest "$path$name" "$tag")
		echo "pushed $registry/$name:$tag" >&2
	fi
	echo "$registry/$name:$tag@$digest"
}

tag_latest() { # NAME IMAGE: lets NAME:latest be that image, which is in the local registry
	local url=http://$REGISTRY/v2/$1/manifests reference=${2#*@} type
	[[ $2 == *@* ]] || reference=${2##*:}
	type=$(curl -sf --max-time 10 -o "$work/manifest" -w '%{content_type}' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "$url/$reference") || return 0
	curl -sf --max-time 10 -o /dev/null -X PUT -H "Content-Type: $type" --data-binary "@$work/manifest" "$url/latest"
}

touch "$B/images.env"
for name in "${names[@]}"; do
	image=$(digest_of "$name")
	image=${image%:*@*}@${image##*@}
	for line in "$name" $([[ $name != operator ]] || echo "${services[@]}" apictl); do
		sed -i "/^$line=/d" "$B/images.env"
		echo "$line=$image" >>"$B/images.env"
	done
done
# The images of others that ours work with are pushed by deploy/local/images.sh to the same place.
APIM_REGISTRY=$registry
# shellcheck source=deploy/local/env.sh
. "$REPO/deploy/local/env.sh"
for name in nats kaniko; do
	sed -i "/^$name=/d" "$B/images.env"
	echo "$name=$(image_of "$name")" >>"$B/images.env"
done
if [[ $registry == "$LOCAL_REGISTRY" ]]; then
	# The manifests as they are committed name these tags, so that they can be applied by hand.
	for name in "${all[@]}" nats kaniko; do
		image=$(sed -n "s/^$name=//p" "$B/images.env")
		[[ -z $image ]] || tag_latest "$name" "$image"
	done
fi
sort -o "$B/images.env" "$B/images.env"
