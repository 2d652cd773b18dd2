"""What a gateway's telling about calls costs: usage on a real bus, spans to a real collector; beside the same gateway that tells nothing.

telling.sh runs it. As in bench.py, candidates take turns; CPU is that of all processes of a gateway, gateway-usage included.
"""
import os
import re
import shutil
import sys
import time
import urllib.request

from bench import ROOT, Candidate, commit, free_port, gateway, machine, make_contract, make_tokens, nginx, options_of, row

sys.path.insert(0, str(ROOT / "tests/conformance"))
from bus import Bus  # noqa: E402
from tracing import Collector  # noqa: E402


def counter(port, name, result):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return int(re.search(rf'^{name}{{result="{result}"}} (\d+)$', answer.read().decode(), re.M)[1])


def environments(o, bus, collector):
    folder = o.work / "usage"
    folder.mkdir(exist_ok=True)
    for name in ("username", "password"):
        (folder / name).write_text("gateway")
    usage = {"GATEWAY_USAGE_URL": bus.url, "GATEWAY_USAGE_API": "bench/bench", "GATEWAY_USAGE_DIR": str(folder),
             "GATEWAY_USAGE_PROGRAM": str(o.programs / "bin/gateway-usage")}

    def traces(ratio):
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", "OTEL_TRACES_SAMPLER": "traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": ratio}
    return [("tells nothing", {}), ("usage", usage), ("spans of every 100th call", traces("0.01")), ("spans of every 10th call", traces("0.1")),
            ("spans of every call", traces("1"))]


def measure(o, servers, bus, collector):
    tokens = make_tokens(o.work)
    backend = nginx(o.work, "backend", "default_type application/json;", "location / { return 200 '{}'; }")
    servers.append(backend)
    backend.wait_ready()
    contract = make_contract(o.work, "one", o.programs, backend.port, 1)
    candidates, ports = [], {}
    for title, environment in environments(o, bus, collector):
        ports[title] = free_port()
        server = gateway(o.work, o.programs, f"telling-{len(candidates)}", contract,
                         env={**environment, "GATEWAY_METRICS_PORT": str(ports[title])})
        servers.append(server)
        server.wait_ready()
        candidates.append(Candidate(title, server))
    for c in candidates:
        c.load(tokens, 1)
    for _ in range(o.rounds):
        for c in candidates:
            c.round(tokens, o.seconds)
    time.sleep(6)  # more than usage waits
    usage = [counter(ports["usage"], "gateway_usage_requests_total", r) for r in ("published", "lost")]
    spans = [counter(ports["spans of every call"], "gateway_spans_total", r) for r in ("exported", "dropped")]
    return "\n".join([
        "# What telling costs", "",
        f"`bench/gateway/telling.sh`, commit {commit()}, {time.strftime('%Y-%m-%d', time.gmtime())}. Machine: {machine()}; load average before the "
        f"run {o.load_before:.1f}. One worker each, 32 connections, repeated tokens, {o.rounds} interleaved rounds of {o.seconds} s; client, gateway, "
        "backend, bus and collector share the cores. \"Ratio\" is to the first line, CPU is that of all processes of the gateway.", "",
        "| | requests/s | ratio | CPU µs/request | p50 ms | p99 ms |", "|---|---|---|---|---|---|", *[row(c, candidates[0]) for c in candidates], "",
        f"Usage of {usage[0]} calls was published, of {usage[1]} lost. With every call recorded, {spans[0]} spans were taken by the collector and "
        f"{spans[1]} found no room: at a worker's full speed it takes fewer than are made, on the same two cores.", ""])


def main():
    o = options_of()
    o.work, o.programs = o.work.resolve(), o.programs.resolve()
    o.work.mkdir(parents=True, exist_ok=True)
    o.load_before = os.getloadavg()[0]
    for name in ("bus", "collector"):
        shutil.rmtree(o.work / name, ignore_errors=True)
    servers, bus, collector = [], Bus(o.work).start(), Collector(o.work / "collector").start()
    try:
        text = measure(o, servers, bus, collector)
    finally:
        for server in servers:
            server.stop()
        collector.stop()
        bus.stop()
    o.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
