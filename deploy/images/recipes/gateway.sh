# shellcheck shell=bash disable=SC2154
# What runs in front of an API: nginx, our module, the launcher. An API's image adds one file, its contract.
gateway_files() { # ROOT: also part of the toolkit's image, where every build is proved
	local module=$B/gateway/ngx_http_apim_module.so
	rootfs_program "$1" /usr/sbin/nginx=/usr/sbin/nginx "$B/bin/gateway" \
		"$module=/usr/lib/nginx/modules/${module##*/}"
}

recipe_gateway() {
	gateway_files "$1"
	rootfs_program "$1" "$B/bin/gateway-usage"
	mkdir -p "$1/etc/gateway"
	printf 'USER 10001:10001\nEXPOSE 9090 9095 9797\nSTOPSIGNAL SIGTERM\n'
	echo 'ENTRYPOINT ["/usr/bin/gateway"]'
}
