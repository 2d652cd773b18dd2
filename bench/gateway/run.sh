#!/usr/bin/env bash
# run.sh [--rounds N] [--seconds N] [--out FILE]: measures the gateway against the same nginx as a plain proxy.
#
# Builds what it needs, writes bench/results/gateway.md. Needs wrk, h2load, openssl, python3 and an otherwise quiet machine.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
cd "$HERE/../.."
BUILD=${BUILD:-build}
B=$BUILD/release
make --no-print-directory -s "BUILD=$BUILD" gateway "$B/bin/gateway" "$B/bin/toolkit"
exec python3 bench/gateway/bench.py --programs "$B" --work "$BUILD/bench/gateway" "$@"
