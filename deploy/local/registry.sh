#!/usr/bin/env bash
# registry.sh start|stop: the cluster's registry (up.sh starts it; stopped, it is an outage).
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
# shellcheck source=lib/registry.sh
. "$LOCAL/lib/registry.sh"

case ${1:-} in
start) registry_start registry "$LOCAL_REGISTRY" ;;
stop) unit_stop registry ;;
*) die "usage: registry.sh start|stop" ;;
esac
