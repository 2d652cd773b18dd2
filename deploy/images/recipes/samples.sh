# shellcheck shell=bash disable=SC2154
# The backend of the samples but the first: nginx, a folder of JSON files whose names are paths.
recipe_samples() {
	local sample=$REPO/deploy/samples/backend file
	rootfs_program "$1" /usr/sbin/nginx=/usr/sbin/nginx
	rootfs_file "$1" "$sample/nginx.conf" /etc/nginx/nginx.conf
	while IFS= read -r file; do
		rootfs_file "$1" "$file" "/srv/${file#"$sample/data/"}"
	done < <(find "$sample/data" -name '*.json' | sort)
	printf 'USER 10001:10001\nEXPOSE 8080\nSTOPSIGNAL SIGQUIT\n'
	echo 'ENTRYPOINT ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"]'
}
