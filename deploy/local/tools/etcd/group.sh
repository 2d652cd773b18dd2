# shellcheck shell=bash disable=SC2034
# The store below kube-apiserver.
main_module=go.etcd.io/etcd/server/v3
binaries=(etcd=go.etcd.io/etcd/server/v3)
stamps=(go.etcd.io/etcd/api/v3/version.GitSHA=go-module)
