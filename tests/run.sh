#!/usr/bin/env bash
# run.sh: the whole test suite, in stages. Each stage's output goes to a log; the closing line counts every test that ran.
#
#   QUICK=1   without sanitizers, fuzzing and chaos
#   FULL=1    chaos at full length
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
STAGE_LOGS=$PWD/build/logs/test
rm -rf "$STAGE_LOGS"
# shellcheck source=deploy/stage.sh
. deploy/stage.sh
# A test that waits for other programs with deadlines may fail when the machine is busy with something else: it has a second try.
export AGAIN=1
make=(make --no-print-directory)
# shellcheck disable=SC2054 # a list of sanitizers has a comma
san=(make --no-print-directory SAN=address,undefined)

# Stories wait for pods and builds most of the time: what needs no cluster runs beside them.
stories() {
	deploy/local/build.sh "${components[@]}" # waits for the build that goes on
	twice deploy/up.sh
	"${make[@]}" e2e
}
components=(nats otel etcd kubernetes kaniko coredns metrics-server metallb contour kstatus)

stage "Debian packages" deploy/local/apt.sh
stage_begin "Kubernetes, Kaniko and others from Go modules" deploy/local/build.sh "${components[@]}"
stage_begin "Keycloak, moto" deploy/local/counterparts.sh
stage "build" "${make[@]}" -j2 all
stage_begin "stories on the cluster" stories
stage "unit and golden tests" "${make[@]}" -j2 unit golden
stage "simulation: 2,000 seeds" "${make[@]}" -j2 sim
stage "rules: headers, layers, purity, format, shell" "${make[@]}" -j2 check-headers check-layers check-pure check-format check-shell
stage_join "Kubernetes, Kaniko and others from Go modules"
stage_join "Keycloak, moto"
stage "conformance of the gateway" twice "${make[@]}" conformance
stage "tokens of a real OAuth2 server" twice "${make[@]}" conformance CASES=keycloak
if [[ -n ${QUICK:-} ]]; then
	stage "integration: real servers" "${make[@]}" -j3 integration
	stage_join "stories on the cluster"
else
	stage "sanitizers: build" "${san[@]}" -j2 all
	stage "sanitizers: unit and golden tests" "${san[@]}" -j2 unit golden
	stage "sanitizers: simulation" "${san[@]}" -j2 sim SEEDS=100
	stage "sanitizers: conformance of the gateway" twice "${san[@]}" conformance
	stage "sanitizers: integration, real servers" "${san[@]}" -j3 integration
	stage "valgrind: no leak on SIGTERM" twice "${make[@]}" leaks
	stage "fuzzers, a moment each" "${make[@]}" -j2 fuzz TIME=3 CHANCE=1
	stage_join "stories on the cluster"
	stories=(01 02 03 06)
	[[ -z ${FULL:-} ]] || stories=("")
	stage "stories with sanitized services" twice tests/e2e/sanitized.sh "${stories[@]}"
fi

printf '  %-44s %4ds\n' "in all" $((SECONDS - stages_started))

# cmocka's and our scripts' own lines, in every log of this run.
passed=$({ grep -hE '^\[ +OK \]|^ok - ' "$STAGE_LOGS"/*.log || true; } | wc -l)
failed=$({ grep -hE '^\[  FAILED  \] [a-z]|^not ok - ' "$STAGE_LOGS"/*.log || true; } | wc -l)
grep -hE '^first try: ' "$STAGE_LOGS"/*.log || true
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
