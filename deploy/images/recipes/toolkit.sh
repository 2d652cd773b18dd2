# shellcheck shell=bash disable=SC2154
# Stage 1 of every API's image: compiles its documents, then boots the gateway and proves it. Kaniko runs it as root.
recipe_toolkit() {
	gateway_files "$1"
	rootfs_program "$1" "$B/bin/toolkit"
	ln -s gateway "$1/usr/bin/build-gateway"
	echo 'ENTRYPOINT ["/usr/bin/toolkit"]'
}
