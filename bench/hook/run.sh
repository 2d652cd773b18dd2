#!/usr/bin/env bash
# What hooks cost, to bench/results/hook.md. Takes half a minute; trust the medians.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
make -s build/release/libgateway.a
program=$(mktemp)
trap 'rm -f "$program"' EXIT
# shellcheck disable=SC2046
cc -std=c17 -D_GNU_SOURCE -O2 -I. bench/hook/hook.c build/release/libgateway.a -o "$program" $(pkg-config --libs libcrypto libcjson lua5.4 yaml-0.1) -lm
{
	echo '# Hooks'
	echo
	echo "\`bench/hook/run.sh\`, commit $(git rev-parse --short HEAD), $(date -u +%F). Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)," \
		"$(nproc) cores; load average before the run $(cut -d' ' -f1 /proc/loadavg). Lua $(pkg-config --modversion lua5.4)."
	echo
	echo 'Processor time of one run with the bounds as shipped (5 ms, 1 MB), medians of 21 rounds, ranges in brackets. What tries to cost as much as it can is ended.'
	echo
	echo '| script | µs |'
	echo '|---|---|'
	"$program"
} >bench/results/hook.md
