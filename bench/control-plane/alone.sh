#!/usr/bin/env bash
# alone.sh [section…]: the control plane measured without a cluster: a real API server, bus and registry and the six services, while
# alone.py says what controllers and kubelet would say. What is counted (requests, processor time, memory) does not depend on how
# busy the machine is; how long things take is for run.py on a real cluster.
# shellcheck disable=SC2154 # bin, bus, services: of services.sh
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
ROOT=$(readlink -f "$here/../..")
export AUDIT_LOG=${AUDIT_LOG:-$(mktemp)}
export APISERVER_FLAGS="--audit-policy-file=$here/audit.yaml --audit-log-path=$AUDIT_LOG --audit-log-maxsize=2000 --service-cluster-ip-range=10.96.0.0/16"
if [[ -z ${APISERVER:-} ]]; then
	exec "$ROOT/tests/integration/with-apiserver.sh" "$here/alone.sh" "$@"
fi
cd "$ROOT" || exit 1
TMP=$(mktemp -d)
trap 'rm -rf "$TMP" "$AUDIT_LOG"' EXIT
for dir in "${KUBEBUILDER_ASSETS:-}" "$ROOT/build/tools/bin"; do
	[[ -z $dir || ! -x $dir/kubectl ]] || PATH=$dir:$PATH
done
export HOME=$TMP
# shellcheck source=tests/integration/services.sh
. tests/integration/services.sh

registry=127.0.0.1:$(free_port)
cat >"$TMP/registry.yml" <<-END
	version: 0.1
	log: {level: error}
	storage: {filesystem: {rootdirectory: "$TMP/registry"}}
	http: {addr: "$registry"}
END
start registry docker-registry serve "$TMP/registry.yml"
install_operator
k apply -f deploy/controller-configs >/dev/null
k patch configmap controller-config -n wso2-system --type=merge -p "{\"data\":{\"dockerRegistry\":\"http://$registry/gateways\"}}" >/dev/null
start_bus
for service in "${services[@]}"; do
	start_service "$service"
done
disown -a # those that are killed need no mention
PIDS=$(pgrep -P $$ | tr '\n' ' ') TMP=$TMP python3 "$here/alone.py" "$@"
