# shellcheck shell=bash disable=SC2154
# All six services and apictl in one image: on a node they share the pages of their libraries.
recipe_operator() {
	local program
	for program in "${services[@]}" apictl; do rootfs_program "$1" "$B/bin/$program"; done
	echo 'USER 10001:10001'
}
