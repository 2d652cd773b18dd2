# shellcheck shell=bash
# Root folders of images: our programs, the libraries they are linked with, and what a program expects of a system. Sourced.
#
#   rootfs_new DIR              an empty system: passwd, CA certificates, name service, temporary folder
#   rootfs_program DIR FILE...  programs (or FILE=PATH) into /usr/bin, with their libraries
#   rootfs_file DIR FILE PATH   one file
rootfs_new() {
	local root=$1
	rm -rf "$root"
	mkdir -p "$root"/{etc/ssl/certs,tmp,usr/bin}
	chmod 1777 "$root/tmp"
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	printf 'root:x:0:0:root:/:/sbin/nologin\napim:x:10001:10001:apim:/:/sbin/nologin\n' >"$root/etc/passwd"
	printf 'root:x:0:\napim:x:10001:\n' >"$root/etc/group"
	echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
	rootfs_libraries "$root" /lib/x86_64-linux-gnu/libnss_{dns,files}.so.2
}

# Each library under the path that the loader looks for, its content from where the link points.
rootfs_libraries() {
	local root=$1 file library
	shift
	for file in "$@"; do
		for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*') $([[ $file != *.so* ]] || echo "$file"); do
			[[ -e $root$library ]] || install -D -m 755 "$(readlink -f "$library")" "$root$library"
		done
	done
}

rootfs_program() {
	local root=$1 spec file path
	shift
	for spec in "$@"; do
		file=${spec%%=*} path=/usr/bin/$(basename "$file")
		[[ $spec != *=* ]] || path=${spec#*=}
		install -D -m 755 "$file" "$root$path"
		[[ -n ${KEEP_SYMBOLS:-} ]] || strip --strip-debug "$root$path"
		rootfs_libraries "$root" "$file"
	done
}

rootfs_file() {
	install -D -m 644 "$2" "$1$3"
}
