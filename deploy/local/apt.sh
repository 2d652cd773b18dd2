#!/usr/bin/env bash
# apt.sh [PACKAGE...]: installs the Debian packages that the project builds, tests and runs with, and those named. Does nothing
# when all are there.
set -euo pipefail

packages=(
	# the local cluster
	containerd runc containernetworking-plugins docker-registry buildah apache2-utils
	iptables conntrack iproute2 util-linux procps busybox-static openssl ca-certificates curl jq
	# the operator
	gcc ccache mold clang clang-format clang-tidy llvm libclang-rt-14-dev make pkg-config libc6-dev
	libcurl4-openssl-dev libssl-dev libnats-dev libprotobuf-c-dev protobuf-c-compiler libcjson-dev libyaml-dev libmicrohttpd-dev uthash-dev
	# its gateway
	nginx nginx-dev libpcre2-dev zlib1g-dev liblua5.4-dev libexpat1-dev g++ libvalijson-dev rapidjson-dev libre2-dev
	# its tests
	libcmocka-dev libcjose-dev libjansson-dev valgrind cppcheck shellcheck universal-ctags wrk nghttp2-client python3 python3-pip python3-yaml lua5.4 git
	"$@"
)

log=$(mktemp -t apim-apt.XXXXXX)
policy=/usr/sbin/policy-rc.d
fail() {
	tail -n 20 "$log" >&2
	echo "apt: $1 failed, see $log" >&2
	exit 1
}

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | awk '$1 == "ii" { print $2 }' || true)
missing=()
for package in "${packages[@]}"; do
	grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
	echo "apt: all ${#packages[@]} packages are there"
	rm -f "$log"
	exit 0
fi

# Some of these packages start a daemon when they are installed: forbid it meanwhile.
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi

echo "apt: installing ${#missing[@]} of ${#packages[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
options=(-o DPkg::Lock::Timeout=600 -q -y --no-install-recommends)
apt-get -q update >"$log" 2>&1 || fail "apt-get update"
apt-get install "${options[@]}" "${missing[@]}" >>"$log" 2>&1 || fail "apt-get install"
# Nor may they occupy our ports after a reboot.
if [[ -d /run/systemd/system ]]; then
	for daemon in docker-registry nginx; do
		[[ " ${missing[*]} " != *" $daemon "* ]] || systemctl disable -q "$daemon" || true
	done
fi
echo "apt: done in ${SECONDS}s"
rm -f "$log"
