# shellcheck shell=bash
# Certificates and kubeconfig files, made once per state folder. All names and addresses are fixed, so they outlive the cluster.

bare_config=$'[req]\ndistinguished_name=dn\n[dn]\n'

# make_ca NAME
make_ca() {
	[[ ! -f $PKI/$1.crt ]] || return 0
	openssl req -x509 -config <(echo "$bare_config") -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		-subj "/CN=apim-local-$1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-addext subjectKeyIdentifier=hash -keyout "$PKI/$1.key" -out "$PKI/$1.crt.new" 2>/dev/null
	mv "$PKI/$1.crt.new" "$PKI/$1.crt"
}

# make_cert NAME SUBJECT [NAMES [CA]]
make_cert() {
	local name=$1 subject=$2 names=${3:-DNS:localhost} ca=${4:-ca}
	[[ ! -f $PKI/$name.crt ]] || return 0
	openssl req -x509 -config <(echo "$bare_config") -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		-CA "$PKI/$ca.crt" -CAkey "$PKI/$ca.key" -subj "$subject" -addext "subjectAltName=$names" \
		-addext basicConstraints=CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth \
		-keyout "$PKI/$name.key" -out "$PKI/$name.crt.new" 2>/dev/null
	mv "$PKI/$name.crt.new" "$PKI/$name.crt"
}

# make_conf FILE CERT: a kubeconfig that holds its certificates itself.
make_conf() {
	[[ ! -f $1 ]] || return 0
	cat >"$1.new" <<-YAML
		apiVersion: v1
		kind: Config
		current-context: local
		clusters:
		- name: local
		  cluster:
		    server: $API_SERVER
		    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
		contexts:
		- name: local
		  context: {cluster: local, user: $2}
		users:
		- name: $2
		  user:
		    client-certificate-data: $(base64 -w0 "$PKI/$2.crt")
		    client-key-data: $(base64 -w0 "$PKI/$2.key")
	YAML
	chmod 600 "$1.new"
	mv "$1.new" "$1"
}

make_pki() {
	local i api_names pids=()
	mkdir -p "$PKI"
	chmod 700 "$PKI"
	make_ca ca
	make_ca front-proxy-ca
	api_names=DNS:localhost,IP:127.0.0.1,IP:$HOST_IP,IP:10.96.0.1
	for i in kubernetes{,.default,.default.svc,.default.svc.cluster.local}; do api_names+=,DNS:$i; done

	[[ -f $PKI/service-accounts.key ]] || openssl genrsa -out "$PKI/service-accounts.key" 2048 2>/dev/null &
	pids+=($!)
	make_cert apiserver /CN=kube-apiserver "$api_names" &
	pids+=($!)
	make_cert etcd /CN=etcd "DNS:localhost,IP:$HOST_IP" &
	pids+=($!)
	make_cert front-proxy /CN=front-proxy-client '' front-proxy-ca &
	pids+=($!)
	make_cert admin /O=system:masters/CN=admin &
	pids+=($!)
	make_cert apiserver-kubelet /O=system:masters/CN=apiserver-kubelet &
	pids+=($!)
	for i in kube-controller-manager kube-scheduler kube-proxy; do
		make_cert $i /CN=system:$i &
		pids+=($!)
	done
	for ((i = 1; i <= MAX_NODES; i++)); do
		make_cert "node$i" "/O=system:nodes/CN=system:node:node$i" "DNS:node$i,IP:$(node_ip "$i")" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || die "cannot make the certificates in $PKI"; done

	make_conf "$ADMIN_CONF" admin
	for i in kube-controller-manager kube-scheduler kube-proxy $(seq -f node%g "$MAX_NODES"); do
		make_conf "$PKI/$i.conf" "$i"
	done
}
