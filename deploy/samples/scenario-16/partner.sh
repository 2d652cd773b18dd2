#!/usr/bin/env bash
# partner.sh [MEMBERS]: somebody who signs tokens: writes partner.key and partner.crt into the current folder, unless they are there,
# and prints a token that is valid for an hour. MEMBERS are further claims: '"application":{"id":7,"tier":"small"}'.
set -euo pipefail
[[ -f partner.key ]] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=partner -keyout partner.key -out partner.crt 2>/dev/null

encoded() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
now=$(date +%s)
text=$(printf '{"alg":"RS256","typ":"JWT"}' | encoded).$(
	printf '{"iss":"https://partner.example","aud":"stores","sub":"somebody","iat":%d,"exp":%d%s}' "$now" $((now + 3600)) "${1:+,$1}" | encoded)
printf '%s.%s\n' "$text" "$(printf %s "$text" | openssl dgst -sha256 -sign partner.key -binary | encoded)"
