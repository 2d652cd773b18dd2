# shellcheck shell=bash
# The daemons on the host. Each function starts one if it is not running.

# A quarter of the API server's processor time goes into collecting garbage, unless it may have more memory (0.9 GB).
patient=(env GOGC=400)

# Nothing in etcd outlives the cluster, so it need not wait for the disk.
start_etcd() {
	! unit_running etcd || return 0
	unit_start etcd "${patient[@]}" "$TOOLS_BIN/etcd" --name=local --data-dir="$STATE/etcd" --unsafe-no-fsync --log-level=warn \
		--listen-client-urls="$ETCD" --advertise-client-urls="$ETCD" \
		--client-cert-auth --trusted-ca-file="$PKI/ca.crt" --cert-file="$PKI/etcd.crt" --key-file="$PKI/etcd.key" \
		--listen-peer-urls="https://$HOST_IP:2380" --initial-advertise-peer-urls="https://$HOST_IP:2380" \
		--initial-cluster="local=https://$HOST_IP:2380" \
		--peer-client-cert-auth --peer-trusted-ca-file="$PKI/ca.crt" --peer-cert-file="$PKI/etcd.crt" --peer-key-file="$PKI/etcd.key"
}

# No kube-proxy on the host, therefore aggregator routing: the API server dials the pods behind a Service itself.
start_apiserver() {
	! unit_running kube-apiserver || return 0
	unit_start kube-apiserver "${patient[@]}" "$TOOLS_BIN/kube-apiserver" --secure-port=6443 --bind-address=0.0.0.0 --advertise-address="$HOST_IP" \
		--etcd-servers="$ETCD" --etcd-cafile="$PKI/ca.crt" --etcd-certfile="$PKI/etcd.crt" --etcd-keyfile="$PKI/etcd.key" \
		--service-cluster-ip-range="$SERVICE_NET" --allow-privileged --profiling=false \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
		--tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
		--service-account-issuer=https://kubernetes.default.svc.cluster.local \
		--service-account-key-file="$PKI/service-accounts.key" --service-account-signing-key-file="$PKI/service-accounts.key" \
		--kubelet-client-certificate="$PKI/apiserver-kubelet.crt" --kubelet-client-key="$PKI/apiserver-kubelet.key" \
		--kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
		--enable-aggregator-routing --proxy-client-cert-file="$PKI/front-proxy.crt" --proxy-client-key-file="$PKI/front-proxy.key" \
		--requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
		--requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
		--requestheader-extra-headers-prefix=X-Remote-Extra-
}

# The default rate limit of 20 requests a second delays the first pod by seconds. The autoscaler's periods are cut so that
# scaling up and down can be watched; a dead node is noticed after 20 s.
start_controller_manager() {
	! unit_running kube-controller-manager || return 0
	unit_start kube-controller-manager "${patient[@]}" "$TOOLS_BIN/kube-controller-manager" --kubeconfig="$PKI/kube-controller-manager.conf" \
		--bind-address="$HOST_IP" --leader-elect=false --use-service-account-credentials --allocate-node-cidrs=false \
		--service-account-private-key-file="$PKI/service-accounts.key" --root-ca-file="$PKI/ca.crt" \
		--cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
		--kube-api-qps=1000 --kube-api-burst=2000 --concurrent-deployment-syncs=10 \
		--flex-volume-plugin-dir="$STATE/flex-volume" --node-monitor-period=2s --node-monitor-grace-period=20s \
		--horizontal-pod-autoscaler-sync-period=5s --horizontal-pod-autoscaler-downscale-stabilization=10s \
		--horizontal-pod-autoscaler-cpu-initialization-period=10s --horizontal-pod-autoscaler-initial-readiness-delay=2s
}

start_scheduler() {
	! unit_running kube-scheduler || return 0
	unit_start kube-scheduler "${patient[@]}" "$TOOLS_BIN/kube-scheduler" --kubeconfig="$PKI/kube-scheduler.conf" --bind-address="$HOST_IP" \
		--leader-elect=false --kube-api-qps=1000 --kube-api-burst=2000
}

# api PATH [CURL OPTION...]: a request as the administrator.
api() {
	local path=$1
	shift
	curl -sf --max-time 5 --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "$@" "$API_SERVER$path"
}
