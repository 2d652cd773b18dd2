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
make=(make --no-print-directory)
# shellcheck disable=SC2054 # a list of sanitizers has a comma
san=(make --no-print-directory SAN=address,undefined)

stage "Debian packages" deploy/local/apt.sh
stage_begin "Kubernetes, Kaniko, NATS from Go modules" deploy/local/build.sh
stage "build" "${make[@]}" -j2 all
stage "unit and golden tests" "${make[@]}" -j2 unit golden
stage "simulation: 2,000 seeds" "${make[@]}" -j2 sim
stage "rules: headers, layers, purity, format, shell" "${make[@]}" -j2 check-headers check-layers check-pure check-format check-shell
stage_twice "conformance of the gateway" "${make[@]}" conformance
stage_join "Kubernetes, Kaniko, NATS from Go modules"
if [[ -n ${QUICK:-} ]]; then
	stage_twice "integration: real servers" "${make[@]}" -j3 integration
else
	stage "sanitizers: build" "${san[@]}" -j2 all
	stage "sanitizers: unit and golden tests" "${san[@]}" -j2 unit golden
	stage "sanitizers: simulation" "${san[@]}" -j2 sim SEEDS=100
	stage_twice "sanitizers: conformance of the gateway" "${san[@]}" conformance
	stage_twice "sanitizers: integration, real servers" "${san[@]}" -j3 integration
	stage_twice "valgrind: no leak on SIGTERM" "${make[@]}" leaks
	stage "fuzzers, a moment each" "${make[@]}" fuzz TIME=3
fi
stage_twice "cluster and operator" deploy/up.sh
stage_twice "stories on the cluster" make --no-print-directory e2e
if [[ -z ${QUICK:-} ]]; then
	stories=(01 02 03 06)
	[[ -z ${FULL:-} ]] || stories=("")
	stage_twice "stories with sanitized services" tests/e2e/sanitized.sh "${stories[@]}"
fi

# cmocka's and our scripts' own lines, in every log of this run.
passed=$({ grep -hE '^\[ +OK \]|^ok - ' "$STAGE_LOGS"/*.log || true; } | wc -l)
failed=$({ grep -hE '^\[  FAILED  \] [a-z]|^not ok - ' "$STAGE_LOGS"/*.log || true; } | wc -l)
for log in "$STAGE_LOGS"/*.log.first; do
	[[ ! -f $log ]] || echo "needed a second try: $(basename "$log" .log.first), whose first log is $log"
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
