#!/usr/bin/env python3
"""Conformance tests of the gateway: run.py BUILD [PATTERN], or run.py --url URL … (--help) for one that runs anywhere

Starts backends, a name server and the gateway of that build folder on free ports, plays the dialogs of cases/*.case and then the
stories of the files beside this one: time, load, signals, changing names. Needs no cluster. Fails also when a sanitizer or nginx itself
complained, when a line of the log is not JSON, or when a secret is in it.

AGAIN=1: who fails is told once more, when all others are, and that is what counts
"""
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import algorithms
import assertion
import bodies
import clients
import connections
import credentials
import endpoints
import hook_bodies
import hooks
import hostile
import image
import jwks
import keycloak
import keymanager
import lifecycle
import limits
import remote
import replicas
import revoked
import rolling
import standalone
import telling
import tracing
import transport
import usage
from backend import Backend, NameServer
from dialog import play, read_cases
from world import HERE, Gateway, Tokens, free_port, make_certificates, ports

# What has stories, longest first; those of a file are told in their order, files side by side.
CASES = "cases"
UNITS = [hostile, CASES, endpoints, limits, bodies, replicas, lifecycle, rolling, transport, jwks, keymanager, hooks, hook_bodies, usage, tracing, image, credentials,
         connections, clients, telling, standalone, revoked, assertion, keycloak]
LANES = 3
LONG = 5  # seconds, from which on a story's time is told
AFTERWARDS = ": afterwards"
LANE_ENDS = "afterwards: no complaints, a log of JSON, no secrets"
LANE_DIED = "a lane came to its end"


class World:
    def __init__(self, build, folder, address="127.0.0.1"):
        self.build, self.folder, self.address, self.keycloak = build, folder, address, None
        self.gateways, self.servers = [], []
        self.tokens = Tokens(folder)
        make_certificates(folder)
        self.backend = Backend()
        self.tls = Backend(folder / "server.crt", folder / "server.key")
        self.untrusted = Backend(folder / "untrusted.crt", folder / "untrusted.key")
        self.names = NameServer({"products.default.svc.cluster.local": [address], "tls.test": [address], "wrong-name.test": [address]}, address)
        self.refused = free_port()
        (folder / "resolv.conf").write_text(f"# of a pod\nnameserver {address}:{self.names.port}\n"
                                            "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{address}\tother in-hosts-file # a comment\n")

    def contract(self, **settings):
        text = (HERE / "contract.json").read_text().replace("127.0.0.1:@", self.address + ":@")
        for name, value in {"PEM": json.dumps(self.tokens.pem)[1:-1], "BACKEND": self.backend.port, "REFUSED": self.refused,
                            "TLS": self.tls.port, "UNTRUSTED": self.untrusted.port}.items():
            text = text.replace(f"@{name}@", str(value))
        contract = json.loads(text)
        contract["issuers"][0]["keys"] += algorithms.contract_keys(self.tokens.kinds)
        contract["settings"] |= settings
        return json.dumps(contract)

    def gateway(self, contract=None, **environment):
        self.gateways.append(Gateway(self.build, self.folder, contract or self.contract(), **environment))
        return self.gateways[-1]

    def stop(self):
        for process in self.gateways + self.servers:
            process.kill()
        if self.keycloak:
            self.keycloak.stop()


class Report:
    def __init__(self, is_last=True):
        self.passed, self.failed, self.left_out, self.not_ok = 0, [], 0, "not ok" if is_last else "first try: not ok"

    def attempt(self, name, function):
        try:
            result = function()
            self.passed += 1
            print(f"ok - {name}", flush=True)
            return result
        except Exception as e:  # pylint: disable=broad-except
            where = "" if isinstance(e, AssertionError) else "\n" + traceback.format_exc(limit=-2)
            self.failed.append(name)
            print(f"{self.not_ok} - {name}: {e!r}{where}", flush=True)
            return None


