#!/usr/bin/env bash
# test_argocd.sh: the health that Argo CD would see, by its own rules: a Lua function of the object.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
command -v lua5.4 >/dev/null || { echo "test_argocd.sh: SKIPPED: lua5.4 is missing" >&2; exit 77; }
script() { python3 -c 'import sys, yaml; print(yaml.safe_load(open("deploy/argocd/health.yaml"))["data"]["resource.customizations.health.wso2.com_" + sys.argv[1]])' "$1"; }
failed=0

# health SENTENCE WANT KIND STATUS: of an object of generation 2 with that status.
health() {
	local got
	got=$(lua5.4 - <<-END
		obj = { metadata = { generation = 2 }, status = $4 }
		local health = (function() $(script "$3")
		end)()
		print(health.status .. ": " .. health.message)
	END
	)
	if [[ $got == "$2" ]]; then
		echo "ok - $1"
	else
		printf 'not ok - %s\n       expected: %s\n       found:    %s\n' "$1" "$2" "$got"
		failed=1
	fi
}

health "a new object is progressing" "Progressing: the operator has not looked at it yet" API nil
health "so is one that was edited a moment ago" "Progressing: the operator has not looked at it yet" Security \
	'{ observedGeneration = 1, conditions = { { type = "Ready", status = "True", message = "" } } }'
health "one that is being built is progressing" "Progressing: image x is to be built" API \
	'{ observedGeneration = 2, conditions = { { type = "Ready", status = "Unknown", message = "image x is to be built" }, { type = "Reconciling", status = "True", message = "" } } }'
health "one that only its user can mend is degraded" "Degraded: line 2: not YAML" API \
	'{ observedGeneration = 2, conditions = { { type = "Ready", status = "False", message = "line 2: not YAML" }, { type = "Stalled", status = "True", message = "line 2: not YAML" } } }'
health "one that is ready is healthy" "Healthy: " RateLimiting \
	'{ observedGeneration = 2, conditions = { { type = "Accepted", status = "True", message = "" }, { type = "Ready", status = "True", message = "" } } }'
health "a backend, too" "Healthy: " TargetEndpoint \
	'{ observedGeneration = 2, conditions = { { type = "Ready", status = "True", message = "" } } }'
exit "$failed"
