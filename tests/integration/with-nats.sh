#!/usr/bin/env bash
# with-nats.sh CMD…: runs CMD with an empty nats-server with JetStream of its own; its exit status is CMD's.
#
# CMD finds in its environment:
#   NATS_URL        nats://127.0.0.1:PORT
#   NATS_MONITOR    http://127.0.0.1:PORT
#   NATS_PID_FILE   kill that process and the server is started again, on the same ports and store
#   NATS_HOLD_FILE  while this file exists, a dead server stays dead
#   NATS_STORE      its store: kill the server under the hold file, delete what is in here, and the bus is wiped
set -euo pipefail
# shellcheck source=tests/integration/harness.sh
. "$(dirname "$0")/harness.sh"
(($# > 0)) || { sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2; exit 2; }

program nats-server; server=$program
for needed in curl ss setpriv; do
	command -v "$needed" >/dev/null || skip "$needed is missing"
done
begin
free_port; NATS_URL=nats://127.0.0.1:$port
free_port; NATS_MONITOR=http://127.0.0.1:$port
NATS_PID_FILE=$DIR/nats.pid
NATS_HOLD_FILE=$DIR/nats.hold
NATS_STORE=$DIR/store
cat >"$DIR/nats.conf" <<-END
	listen: "${NATS_URL#nats://}"
	http: "${NATS_MONITOR#http://}"
	jetstream { store_dir: "$NATS_STORE", sync_interval: always }
END

keep nats "$server" -c "$DIR/nats.conf"
wait_until 20 nats-server nats.log curl -sf --max-time 2 --noproxy '*' "$NATS_MONITOR/healthz"

export NATS_URL NATS_MONITOR NATS_PID_FILE NATS_HOLD_FILE NATS_STORE
run_command "$@"
