#!/usr/bin/env bash
# container.sh IMAGE [-e NAME=VALUE]... [-v FILE:PATH]...: runs an OCI image, a folder as "oci:FOLDER" makes it, with runc as a pod would
# be: its own user, a root that cannot be written to, no capability, no new privileges; /tmp is memory. It has the network of the caller.
# Ends with it; SIGTERM is passed on.
set -euo pipefail
image=$1
shift
environment=() volumes=()
while getopts e:v: option; do
	case $option in
	e) environment+=("$OPTARG") ;;
	v) volumes+=("$OPTARG") ;;
	*) exit 2 ;;
	esac
done
bundle=$(mktemp -d -t container.XXXXXX)
trap 'runc --root "$bundle/state" delete -f gateway >/dev/null 2>&1 || true; rm -rf "$bundle"' EXIT
blob() { echo "$image/blobs/${1/://}"; }

manifest=$(blob "$(jq -r '.manifests[0].digest' "$image/index.json")")
config=$(blob "$(jq -r .config.digest "$manifest")")
mkdir "$bundle/rootfs"
while read -r layer; do
	tar -xf "$(blob "$layer")" -C "$bundle/rootfs"
done < <(jq -r '.layers[].digest' "$manifest")

mounts() {
	local volume
	for volume in "${volumes[@]}"; do
		jq -n --arg from "${volume%%:*}" --arg to "${volume#*:}" '{destination: $to, source: $from, type: "none", options: ["bind", "ro"]}'
	done
}
runc spec --bundle "$bundle"
jq --slurpfile image "$config" --slurpfile mounts <(mounts) '
	($image[0].config.User | split(":") | map(tonumber)) as $user
	| .process.user = {uid: $user[0], gid: $user[1]} | .process.terminal = false | .process.noNewPrivileges = true
	| .process.args = $image[0].config.Entrypoint + ($image[0].config.Cmd // []) | .process.env = $image[0].config.Env + $ARGS.positional
	| .process.cwd = "/" | .process.capabilities = {} | .root = {path: "rootfs", readonly: true}
	| .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1777"]}] + $mounts
	| .linux.namespaces |= map(select(.type != "network")) | del(.process.rlimits)
' --args "${environment[@]}" <"$bundle/config.json" >"$bundle/config.new"
mv "$bundle/config.new" "$bundle/config.json"
runc --root "$bundle/state" run --bundle "$bundle" gateway &
trap 'runc --root "$bundle/state" kill gateway TERM 2>/dev/null || true' TERM INT
until wait $!; do
	status=$?
	((status > 128)) || exit "$status" # it ended by itself; otherwise a signal came
done
