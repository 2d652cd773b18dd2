#!/usr/bin/env bash
# keycloak.sh HOST:PORT [CERTIFICATE KEY]: Keycloak in the foreground, by https if it has a certificate. Its database is in memory: it
# lasts as long as the process. Its administrator is admin, password admin.
set -euo pipefail
home=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../../build/tools/keycloak")
host=${1%:*} port=${1#*:}
if (($# == 1)); then
	options=(--http-enabled=true --http-host="$host" --http-port="$port" --hostname="http://$1")
else
	options=(--http-host="$host" --https-port="$port" --hostname="https://$1" --https-certificate-file="$2" --https-certificate-key-file="$3")
fi
# What runs for a minute or two is not worth a second compiler.
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1
exec sh "$home/bin/kc.sh" start --optimized --log-level=warn "${options[@]}"
