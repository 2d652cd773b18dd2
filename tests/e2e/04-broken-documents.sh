#!/usr/bin/env bash
# A broken document is told, with place and remedy, and never reaches a Job or a pod.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "a broken document is told and the gateway goes on serving"
backend
document sound '!/products' | give sound-swagger
api sound
within 120 "the API is ready" ready sound
jobs=$(jobs_of sound)
pods=$(pods_of sound)

# broken WHAT CONDITION PATTERN: after the document was broken.
broken() {
	local what=$1 type=$2 pattern=$3 reason
	within 30 "$what: $type is False and says why" is sound "$type" "$pattern"
	echo "# $(condition sound "$type")"
	same "$what: not Ready for the same reason" "$(condition sound "$type")" "$(condition sound Ready)"
	reason=$(condition sound "$type")
	reason=${reason#* }
	within 10 "$what: it is told in an event" told sound "${reason%%:*}" 1
	now "$what: the gateway goes on serving" request 200 sound /sound/1.0.0/products
	same "$what: no Job" "$jobs" "$(jobs_of sound)"
	same "$what: no pod was touched" "$pods" "$(pods_of sound)"
}
repaired() {
	document sound '!/products' | give sound-swagger
	within 30 "repaired, it is ready again by itself" ready sound
}

printf 'openapi: 3.0.0\n  paths: [\n' | give sound-swagger
broken "not YAML" Accepted 'False InvalidDefinition:*line 2*'
same "told once" 1 "$(events sound InvalidDefinition)"
repaired

printf 'openapi: 3.0.0\ninfo: {title: sound, version: 1.0.0}\nx-wso2-basePath: /sound/1.0.0\n' | give sound-swagger
broken "no paths" Accepted 'False InvalidDefinition:*paths*'
repaired

document sound '!/products' | sed 's/^openapi: .*/openapi: 4.0.0/' | give sound-swagger
broken "unsupported version" Accepted 'False InvalidDefinition:*4.0.0*'
repaired

k delete configmap sound-swagger >/dev/null
broken "missing ConfigMap" ResolvedRefs 'False DefinitionNotFound:*sound-swagger*'
repaired

document sound '!/products' >"$TMP/one"
k create configmap sound-swagger --from-file=one.yaml="$TMP/one" --from-file=two.yaml="$TMP/one" --dry-run=client -o json | k replace -f - >/dev/null
broken "two documents in one map" Accepted 'False AmbiguousDefinition:*'
k delete configmap sound-swagger >/dev/null
repaired
