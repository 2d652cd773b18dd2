#!/usr/bin/env bash
# render.sh REGISTRY [IMAGES [OUT]]: writes copies of the three folders that are applied, with images from REGISTRY.
#
#   REGISTRY  such as registry.example:5000/apim; an image NAME becomes REGISTRY/NAME:latest
#   IMAGES    a file with lines NAME=IMAGE, which go before (images by digest)
#   OUT       where to (default build/deploy)
#
# The two values that a user edits are filled in when they stand in the environment: DOCKER_REGISTRY (with http:// for a
# registry without TLS), DOCKER_USERNAME and DOCKER_PASSWORD.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source=deploy/local/env.sh disable=SC2153
default_registry=$(. "$HERE/local/env.sh" && echo "$LOCAL_REGISTRY")
(($# >= 1 && $# <= 3)) || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2; }
registry=${1%/} images=${2:-} out=${3:-$HERE/../build/deploy}

# sed's replacement text treats these as commands.
quoted() { printf '%s' "$1" | sed 's/[&|\\]/\\&/g'; }

script=$(mktemp)
trap 'rm -f "$script"' EXIT
if [[ -n $images ]]; then
	while IFS='=' read -r name image; do
		[[ -z $name || $name == \#* ]] || echo "s|$default_registry/$name:latest|$(quoted "$image")|" >>"$script"
	done <"$images"
fi
printf 's|%s/\\([a-z-]*\\):latest|%s/\\1:latest|\n' "$default_registry" "$(quoted "$registry")" >>"$script"
if [[ -n ${DOCKER_REGISTRY:-} ]]; then
	echo "s|^  dockerRegistry:.*|  dockerRegistry: \"$(quoted "$DOCKER_REGISTRY")\"|" >>"$script"
fi
if [[ -n ${DOCKER_USERNAME:-} ]]; then
	echo "s|^  username: \"\"|  username: $(printf %s "$DOCKER_USERNAME" | base64 -w0)|" >>"$script"
	echo "s|^  password: \"\"|  password: $(printf %s "${DOCKER_PASSWORD:-}" | base64 -w0)|" >>"$script"
fi

for folder in crds controller-artifacts controller-configs; do
	mkdir -p "$out/$folder"
	rm -f "$out/$folder"/*.yaml
	for file in "$HERE/$folder"/*.yaml; do
		(umask 077 && sed -f "$script" "$file" >"$out/$folder/${file##*/}")
	done
done
echo "rendered into $out"
