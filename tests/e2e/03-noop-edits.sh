#!/usr/bin/env bash
# An edit that changes nothing builds nothing and restarts nothing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "edits without meaning build nothing and restart nothing"
backend
document noop '!/products' | give noop-swagger
api noop
within 120 "the API is ready" ready noop
before="$(jobs_of noop) $(pods_of noop) $(generation_of noop) $(digest noop)"
unchanged() { same "$1" "$before" "$(jobs_of noop) $(pods_of noop) $(generation_of noop) $(digest noop)"; }

{ echo '# a comment'; document noop '!/products' | sed 's/: /:   /'; echo; } | give noop-swagger
within 30 "the operator looks at a document with other white space" looked_at noop noop-swagger
unchanged "and does nothing"

k annotate configmap noop-swagger note=x >/dev/null
within 30 "the operator looks at an annotated ConfigMap" looked_at noop noop-swagger
unchanged "and does nothing"

document noop '!/products' | python3 -c 'import sys, yaml, json; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' | give noop-swagger
within 30 "the operator looks at the same document as JSON" looked_at noop noop-swagger
unchanged "and does nothing"

k annotate api noop note=x >/dev/null
api noop '{"version": "v9"}'
observed() { [[ $(k get api noop -o json | jq '.metadata.generation == .status.observedGeneration') == true ]] && ready noop; }
within 30 "the operator looks at an edited API" observed
unchanged "and does nothing"
