#!/usr/bin/env bash
# Bodies: examples that answer, validation by the operator's configuration, answers that are kept on a read-only root.
# alone: it changes the operator's configuration
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "bodies are validated, answers kept and examples sent as documents and configuration say"

give shelter-swagger <<'END'
openapi: 3.0.0
info: {title: shelter, version: 1.0.0}
x-wso2-basePath: /shelter
x-wso2-endpoint-implementation-type: MOCKED_OAS
x-wso2-disable-security: true
paths:
  /pets:
    get: {x-wso2-disable-security: false, responses: {'200': {content: {application/json: {example: {name: Rex}}}}}}
    post:
      requestBody: {content: {application/json: {schema: {type: object, required: [name]}}}}
      responses: {'201': {description: made}}
END
validation() { ks create configmap apim-config --from-literal="enableRequestValidation=$1" --dry-run=client -o json | ks apply --server-side --force-conflicts -f - >/dev/null; }
before=$(ks get configmap apim-config -o json 2>/dev/null | jq '{apiVersion, kind, metadata: {name: .metadata.name, namespace: .metadata.namespace}, data}') || before=
restore() {
	ks delete configmap apim-config --ignore-not-found >/dev/null
	[[ -z $before ]] || ks create -f - <<<"$before" >/dev/null
}
afterwards restore
post() { request "$1" shelter /shelter/pets -H 'Content-Type: application/json' -d "$2"; }

validation false
api shelter
within 120 "the API without a backend is ready" ready shelter
within 10 "its example answers" secured 200 shelter /shelter/pets
same "byte for byte" '{"name":"Rex"}' "$(<"$TMP/body")"
now "it is as secured as any other" fault 401 900902 shelter /shelter/pets
now "a body is not looked at" post 201 '{}'
first=$(digest shelter)
image_is() { [[ $(digest shelter) == "$1" ]]; }

validation true
within 120 "the configuration reaches the API: a wrong body is a 400" post 400 '{}'
now "it says what is wrong" grep -q "Missing required property 'name'" "$TMP/body"
now "a good one is not" post 201 '{"name": "Max"}'
validation false
within 120 "without the key a body is not looked at" post 201 '{}'
within 60 "the image is the first one again" image_is "$first"

give kept-swagger < <(document kept '!/products' | sed 's/^paths:/x-wso2-response-cache: {enabled: true}\npaths:/')
backend
api kept
within 120 "an API that keeps answers is ready" ready kept
now "its gateway runs with a read-only root" request 200 kept /kept/1.0.0/products
