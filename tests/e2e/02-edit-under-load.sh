#!/usr/bin/env bash
# Editing the OpenAPI document: a new image, a rolling update, and nobody notices but for the new operation.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
story "an edited document rolls out under load without a failed request"
backend
no_limits
document edit '!/products' /products/101 | give edit-swagger
api edit
within 120 "the API is ready" ready edit
within 10 "an open operation answers" request 200 edit /edit/1.0.0/products
within 10 "a secured operation answers" secured 200 edit /edit/1.0.0/products/101
now "an operation that is not in the document does not" request 404 edit /edit/1.0.0/products/151
first=$(digest edit)

# Some by the open operation, some with a token.
"$B/tests/e2e/load" --rate=200 --seconds=300 --connections=8 "https://$(address edit):9095/edit/1.0.0/products" >"$TMP/load" 2>&1 &
load=$!
"$B/tests/e2e/load" --rate=4 --seconds=300 --connections=1 --header="Authorization: Bearer $TOKEN" "https://$(address edit):9095/edit/1.0.0/products/101" >"$TMP/load-secured" 2>&1 &
secured_load=$!
afterwards "kill $load $secured_load"

document edit '!/products' /products/101 '!/products/151' | give edit-swagger
within 120 "the new operation answers" request 200 edit /edit/1.0.0/products/151
within 60 "the rollout completes" ready edit
second=$(digest edit)
now "the image is a new one" test "$first" != "$second"
jobs=$(jobs_of edit)

document edit '!/products' /products/101 | give edit-swagger
is_back() { [[ $(digest edit) == "$first" ]] && ready edit; }
within 60 "edited back, the old image returns" is_back
within 30 "and the operation is gone" request 404 edit /edit/1.0.0/products/151
same "nothing was built for that" "$jobs" "$(jobs_of edit)"

kill -TERM "$load" "$secured_load"
wait "$load" || true
wait "$secured_load" || true
echo "# open:    $(tail -n 1 "$TMP/load")"
echo "# secured: $(tail -n 1 "$TMP/load-secured")"
rate() { sed -n 's/.* rate=\([0-9]*\) .*/\1/p' "$1"; }
now "at least 190 requests per second were made" test "$(rate "$TMP/load")" -ge 190
none_failed() {
	cat "$TMP/load" "$TMP/load-secured"
	grep -q failed=0 "$TMP/load" && grep -q failed=0 "$TMP/load-secured"
}
now "no request failed" none_failed
