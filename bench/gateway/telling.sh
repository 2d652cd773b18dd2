#!/usr/bin/env bash
# telling.sh [--rounds N] [--seconds N] [--out FILE]: measures what usage and traces cost a gateway.
#
# Builds what it needs, writes bench/results/telling.md. Needs wrk, openssl, python3, and nats-server and otelcol in build/tools/bin.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
cd "$HERE/../.."
BUILD=${BUILD:-build}
B=$BUILD/release
make --no-print-directory -s "BUILD=$BUILD" gateway "$B/bin/toolkit"
deploy/local/build.sh nats otel
exec python3 bench/gateway/telling.py --programs "$B" --work "$BUILD/bench/gateway" --out bench/results/telling.md "$@"
