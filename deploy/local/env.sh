# shellcheck shell=bash disable=SC2034
# Addresses, ports, paths and names of the local cluster: sourced by every script of this folder.
LOCAL=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
REPO=$(readlink -f "$LOCAL/../..")
STATE=${APIM_STATE:-$REPO/build/local}
CACHE=${APIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/apim-operator}
TOOLS_BIN=$REPO/build/tools/bin
