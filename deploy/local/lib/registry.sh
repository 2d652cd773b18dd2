# shellcheck shell=bash
# A container registry on the host, over plain http. Deleting images is allowed; what was pushed survives the process.

# registry_start UNIT ADDRESS [HTPASSWD]
registry_start() {
	local unit=$1 address=$2 htpasswd=${3:-} config=$STATE/$1.yml
	! unit_running "$unit" || return 0
	mkdir -p "$STATE/$unit" "$STATE/certs.d/$address"
	cat >"$config" <<-YAML
		version: 0.1
		log: {level: warn}
		http: {addr: "$address", secret: apim-local}
		storage:
		  filesystem: {rootdirectory: "$STATE/$unit"}
		  delete: {enabled: true}
		${htpasswd:+auth: {htpasswd: {realm: apim-local, path: \"$htpasswd\"\}\}}
	YAML
	# containerd reads this at every pull; without it, it would insist on https.
	printf 'server = "http://%s"\n[host."http://%s"]\n' "$address" "$address" >"$STATE/certs.d/$address/hosts.toml"
	unit_start "$unit" docker-registry serve "$config"
	wait_for 10 "$unit answers on $address" "$unit" curl -s --max-time 2 -o /dev/null "http://$address/v2/"
	unit_running "$unit" || give_up "$unit has ended: is another program on $address?" "$unit"
}
