# shellcheck shell=bash disable=SC2034
# Gives addresses to Services of type LoadBalancer. v0.15.3 and later need modules that are not to be had.
main_module=go.universe.tf/metallb
binaries=(metallb-controller=go.universe.tf/metallb/controller)
stamps=(
	go.universe.tf/metallb/internal/version.version=VERSION
	go.universe.tf/metallb/internal/version.gitCommit=go-module
)
