#!/usr/bin/env bash
# keycloak.sh start [REALM.json...]|stop: a real OAuth2 server at https://172.30.0.1:8443, where pods reach it, with these realms. Its administrator
# is admin, password admin; its certificate is keycloak.crt in the state folder. What it knows goes when it stops.
set -euo pipefail
# shellcheck source=lib/unit.sh
LOCAL=$(dirname "$(readlink -f "$0")") && . "$LOCAL/lib/unit.sh"
# shellcheck source=lib/say.sh
. "$LOCAL/lib/say.sh"
# shellcheck source=lib/wait.sh
. "$LOCAL/lib/wait.sh"
certificate=$STATE/keycloak

ask() { curl -sSf --max-time 30 --cacert "$certificate.crt" "$@"; }

# One for each state folder, like the cluster's own.
make_certificate() {
	[[ ! -f $certificate.crt ]] || return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=keycloak" \
		-addext "subjectAltName=IP:${KEYCLOAK%:*}" -keyout "$certificate.key" -out "$certificate.crt.new" 2>/dev/null
	mv "$certificate.crt.new" "$certificate.crt"
}

make_realm() { # FILE
	local token
	token=$(ask "https://$KEYCLOAK/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli \
		-d username=admin -d password=admin | jq -r .access_token)
	ask "https://$KEYCLOAK/admin/realms" -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d "@$1"
	say "realm $(jq -r .realm "$1"): https://$KEYCLOAK/realms/$(jq -r .realm "$1")"
}

case ${1:-} in
start)
	"$LOCAL/counterparts.sh" keycloak
	unit_stop keycloak
	make_certificate
	say "starting; it takes half a minute"
	unit_start keycloak "$LOCAL/tools/keycloak.sh" "$KEYCLOAK" "$certificate.crt" "$certificate.key"
	wait_for 180 "Keycloak answers on $KEYCLOAK" keycloak ask -o /dev/null "https://$KEYCLOAK/realms/master"
	for realm in "${@:2}"; do make_realm "$realm"; done
	;;
stop) unit_stop keycloak ;;
*) die "usage: keycloak.sh start [REALM.json...]|stop" ;;
esac
