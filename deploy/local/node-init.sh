#!/usr/bin/env bash
# node-init.sh I CGROUP: process 1 of a node, inside its PID, mount and network namespaces (see node.sh).
set -euo pipefail
i=$1 cgroup=$2 node=node$i
# shellcheck source=env.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/env.sh"
home=$STATE/$node

hostname "$node"
mount --make-rshared /
mkdir -p "$home"/{containerd,kubelet,pod-logs,cni,plugins/containerd,plugins/volume}
# Sockets, shims and address leases die with the node.
for dir in /run /var/lib/cni /var/lib/kubelet /var/log/containers; do mount -t tmpfs tmpfs "$dir"; done
mkdir -p /run/containerd
mount --bind "$home/pod-logs" /var/log/pods

# No masquerading: pods reach the host, the registry and each other, and are seen under their own address.
cat >"$home/cni/10-pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
	{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
	 "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(pod_subnet "$i")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
	{"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON

# Without CAP_SYS_RESOURCE no oom score can be lowered, and every pod would fail.
cat >"$home/containerd.toml" <<TOML
version = 2
root = "$home/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$home/plugins/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$(image_of pause)"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$home/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "$STATE/certs.d"
TOML

# The host's name servers are not for pods: resolvConf is an empty file.
: >"$home/resolv.conf"
cat >"$home/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $PKI/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $PKI/$node.crt
tlsPrivateKeyFile: $PKI/$node.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: $cgroup
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
evictionHard: {}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
registryPullQPS: 0
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $home/resolv.conf
volumePluginDir: $home/plugins/volume
kubeAPIQPS: 200
kubeAPIBurst: 400
eventRecordQPS: 0
nodeStatusUpdateFrequency: 4s
syncFrequency: 10s
shutdownGracePeriod: 0s
YAML

# keep NAME COMMAND...: runs a daemon again whenever it ends. (Kubelet ends once when it is quicker than containerd.)
keep() {
	local log=$LOGS/$node-$1.log
	shift
	: >"$log"
	while :; do
		"$@" >>"$log" 2>&1 || true
		sleep 0.2
	done
}

keep containerd containerd --config "$home/containerd.toml" &
# up.sh makes the Node, with the pod range that is configured above.
registered() { curl -sf --cacert "$PKI/ca.crt" --cert "$PKI/$node.crt" --key "$PKI/$node.key" "$API_SERVER/api/v1/nodes/$node" >/dev/null; }
until [[ -S /run/containerd/containerd.sock ]] && registered; do sleep 0.1; done
keep kubelet env GOGC=400 "$TOOLS_BIN/kubelet" --config="$home/kubelet.yaml" --kubeconfig="$PKI/$node.conf" --hostname-override="$node" \
	--node-ip="$(node_ip "$i")" --root-dir="$home/kubelet" &
# A network namespace may not set the size of the connection table.
keep kube-proxy "$TOOLS_BIN/kube-proxy" --kubeconfig="$PKI/kube-proxy.conf" --hostname-override="$node" --proxy-mode=iptables \
	--cluster-cidr="$POD_NET" --iptables-min-sync-period=100ms --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 &
while :; do wait; done
