#!/usr/bin/env bash
# The bus dies in mid-build and comes back with nothing on its disk.
# alone: it stops the bus
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
only_locally "the broker's disk is wiped from the host"
story "a bus that lost everything delays and spoils nothing"
backend
bus_back() { ks rollout status statefulset/nats --timeout=1s; }
afterwards "ks scale statefulset/nats --replicas=1"

document wiped '!/products' | give wiped-swagger
api wiped
quietly_within 30 "a build begins" k get job wiped-kaniko
ks delete pod nats-0 --grace-period=0 --force --wait=false >/dev/null 2>&1
ks scale statefulset/nats --replicas=0 >/dev/null
no_bus() { [[ -z $(ks get pods -l app.kubernetes.io/name=nats -o name) ]]; }
within 30 "the bus is gone in mid-build" no_bus
find "$NATS_VOLUME" -mindepth 1 -delete
ks scale statefulset/nats --replicas=1 >/dev/null
within 60 "it comes back empty" bus_back
within 120 "the API becomes ready" ready wiped
within 10 "and answers" request 200 wiped /wiped/1.0.0/products
same "with one Job" "job.batch/wiped-kaniko" "$(jobs_of wiped)"

# Without a build to wake anybody: only what the watcher repeats.
ks scale statefulset/nats --replicas=0 >/dev/null
quietly_within 30 "the bus is gone" no_bus
find "$NATS_VOLUME" -mindepth 1 -delete
document wiped '!/products' '!/products/101' | give wiped-swagger
document born '!/products' | give born-swagger
api born
ks scale statefulset/nats --replicas=1 >/dev/null
within 60 "the bus goes and comes back once more" bus_back
within 120 "what was edited meanwhile is rolled out" request 200 wiped /wiped/1.0.0/products/101
within 120 "what was made meanwhile becomes ready" ready born
