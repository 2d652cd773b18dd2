# shellcheck shell=bash disable=SC2034
# Builds container images inside a pod, without a daemon. v1.24.0 is its last release.
main_module=github.com/GoogleContainerTools/kaniko
binaries=(kaniko-executor=github.com/GoogleContainerTools/kaniko/cmd/executor)
stamps=(github.com/GoogleContainerTools/kaniko/pkg/version.version=VERSION)
