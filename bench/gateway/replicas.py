#!/usr/bin/env python3
"""replicas.py [--programs DIR] [--rounds N] [--out FILE]: how exact a limit is that three replicas share, and what sharing costs.

Three gateways at addresses of 127.0.0.0/8 with one limit, loaded at once by one wrk each until long after it is reached: what was let
through against the limit. Then one gateway alone against the same one as one of three, below a limit that is never reached.
"""
import argparse
import json
import pathlib
import secrets
import statistics
import subprocess
import time

from bench import HERE, ROOT, Candidate, free_port, gateway, make_contract, make_tokens, nginx, span

ADDRESSES = ["127.0.9.2", "127.0.9.3", "127.0.9.4"]
LIMITS = [7, 60, 1000, 20000]


def contract_of(path, count):
    """The bench's contract with a limit of the operation that can be reached."""
    contract = json.loads(path.read_text())
    for policy in contract["limits"]["resource"]:
        policy["count"] = count
    to = path.with_name(f"contract-{count}.json")
    to.write_text(json.dumps(contract))
    return to


def replicas(work, programs, contract, n, port):
    """As one gateway has n pods; they listen at one port."""
    (work / "hosts").write_text("".join(f"{a} gateways\n" for a in ADDRESSES[:n]))
    udp, started = free_port(), []
    for address in ADDRESSES[:n]:
        server = gateway(work, programs, f"replica-{address}", contract, env={
            "GATEWAY_BIND": address, "GATEWAY_HTTP_PORT": str(port), "GATEWAY_HOSTS": str(work / "hosts"), "GATEWAY_LOG_LEVEL": "error",
            **({} if n == 1 else {"GATEWAY_REPLICAS": "gateways", "GATEWAY_REPLICAS_ADDRESS": address, "GATEWAY_REPLICAS_PORT": str(udp),
                                  "GATEWAY_REPLICAS_KEY": str(work / "replicas.key")})})
        server.address, server.port = address, port
        started.append(server)
    for server in started:
        while not answers(server):
            if time.monotonic() - server.started > 20:
                raise SystemExit(f"a replica did not become ready, see {server.log.name}")
            time.sleep(0.02)
    return started


def answers(server):
    return subprocess.run(["curl", "-sf", f"http://{server.address}:{server.port}/health"], capture_output=True, check=False).returncode == 0


def wrk(server, tokens, seconds, connections=16):
    return subprocess.Popen(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "load.lua", f"http://{server.address}:{server.port}",
                             "--", tokens, "1", "0"], stdout=subprocess.PIPE, text=True)


def figures(client):
    out, _ = client.communicate()
    return list(map(int, next(x for x in out.splitlines() if x.startswith("figures ")).split()[1:]))


def let_through(loaded, tokens, seconds):
    """By all, and how many they refused in how many seconds."""
    clients = [wrk(s, tokens, seconds) for s in loaded]
    results = [figures(c) for c in clients]
    if any(r[3] for r in results):
        raise SystemExit(f"requests failed: {results}")
    return sum(r[0] - r[2] for r in results), sum(r[0] for r in results) / seconds


def exactness(work, programs, base, tokens, rounds, seconds):
    for count in LIMITS:
        for title, which in (("all three", slice(None)), ("one of three", slice(0, 1))):
            errors, rates = [], []
            for _ in range(rounds):
                all_of_them = replicas(work, programs, contract_of(base, count), 3, free_port())
                n, rate = let_through(all_of_them[which], tokens, seconds)
                errors.append((n - count) / count * 100)
                rates.append(rate)
                for server in all_of_them:
                    server.stop()
            yield f"| {count} | {title} | {span(rates)} | {span(errors, '{:+.2f}')} |"


def datagrams():
    lines = [x.split() for x in pathlib.Path("/proc/net/snmp").read_text().splitlines() if x.startswith("Udp:")]
    return int(lines[1][lines[0].index("OutDatagrams")])


def cost(work, programs, base, tokens, rounds):
    """Interleaved: alone, one of three."""
    contract = contract_of(base, 10 ** 6)
    alone, = replicas(work, programs, contract, 1, free_port())
    shared = replicas(work, programs, contract, 3, free_port())
    candidates = [Candidate("one gateway alone", alone), Candidate("one of three replicas", shared[0])]
    sent = []
    for _ in range(rounds):
        for c in candidates:
            before, cpu = datagrams(), c.server.cpu_s()
            n, us, bad, failed, p50, p99 = figures(wrk(c.server, tokens, 1, 32))
            if bad or failed:
                raise SystemExit(f"{c.title}: {bad} answers other than 2xx, {failed} failed")
            for to, value in zip((c.rps, c.cpu_us, c.p50, c.p99), (n / us * 1e6, (c.server.cpu_s() - cpu) / n * 1e6, p50 / 1000, p99 / 1000)):
                to.append(value)
            if c is candidates[1]:
                sent.append(datagrams() - before)
    for server in [alone, *shared]:
        server.stop()
    for c in candidates:
        ratio = statistics.median(x / y for x, y in zip(c.rps, candidates[0].rps))
        yield f"| {c.title} | {span(c.rps)} | {ratio:.2f} | {span(c.cpu_us, '{:.1f}')} | {span(c.p50, '{:.2f}')} | {span(c.p99, '{:.1f}')} |"
    yield f"\nDatagrams per second meanwhile, of all: {span(sent)}."


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    programs, work = args.programs.resolve(), (ROOT / "build/bench/replicas").resolve()
    work.mkdir(parents=True, exist_ok=True)
    (work / "replicas.key").write_bytes(secrets.token_bytes(32))
    tokens = make_tokens(work)
    backend = nginx(work, "backend", "", "location / { return 200 '{}'; }")
    backend.wait_ready()
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    lines = ["# One limit for three replicas", "",
             f"`bench/gateway/replicas.py`, commit {commit}, {time.strftime('%Y-%m-%d', time.gmtime())}; load average before the run "
             f"{pathlib.Path('/proc/loadavg').read_text().split()[0]}. Replicas, clients (wrk, 16 connections each) and backend share two cores;",
             f"{args.rounds} rounds of {args.seconds} s, median and range. The error is what passed more (+) or less (-) than the limit says.", "",
             "| limit | loaded | requests/s | error % |", "|---|---|---|---|"]
    base = make_contract(work, "contract", programs, backend.port, 1)
    lines += exactness(work, programs, base, tokens, args.rounds, args.seconds)
    lines += ["", "Below a limit of a million that all requests count for:", "",
              "| | requests/s | ratio | CPU µs/request | p50 ms | p99 ms |", "|---|---|---|---|---|---|"]
    lines += cost(work, programs, base, tokens, 3 * args.rounds)
    backend.stop()
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        args.out.write_text(text)


if __name__ == "__main__":
    main()
