#!/usr/bin/env bash
# Deleting an API removes all that was made for it and nothing else.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "deleting an API removes its children and touches nobody else"
backend
for name in going staying; do
	document "$name" '!/products' | give "$name-swagger"
	api "$name"
done
within 120 "one API is ready" ready going
within 120 "another is ready" ready staying
before="$(pods_of staying) $(generation_of staying) $(k get service staying -o jsonpath='{.metadata.resourceVersion}') $(jobs_of staying)"

k delete api going --timeout=30s >/dev/null
left='deployment,service,hpa,job,pod,configmap,secret -l apim.wso2.com/owner=going'
# shellcheck disable=SC2086
within 60 "every child of the deleted one is gone" none $left
within 60 "and its pods" none pod -l app=going
within 10 "and the ConfigMap that it was made from" gone configmap going-swagger
now "the other one answers" request 200 staying /staying/1.0.0/products
same "and was not touched" "$before" "$(pods_of staying) $(generation_of staying) $(k get service staying -o jsonpath='{.metadata.resourceVersion}') $(jobs_of staying)"

# The same, each time a moment later.
for moment in 0 0.3 0.6 1 1.5; do
	document "hasty$RANDOM" '!/products' | give hasty-swagger
	api hasty
	quietly_within 30 "a build begins" k get job -l apim.wso2.com/owner=hasty -o jsonpath='{.items[0].metadata.name}'
	sleep "$moment" # the point in the build at which it is deleted
	k delete api hasty --timeout=30s >/dev/null
	within 30 "deleted ${moment}s into its build: no Job is left" none job -l apim.wso2.com/owner=hasty
	within 30 "deleted ${moment}s into its build: no pod is left" none pod -l apim.wso2.com/owner=hasty
	quietly_within 30 "no workload is left" none deployment,service,hpa -l apim.wso2.com/owner=hasty
done

k delete api staying --timeout=30s >/dev/null
within 60 "after the last one the namespace is as it was" none deployment,service,hpa,job,pod,configmap,secret -l app.kubernetes.io/part-of=apim.wso2.com
