#!/usr/bin/env bash
# issuer.sh NAME [DAYS]: somebody who signs tokens: writes NAME.key, NAME.crt (valid for DAYS, 365 if not said) and NAME.jwks.json, the same key
# as issuers publish it, into the current folder, unless they are there, and prints a token of https://NAME.example that is valid for an hour.
# ISSUER=https://… puts another issuer into it.
set -euo pipefail
name=$1

encoded() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
[[ -f $name.crt ]] || openssl req -x509 -newkey rsa:2048 -nodes -days "${2:-365}" -subj "/CN=$name" -keyout "$name.key" -out "$name.crt" 2>/dev/null
modulus=$(openssl x509 -in "$name.crt" -noout -modulus | cut -d= -f2 | perl -ne 'chomp; print pack "H*", $_' | encoded)
printf '{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"%s","n":"%s","e":"AQAB"}]}\n' "$name" "$modulus" >"$name.jwks.json"

now=$(date +%s)
text=$(printf '{"alg":"RS256","typ":"JWT","kid":"%s"}' "$name" | encoded).$(
	printf '{"iss":"%s","aud":"pets","sub":"somebody","iat":%d,"exp":%d}' "${ISSUER:-https://$name.example}" "$now" $((now + 3600)) | encoded)
printf '%s.%s\n' "$text" "$(printf %s "$text" | openssl dgst -sha256 -sign "$name.key" -binary | encoded)"
