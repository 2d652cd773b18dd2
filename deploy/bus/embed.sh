#!/usr/bin/env bash
# embed.sh [--check]: puts nats.conf into the ConfigMap of controller-artifacts/10-nats.yaml, or says whether it is there.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
manifest=$HERE/../controller-artifacts/10-nats.yaml
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
awk -v conf="$HERE/nats.conf" '
	/^    # begin deploy\/bus\/nats.conf$/ {
		print
		while ((getline line < conf) > 0)
			print (line == "" ? "" : "    " line)
		inside = 1
	}
	/^    # end deploy\/bus\/nats.conf$/ { inside = 0 }
	!inside' "$manifest" >"$fresh"
if [[ ${1:-} == --check ]]; then
	diff -u "$manifest" "$fresh" || { echo "10-nats.yaml is not up to date: run deploy/bus/embed.sh" >&2; exit 1; }
else
	cat "$fresh" >"$manifest"
fi