def secrets_in(text, tokens):
    signatures = [t.rsplit(".", 1)[-1] for t in tokens.made.values()]
    return [s[:20] for s in signatures + ["secret", "good-", "Authorization"] if s and s in text]


def look_back(gateway, tokens):
    gateway.stop()
    found = gateway.findings()
    assert not found, "\n".join(found)[:4000]
    lines = gateway.log()
    assert all(isinstance(line, dict) for line in lines)
    for path in (gateway.log_path, gateway.err_path):
        found = secrets_in(path.read_text(errors="replace"), tokens)
        assert not found, f"{path.name} contains {found}"


def play_cases(report, gateway, tokens, pattern):
    for path in sorted((HERE / "cases").glob("*.case")):
        for name, steps in read_cases(path):
            if not re.search(pattern, name):
                continue
            if gateway.lacks(steps):
                report.left_out += 1
                print(f"# left out - {name}: needs {gateway.lacks(steps)}", flush=True)
            else:
                report.attempt(name, lambda steps=steps: play(gateway, tokens, steps))


def tell(report, world, gateway, functions, pattern):
    for function in functions:
        name = function.__name__.replace("_", " ")
        if re.search(pattern, name):
            since = time.monotonic()
            own = report.attempt(name, lambda function=function: function(world, gateway))
            if own:
                report.attempt(name + AFTERWARDS, lambda own=own: look_back(own, world.tokens))
            if (took := time.monotonic() - since) >= LONG:
                print(f"# {name}: {took:.0f}s", flush=True)


def play_on(report, world, pattern, todo):
    gateway = world.gateway().start()
    for i in iter(todo.get, None):
        if UNITS[i] is CASES:
            play_cases(report, gateway, world.tokens, pattern)
        else:
            tell(report, world, gateway, UNITS[i].STORIES, pattern)
    report.attempt(LANE_ENDS, lambda: look_back(gateway, world.tokens))


def lane(number, build, pattern, todo, reports, is_last):
    """A world of its own, in which it plays what nobody else plays yet."""
    ports.of_lane(number)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report, folder = Report(is_last), Path(tempfile.mkdtemp(prefix="conformance-"))
    world = World(Path(build).resolve(), folder)
    try:
        play_on(report, world, pattern, todo)
    finally:
        world.stop()
    if not report.failed:
        shutil.rmtree(folder)
    reports.put((report.passed, report.failed, folder))


def play_all(build, pattern, lanes, is_last):
    """How many passed, what failed, and where its logs are."""
    todo, reports = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()
    units = [i for i, unit in enumerate(UNITS) if unit is not keycloak or "keycloak" in pattern]
    for i in units + [None] * lanes:
        todo.put(i)
    players = [multiprocessing.Process(target=lane, args=(i, build, pattern, todo, reports, is_last)) for i in range(lanes)]
    for p in players:
        p.start()
    for p in players:
        p.join()
    ended = [reports.get() for p in players if p.exitcode == 0]
    failed = [name for _, names, _ in ended for name in names] + [LANE_DIED] * (lanes - len(ended))
    return sum(passed for passed, _, _ in ended), failed, [folder for _, names, folder in ended if names]


def main(build, pattern=""):
    has_more_tries = "AGAIN" in os.environ
    passed, failed, folders = play_all(build, pattern, LANES, not has_more_tries)
    # What a whole lane left behind belongs to no story: another try would not see it.
    if has_more_tries and failed and not {LANE_ENDS, LANE_DIED} & set(failed):
        stories = {re.escape(name.removesuffix(AFTERWARDS)) for name in failed}
        more, failed, folders = play_all(build, f"^({'|'.join(stories)})$", 1, True)
        passed += more
    print(f"  conformance: {passed} passed, {len(failed)} failed")
    for name in failed:
        print(f"  failed: {name}")
    for folder in folders:
        print(f"  logs: {folder}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1].startswith("-"):
        sys.exit(remote.main(World, Report(), play_cases))
    sys.exit(main(*sys.argv[1:]))
