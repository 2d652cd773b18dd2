# shellcheck shell=bash disable=SC2034
# CPU and memory figures for kubectl top and for the pod autoscaler.
main_module=sigs.k8s.io/metrics-server
binaries=(metrics-server=sigs.k8s.io/metrics-server/cmd/metrics-server)
stamps=(k8s.io/component-base/version.gitVersion=VERSION)
