#!/usr/bin/env bash
# with-apiserver.sh CMD…: runs CMD with an empty etcd + kube-apiserver of its own; its exit status is CMD's.
#
# CMD finds in its environment:
#   KUBECONFIG            administrator (client certificate)
#   APISERVER             https://127.0.0.1:PORT
#   APISERVER_CA          file of the CA that signed its certificate
#   APISERVER_TOKEN       a bearer token of group system:masters
#   APISERVER_PID_FILE    kill that process and the server is started again, on the same port and data
#   APISERVER_HOLD_FILE   while this file exists, a dead server stays dead
#   ETCD                  http://127.0.0.1:PORT
# APISERVER_FLAGS: further flags of kube-apiserver, by blanks.
# No controllers run: Jobs start no pods, nothing is garbage-collected. CRDs: `kubectl create -f deploy/crds`.
set -euo pipefail
# shellcheck source=tests/integration/harness.sh
. "$(dirname "$0")/harness.sh"
(($# > 0)) || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2; }

program etcd; etcd=$program
program kube-apiserver; apiserver=$program
for needed in openssl curl ss setpriv; do
	command -v "$needed" >/dev/null || skip "$needed is missing"
done
begin

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$DIR/$1.key"; }

# sign NAME SUBJECT EXTENSIONS: a certificate of our CA.
sign() {
	new_key "$1"
	openssl req -new -key "$DIR/$1.key" -subj "$2" -out "$DIR/$1.csr"
	openssl x509 -req -in "$DIR/$1.csr" -CA "$DIR/ca.crt" -CAkey "$DIR/ca.key" -CAcreateserial -days 2 \
		-out "$DIR/$1.crt" -extfile <(printf '%s\n' "$3") 2>/dev/null
}

make_pki() {
	new_key ca
	openssl req -x509 -new -key "$DIR/ca.key" -subj /CN=test-ca -days 2 -out "$DIR/ca.crt"
	sign server /CN=kube-apiserver $'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth'
	sign admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
	new_key accounts
	APISERVER_TOKEN=$(openssl rand -hex 16)
	echo "$APISERVER_TOKEN,token-user,token-user,system:masters" >"$DIR/tokens.csv"
}

make_kubeconfig() {
	cat >"$DIR/kubeconfig" <<-END
		apiVersion: v1
		kind: Config
		current-context: test
		contexts:
		- {name: test, context: {cluster: test, user: admin}}
		clusters:
		- name: test
		  cluster:
		    server: $APISERVER
		    certificate-authority-data: $(base64 -w0 "$DIR/ca.crt")
		users:
		- name: admin
		  user:
		    client-certificate-data: $(base64 -w0 "$DIR/admin.crt")
		    client-key-data: $(base64 -w0 "$DIR/admin.key")
	END
}

start_apiserver() {
	# shellcheck disable=SC2086 # flags by blanks
	keep apiserver "$apiserver" --etcd-servers="$ETCD" \
		--secure-port="$api_port" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
		--tls-cert-file="$DIR/server.crt" --tls-private-key-file="$DIR/server.key" --client-ca-file="$DIR/ca.crt" \
		--service-account-issuer=https://kubernetes.default.svc \
		--service-account-key-file="$DIR/accounts.key" --service-account-signing-key-file="$DIR/accounts.key" \
		--service-cluster-ip-range=10.96.0.0/24 --authorization-mode=RBAC --token-auth-file="$DIR/tokens.csv" \
		--disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none --profiling=false ${APISERVER_FLAGS:-}
}

# shellcheck disable=SC2317 # called by wait_until
api() { curl -sf --max-time 5 --noproxy '*' --cacert "$DIR/ca.crt" -H "Authorization: Bearer $APISERVER_TOKEN" "$APISERVER$1"; }

# readyz comes a moment before the default namespace, which most tests use.
# shellcheck disable=SC2317
is_ready() { api /readyz && api /api/v1/namespaces/default; }

free_port; ETCD=http://127.0.0.1:$port
free_port; peer=http://127.0.0.1:$port
free_port; api_port=$port
APISERVER=https://127.0.0.1:$api_port
APISERVER_CA=$DIR/ca.crt
APISERVER_PID_FILE=$DIR/apiserver.pid
APISERVER_HOLD_FILE=$DIR/apiserver.hold
make_pki
make_kubeconfig

keep etcd "$etcd" --data-dir="$DIR/etcd" --unsafe-no-fsync --log-level=warn --listen-client-urls="$ETCD" \
	--advertise-client-urls="$ETCD" --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="default=$peer"
start_apiserver
wait_until 60 kube-apiserver apiserver.log is_ready

export KUBECONFIG=$DIR/kubeconfig APISERVER APISERVER_CA APISERVER_TOKEN APISERVER_PID_FILE APISERVER_HOLD_FILE ETCD
run_command "$@"
