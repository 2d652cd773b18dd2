#!/usr/bin/env bash
# Scenario 9: several backends of one API, one of them with a second place.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "each operation has its own backend"
endpoints=(target-ep-prod target-ep-inv target-ep-rev)
run() { sample "scenario-9/$1.yaml" | k apply -f - >/dev/null; }
for te in "${endpoints[@]}"; do run "$te"; done
for te in "${endpoints[@]}"; do within 60 "$te is ready" target_ready "$te"; done

api=products-several
base=/storep/v1.0.0
"$B/bin/apictl" add api -n $api --from-file=deploy/samples/scenario-9/swagger.yaml --namespace "$NS" >/dev/null
within 120 "the API is ready" ready $api
within 30 "products come from one" has_body 200 $api $base/products Apples
now "the stock from another" has_body 200 $api $base/inventory/301 SUCCESS
now "reviews from the third" has_body 200 $api $base/reviews/301 Crisp
jobs=$(jobs_of $api)

k patch api $api --type=merge -p '{"spec": {"environmentVariables": ["products_prod_endpoint_0=http://target-ep-inv"]}}' >/dev/null
within 60 "the environment leads elsewhere" has_body 404 $api $base/products "not found"
within 30 "the rest stays" has_body 200 $api $base/inventory/301 SUCCESS
k patch api $api --type=merge -p '{"spec": {"environmentVariables": []}}' >/dev/null
within 60 "and back" has_body 200 $api $base/products Apples
within 60 "in every pod" ready $api
same "nothing was built for it" "$jobs" "$(jobs_of $api)"

k delete targetendpoint target-ep-inv >/dev/null
within 60 "a backend is deleted" none pod -l apim.wso2.com/target-endpoint=target-ep-inv
within 30 "the second place stands in" has_body 200 $api $base/inventory/301 SUCCESS
within 10 "and the API says what it misses" is $api ResolvedRefs "False TargetEndpointNotFound: *target-ep-inv*"
k delete targetendpoint target-ep-rev >/dev/null
within 60 "another is deleted" none pod -l apim.wso2.com/target-endpoint=target-ep-rev
within 30 "what nobody answers is a fault" has_body 500 $api $base/inventory/301 101503
within 30 "whichever operation it is" has_body 500 $api $base/reviews/301 101503
now "other operations know nothing of it" has_body 200 $api $base/products Apples

run target-ep-inv
run target-ep-rev
within 90 "with the backends back the API is ready" ready $api
within 60 "and answers" has_body 200 $api $base/reviews/301 Crisp
within 30 "all of it" has_body 200 $api $base/inventory/301 SUCCESS
same "nothing was built for that either" "$jobs" "$(jobs_of $api)"
