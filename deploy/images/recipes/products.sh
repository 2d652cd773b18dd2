# shellcheck shell=bash disable=SC2154
# The sample backend of scenario 1: nginx and five products.
recipe_products() {
	local sample=$REPO/deploy/samples/scenario-1/backend file
	rootfs_program "$1" /usr/sbin/nginx=/usr/sbin/nginx
	rootfs_file "$1" "$sample/nginx.conf" /etc/nginx/nginx.conf
	for file in "$sample"/data/*.json; do rootfs_file "$1" "$file" "/srv/products/${file##*/}"; done
	printf 'USER 10001:10001\nEXPOSE 8080\nSTOPSIGNAL SIGQUIT\n'
	echo 'ENTRYPOINT ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"]'
}
