#!/usr/bin/env bash
# smoke.sh: proves on the running cluster, add-ons included, what the project's tests rely on. Takes about a minute.
set -euo pipefail
# shellcheck source=env.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/env.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
ns=smoke
k=("$LOCAL/kubectl" -n "$ns")
toolbox=$(image_of toolbox)
passed=0 failed=0

apply() { "${k[@]}" apply -f - >/dev/null; }
phase() { [[ $("${k[@]}" get pod "$1" -o 'jsonpath={.status.phase}') == "$2" ]]; }

# A web server behind a load balancer, that also keeps itself busy once /tmp/load exists, with an autoscaler over it.
workload() {
	apply <<-YAML
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: web}
		spec:
		  selector: {matchLabels: {app: web}}
		  template:
		    metadata: {labels: {app: web}}
		    spec:
		      terminationGracePeriodSeconds: 0
		      containers:
		      - name: web
		        image: $toolbox
		        command: [sh, -c, "echo started; mkdir /tmp/www; echo hello > /tmp/www/index.html; httpd -p 8080 -h /tmp/www; while :; do [ -e /tmp/load ] || sleep 1; done"]
		        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
		        resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web}
		spec:
		  type: LoadBalancer
		  selector: {app: web}
		  ports: [{port: 80, targetPort: 8080}]
		---
		apiVersion: autoscaling/v2
		kind: HorizontalPodAutoscaler
		metadata: {name: web}
		spec:
		  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
		  maxReplicas: 2
		  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
	YAML
	"${k[@]}" rollout status deployment/web --timeout=60s >/dev/null
}

# builder NAME DESTINATION [DOCKER CONFIG]: a Kaniko pod with a two-stage build. Kaniko copies links as links, and a mounted
# ConfigMap consists of links: its files are therefore mounted one by one.
builder() {
	local empty='{}'
	"${k[@]}" create configmap "$1" --from-literal=config.json="${3:-$empty}" --from-literal=hello.txt=$'hello\n' --dry-run=client -o yaml \
		--from-literal=Dockerfile="$(printf '%s\n' "FROM $toolbox AS first" 'RUN echo built >/artifact' "FROM $toolbox" \
			'COPY --from=first /artifact /srv/artifact' 'COPY hello.txt /srv/' 'CMD ["/bin/sh", "-c", "cat /srv/*; sleep 1d"]')" | apply
	apply <<-YAML
		apiVersion: v1
		kind: Pod
		metadata: {name: $1}
		spec:
		  restartPolicy: Never
		  containers:
		  - name: kaniko
		    image: $(image_of kaniko)
		    args: [--context=dir:///workspace, --destination=$2, --insecure, --insecure-pull]
		    volumeMounts:
		    - {name: files, mountPath: /workspace/Dockerfile, subPath: Dockerfile}
		    - {name: files, mountPath: /workspace/hello.txt, subPath: hello.txt}
		    - {name: files, mountPath: /kaniko/.docker/config.json, subPath: config.json}
		  volumes: [{name: files, configMap: {name: $1}}]
	YAML
}

test_logs() { [[ $("${k[@]}" logs deployment/web) == started ]]; }
test_exec() { [[ $("${k[@]}" exec deployment/web -- cat /tmp/www/index.html) == hello ]]; }

test_load_balancer() {
	local address
	address=$("${k[@]}" get service web -o 'jsonpath={.status.loadBalancer.ingress[0].ip}')
	[[ $(curl -sf --retry 20 --retry-all-errors --retry-delay 1 --max-time 5 "http://$address/") == hello ]]
}

test_dns() {
	[[ $("${k[@]}" exec deployment/web -- curl -sf http://web/) == hello ]] &&
		[[ $("${k[@]}" exec deployment/web -- curl -sf "http://web.$ns.svc.cluster.local/") == hello ]]
}

test_image_build() {
	builder build "$REGISTRY/smoke/app:1"
	wait_for 60 "the image is built" '' phase build Succeeded
	# Always: the node may have the image of an earlier run.
	"${k[@]}" run app --image="$REGISTRY/smoke/app:1" --image-pull-policy=Always >/dev/null
	wait_for 30 "the built image runs" '' eval "\"\${k[@]}\" logs app | grep -qx hello"
}

test_registry_password() {
	"$LOCAL/auth-registry.sh" start user right
	builder wrong "$AUTH_REGISTRY/smoke/app:1" '{"auths": {"'"$AUTH_REGISTRY"'": {"auth": "'"$(base64 <<<user:wrong)"'"}}}'
	builder right "$AUTH_REGISTRY/smoke/app:1" '{"auths": {"'"$AUTH_REGISTRY"'": {"auth": "'"$(printf user:right | base64)"'"}}}'
	wait_for 60 "a push with the right password succeeds" '' phase right Succeeded
	wait_for 60 "a push with a wrong password fails" '' phase wrong Failed
	"$LOCAL/auth-registry.sh" stop
	"${k[@]}" logs wrong | grep -q UNAUTHORIZED
}

test_volume() {
	apply <<-YAML
		apiVersion: v1
		kind: PersistentVolumeClaim
		metadata: {name: data}
		spec: {storageClassName: nats-static, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: writer}
		spec:
		  restartPolicy: Never
		  securityContext: {runAsUser: 65532, fsGroup: 65532}
		  containers:
		  - {name: writer, image: $toolbox, command: [sh, -c, echo kept >/data/smoke], volumeMounts: [{name: data, mountPath: /data}]}
		  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
	YAML
	wait_for 30 "a pod has written to its volume" '' phase writer Succeeded
	[[ $(<"$NATS_VOLUME/smoke") == kept ]] && rm "$NATS_VOLUME/smoke"
}

test_top() { wait_for 60 "kubectl top pods answers" '' eval "\"\${k[@]}\" top pods | grep -q '^web-'"; }

test_autoscaler() {
	"${k[@]}" exec deployment/web -- touch /tmp/load
	wait_for 90 "the autoscaler makes a second replica" '' \
		eval "[[ \$(\"\${k[@]}\" get deployment web -o 'jsonpath={.status.readyReplicas}') == 2 ]]"
}

check() {
	# Not "if check": errexit would not hold inside, and a step that fails would go unseen.
	local result=0
	set +e
	(
		set -e
		"test_$1"
	)
	result=$?
	set -e
	if ((result == 0)); then
		passed=$((passed + 1))
		say "ok   ${1//_/ }"
	else
		failed=$((failed + 1))
		say "FAIL ${1//_/ }"
	fi
}

cleanup() {
	"$LOCAL/auth-registry.sh" stop
	"${k[@]}" delete pods --all --force >/dev/null 2>&1 || true
	"$LOCAL/kubectl" delete namespace "$ns" --ignore-not-found --timeout=60s >/dev/null
	"$LOCAL/addons.sh" storage >/dev/null
}

"$LOCAL/images.sh" toolbox kaniko >/dev/null
cleanup
trap cleanup EXIT
"$LOCAL/kubectl" create namespace "$ns" >/dev/null
workload
for name in logs exec load_balancer dns image_build registry_password volume top autoscaler; do check "$name"; done
echo "$passed passed, $failed failed"
((failed == 0))
