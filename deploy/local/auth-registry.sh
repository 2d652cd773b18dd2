#!/usr/bin/env bash
# auth-registry.sh start USER PASSWORD|stop: a second registry that asks for a password; its content goes when it stops.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
# shellcheck source=lib/registry.sh
. "$LOCAL/lib/registry.sh"
passwords=$STATE/auth-registry.htpasswd

stop() {
	unit_stop auth-registry
	rm -rf "$STATE/auth-registry" "$passwords"
}

case ${1:-}/$# in
start/3)
	stop
	htpasswd -bnB -C 5 "$2" "$3" >"$passwords"
	registry_start auth-registry "$AUTH_REGISTRY" "$passwords"
	;;
stop/1) stop ;;
*) die "usage: auth-registry.sh start USER PASSWORD|stop" ;;
esac
