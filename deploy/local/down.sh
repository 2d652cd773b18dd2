#!/usr/bin/env bash
# down.sh [--wipe]: stops the cluster and leaves nothing on the machine. The state folder keeps certificates, the registry's
# images and the nodes' image stores; --wipe removes it as well.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/sweep.sh
. "$LOCAL/lib/sweep.sh"

[[ ${1:-} == '' || ${1:-} == --wipe ]] || die "usage: down.sh [--wipe]"
mkdir -p /run/lock
exec 9>/run/lock/apim-local
flock -w 120 9 || die "another up or down has been at work for 120 s"
check_owner
sweep
[[ ${1:-} != --wipe ]] || rm -rf --one-file-system "$STATE"
say "down"
