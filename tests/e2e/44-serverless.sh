#!/usr/bin/env bash
# Scenario 14, as far as it goes without Knative itself: the object that Knative is given, judged by Knative's own CRD, and what
# becomes of what Knative says about it.
# alone: it changes the kinds that the cluster serves
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a serverless backend is a Knative Service"
crd=crd/services.serving.knative.dev
if kubectl get $crd >/dev/null 2>&1; then
	echo "# 44-serverless: skipped, this cluster has Knative"
	exit 0
fi
k apply -f - >/dev/null <<END
{apiVersion: wso2.com/v1alpha1, kind: TargetEndpoint, metadata: {name: hello-world}, spec: {mode: serverless, applicationProtocol: http,
  ports: [{name: http, port: 80, targetPort: 8080}], deploy: {name: hello, dockerImage: "$(image samples)", maxReplicas: 3}}}
END
why() { k get targetendpoint hello-world -o jsonpath='{range .status.conditions[?(@.type=="Programmed")]}{.status} {.reason}: {.message}{end}'; }
programmed() {
	why
	# shellcheck disable=SC2053
	[[ $(why) == $1 ]]
}
within 10 "without Knative it says so" programmed 'False KindNotServed: *install it*'

kubectl apply --server-side -f tests/e2e/crds/knative-services.yaml >/dev/null
afterwards "kubectl delete $crd"
kubectl wait --for=condition=Established --timeout=30s $crd >/dev/null
ksvc() { k get services.serving.knative.dev hello-world -o json; }
within 60 "when Knative comes, the Service is made" ksvc
same "with our bounds and port" "0 3 8080" "$(ksvc | jq -r '.spec.template | "\(.metadata.annotations["autoscaling.knative.dev/min-scale"]) \(.metadata.annotations["autoscaling.knative.dev/max-scale"]) \(.spec.containers[0].ports[0].containerPort)"')"
now "and nothing beside it" none deployment,service,hpa -l apim.wso2.com/owner=hello-world
within 10 "it is on its way" programmed 'Unknown Progressing: *'

says() { k patch services.serving.knative.dev hello-world --subresource=status --type=merge -p \
	"{\"status\": {\"observedGeneration\": $(ksvc | jq .metadata.generation), \"conditions\": [{\"type\": \"Ready\", \"status\": \"$1\", \"message\": \"$2\"}]}}" >/dev/null; }
says False "no such image"
within 60 "what Knative says of it is its own verdict" programmed 'False Unavailable: *no such image'
says True ""
within 10 "and it is ready when Knative says so" target_ready hello-world
target hello-world '{"deploy": {"maxReplicas": 4}}'
has_max() { [[ $(ksvc | jq -r '.spec.template.metadata.annotations["autoscaling.knative.dev/max-scale"]') == "$1" ]]; }
within 10 "an edit reaches it" has_max 4
target hello-world '{"mode": "privateJet"}'
no_ksvc() { ! ksvc; }
within 10 "in another mode it goes" no_ksvc
within 60 "and a Deployment takes its place" target_ready hello-world
