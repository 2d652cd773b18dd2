# shellcheck shell=bash disable=SC2034
# Kubernetes itself, in the order in which others wait for it. The module's own go.mod points at staging folders that
# a module download does not have: ours is that file with the staging modules' released versions in their place.
main_module=k8s.io/kubernetes
binaries=(
	kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver
	kubectl=k8s.io/kubernetes/cmd/kubectl
	kubelet=k8s.io/kubernetes/cmd/kubelet
	kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager
	kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler
	kube-proxy=k8s.io/kubernetes/cmd/kube-proxy
)
# Unstamped binaries call themselves v0.0.0-master+$Format, which clients that parse the version refuse.
stamps=()
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	stamps+=(
		"$package.gitVersion=VERSION"
		"$package.gitMajor=1"
		"$package.gitMinor=34"
		"$package.gitTreeState=clean"
		"$package.gitCommit=go-module"
		"$package.buildDate=1970-01-01T00:00:00Z"
	)
done
