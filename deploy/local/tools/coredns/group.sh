# shellcheck shell=bash disable=SC2034
# Names inside the cluster.
main_module=github.com/coredns/coredns
binaries=(coredns=github.com/coredns/coredns)
stamps=(github.com/coredns/coredns/coremain.GitCommit=go-module)
