#!/usr/bin/env bash
# Two APIs are made from one ConfigMap: both own it. Their namespace ends, and nobody takes that for a failure.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "two APIs of one document, until their namespace ends"
backend
document both '!/products' | give both-swagger
for name in first second; do
	api "$name" '{"definition": {"type": "swagger", "configmapName": "both-swagger"}}'
done
within 120 "one API is ready" ready first
within 120 "another of the same document is, too" ready second
owners() { k get configmap both-swagger -o jsonpath='{.metadata.ownerReferences[*].name}' | xargs -n1 | sort | xargs; }
same "both own the document" "first second" "$(owners)"

owned_by() { owners && [[ $(owners) == "$1" ]]; }
before="$(generation_of second) $(pods_of second)"
k delete api first --timeout=30s >/dev/null
within 60 "the first is deleted, and its gateway is gone" none deployment,service,pod,hpa -l app=first
within 60 "the document stays, the other one's" owned_by second
now "the other one answers" request 200 second /both/1.0.0/products
same "and was not touched" "$before" "$(generation_of second) $(pods_of second)"

kubectl delete namespace "$NS" --wait=false >/dev/null
within 120 "the namespace is deleted with all that is in it" gone namespace "$NS"
for s in "${SERVICES[@]}"; do ks logs -l "app.kubernetes.io/name=$s" --tail=-1 --since=2m; done | grep "$NS" >"$TMP/told" || true
now "the services saw it end" grep -q 'left alone\|is gone' "$TMP/told"
same "and none complains of that" "" "$(grep 'level=error' "$TMP/told" || true)"
