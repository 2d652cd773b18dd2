# shellcheck shell=bash disable=SC2317 # called by tests
# The operator's services, with the accounts and the bus users that the manifests give them, for tests against a real API server
# and a real bus. Sourced after shell.sh. APICTL names another apictl; the services stand beside it.

bin=$(readlink -f "$(dirname "${APICTL:-build/release/bin/apictl}")")
services=(security-svc ratelimit-svc endpoint-svc api-svc builder-svc watcher)
for program in "${services[@]}" apictl; do
	[[ -x $bin/$program ]] || { echo "$(basename "$0"): SKIPPED: $bin/$program is missing (make)" >&2; exit 77; }
done
command -v nats-server >/dev/null || { echo "$(basename "$0"): SKIPPED: nats-server is missing" >&2; exit 77; }
k() { kubectl "$@"; }
free_port() {
	local port
	until port=$((15000 + RANDOM % 17000)) && [[ -z $(ss -Htan "sport = :$port") ]]; do :; done
	echo "$port"
}
# With us, even if we are killed.
start() {
	local log=$1
	shift
	setpriv --pdeathsig KILL -- "$@" >"$TMP/$log.log" 2>&1 &
}
# eventually CMD…: within $PATIENCE s.
PATIENCE=20
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { echo "never: $*"; "$@"; return 1; }
		sleep 0.1
	done
}
condition() { # KIND NAME TYPE STATUS REASON [NAMESPACE]
	[[ $(k get "$1" "$2" -n "${6:-default}" -o "jsonpath={.status.conditions[?(@.type=='$3')].status} {.status.conditions[?(@.type=='$3')].reason}") == "$4 $5" ]]
}
exists() { k get "$@"; }
gone() { ! k get "$@"; }

start_bus() {
	local user name=
	"$bin/apictl" system init >/dev/null
	for user in "${services[@]}" gateway observer; do
		name=${user^^}
		export "${name//-/_}_PASSWORD=$(k get secret -n wso2-system apim-bus-credentials -o json | jq -r --arg user "$user" '.data[$user] | @base64d')"
	done
	bus=127.0.0.1:$(free_port)
	sed "s|^listen:.*|listen: $bus|; /^http:/d; s|store_dir: /data|store_dir: $TMP/bus|" deploy/bus/nats.conf >"$TMP/nats.conf"
	start nats nats-server -c "$TMP/nats.conf"
}

start_service() {
	local name=${1^^} password
	password=${name//-/_}_PASSWORD
	sed "/client-certificate-data/d; s|client-key-data:.*|token: $(k create token "$1" -n wso2-system)|" "$KUBECONFIG" >"$TMP/$1.kubeconfig"
	start "$1" env KUBECONFIG="$TMP/$1.kubeconfig" NATS_URL="nats://$bus" NATS_USER="$1" NATS_PASSWORD="${!password}" POD_NAME="$1-0" LISTEN_PORT=-1 \
		TOOLKIT_IMAGE=registry.example/toolkit:1 RUNTIME_IMAGE=registry.example/gateway:1 KANIKO_IMAGE=registry.example/kaniko:1 "$bin/$1"
}

install_operator() {
	{
		k apply -f deploy/crds/ && k wait --for=condition=Established --timeout=30s crd/apis.wso2.com
		k apply -f deploy/controller-artifacts/00-namespace.yaml && k apply -f deploy/controller-artifacts/
	} >"$TMP/setup.log" 2>&1 || { cat "$TMP/setup.log"; exit 1; }
}
