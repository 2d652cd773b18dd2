# shellcheck shell=bash disable=SC2034
# The library by which Flux judges objects, and a main for it. Only a test needs it.
main_module=sigs.k8s.io/cli-utils
binaries=(kstatus=.)
stamps=()
