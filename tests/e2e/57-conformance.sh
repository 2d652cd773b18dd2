#!/usr/bin/env bash
# The dialogs of the conformance suite against the gateway's image in a pod, with backends and key managers outside of the cluster.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a gateway in the cluster talks as the suite says"
only_locally "backends on this machine have to be reached by pods"

cat >"$TMP/start" <<'END'
set -euo pipefail
cd "$CONFORMANCE_DIR"
k() { kubectl -n "$NS" "$@"; }
k create configmap contract --from-file=contract.json
k create configmap names --from-file=resolv.conf --from-file=hosts
k create configmap trust --from-file=trust/
k create secret generic credentials --from-file=credentials/
k apply -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: gateway, labels: {app: gateway}}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: gateway
      image: $IMAGE
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      env: [{name: GATEWAY_RESOLV_CONF, value: /names/resolv.conf}, {name: GATEWAY_HOSTS, value: /names/hosts}]
      volumeMounts:
        - {name: run, mountPath: /tmp}
        - {name: contract, mountPath: /etc/gateway/contract.json, subPath: contract.json}
        - {name: names, mountPath: /names}
        - {name: trust, mountPath: /etc/gateway/trust}
        - {name: credentials, mountPath: /etc/gateway/credentials}
  volumes:
    - {name: run, emptyDir: {}}
    - {name: contract, configMap: {name: contract}}
    - {name: names, configMap: {name: names}}
    - {name: trust, configMap: {name: trust}}
    - {name: credentials, secret: {secretName: credentials}}
MANIFEST
exec sleep infinity
END
image=$(image gateway)
# Its address is the pod's, which is known when it is there: a Service has one before.
k create service clusterip gateway --tcp=9090 --tcp=9095 --tcp=9096 --tcp=9797 >/dev/null
at=$(k get service gateway -o jsonpath='{.spec.clusterIP}')
dialogs() {
	NS=$NS IMAGE=$image tests/conformance/run.py --url "http://$at:9090" --https "https://$at:9095" --tokens "https://$at:9096" --metrics "http://$at:9797" --at "$HOST_IP" \
		--dir "$TMP/suite" --wait 120 --start "bash $TMP/start >$TMP/started 2>&1" >"$TMP/suite.log" 2>&1 && return
	cat "$TMP/started"
	grep -v '^ok' "$TMP/suite.log"
	k describe pod gateway | tail -n 20
	return 1
}
now "every dialog holds" dialogs
sed -n 's/^  conformance/# conformance/p' "$TMP/suite.log"
none_left_out() { grep -E '[1-9][0-9]{2} passed, 0 failed, 0 left out' "$TMP/suite.log"; }
now "more than a hundred of them, none left out" none_left_out
