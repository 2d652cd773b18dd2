"""The gateway measured against the same nginx as a plain proxy, in interleaved rounds.

Candidates stand side by side, one nginx worker each, in front of one backend; in every round each is loaded in turn, so that
whatever else the machine does meets all of them. Requests per second are compared within a round; CPU time is what the
candidate's own worker used, which other load on the machine disturbs least.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time

from credentials import ISSUER, KINDS, TOKENS, make_tokens

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NGINX = os.environ.get("GATEWAY_NGINX", "/usr/sbin/nginx")
PACED_CLIENTS = 4
TICK = os.sysconf("SC_CLK_TCK")
KNOWN = json.dumps({"active": True, "client_id": "bench", "username": "bench", "scope": "am_application_scope default", "exp": 3719739826})
BODY = '{"name":"Apples", "id":101, "reviewScore":"0", "stockAvailability":false}'


# ---- inputs ----

def make_contract(work, name, programs, backend, operations, cache=10000, limits=True, few=0, kind="jwt", km=0):
    """A compiled contract with that many operations, a scope, and limits at three levels that nobody reaches; with few, one more
    operation that so many may call in an hour. kind is that of its Security, km the port of a key manager."""
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "swagger").mkdir(parents=True)
    public = subprocess.run(["openssl", "pkey", "-in", work / "key.pem", "-pubout"], capture_output=True, check=True, text=True)
    answers = {"200": {"description": "it"}}
    document = {
        "openapi": "3.0.0", "info": {"title": "Bench", "version": "v1"}, "x-wso2-basePath": "/bench/v1",
        "x-wso2-production-endpoints": {"urls": [f"http://127.0.0.1:{backend}"]},
        "paths": {f"/r{i}/items/{{id}}": {"get": {"operationId": f"get{i}", "x-wso2-throttling-tier": "bench", "x-scope": "default", "responses": answers, "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}} for i in range(operations)},
    }
    never = [{"bench": {"count": 10 ** 12, "unitTime": 1, "timeUnit": "year"}}]
    if kind != "jwt":
        document["security"] = [{"bench": []}]
        document["components"] = {"securitySchemes": {"bench": {"type": "apiKey", "in": "header", "name": "apikey"}}} if kind == "apikey" else {}
    if few:
        document["paths"]["/few/items/{id}"] = {"get": document["paths"]["/r0/items/{id}"]["get"] | {"operationId": "few", "x-wso2-throttling-tier": "few"}}
    tiers = never + [{"Default": never[0]["bench"]}]  # of callers whose credentials name no subscription
    some = never + [{"few": {"count": few, "unitTime": 1, "timeUnit": "hour"}}] if few else never
    conf = {
        "policies": {"resourcePolicies": some, "applicationPolicies": never, "subscriptionPolicies": tiers},
        "settings": {"tokenCacheEntries": cache},
        "securities": [{"name": "default-security-jwt", "type": "jwt", "issuers": [
            {"issuer": ISSUER, "audience": "http://org.wso2.apimgt/gateway", "keys": [{"pem": public.stdout}]}]}],
    }
    if kind != "jwt":
        conf["securities"].append({"name": "bench", "type": kind} | (
            {"endpoint": f"http://127.0.0.1:{km}/token/introspect"} if kind == "oauth" else {}))
    (folder / "swagger" / "bench.json").write_text(json.dumps(document))
    (folder / "conf.json").write_text(json.dumps(conf))
    subprocess.run([programs / "bin/toolkit", "compile", "--swagger", folder / "swagger", "--conf", folder / "conf.json",
                    "--out", folder], check=True, stdout=subprocess.DEVNULL)
    if not limits:
        contract = json.loads((folder / "contract.json").read_text())
        del contract["limits"]
        for api in contract["apis"]:
            for path in api["paths"]:
                for operation in path["operations"]:
                    operation.pop("tier", None)
        (folder / "contract.json").write_text(json.dumps(contract))
    return folder / "contract.json"


# ---- processes ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port, path):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return s.recv(64).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
    except OSError:
        return False


def children(pid):
    found = [pid]
    for at in found:
        found += [int(x) for x in pathlib.Path(f"/proc/{at}/task/{at}/children").read_text().split()]
    return found


class Server:
    """One running candidate, and how its processes use the machine."""

    def __init__(self, args, port, log, env=None):
        self.port = port
        self.log = open(log, "ab", buffering=0)
        self.started = time.monotonic()
        self.process = subprocess.Popen(args, stdout=self.log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})

    def wait_ready(self, path="/health"):
        while not answers(self.port, path):
            if self.process.poll() is not None or time.monotonic() - self.started > 10:
                raise SystemExit(f"{self.process.args[0]}: did not become ready, see {self.log.name}")
        return (time.monotonic() - self.started) * 1000

    def cpu_s(self):
        total = 0
        for pid in children(self.process.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def pss_mb(self):
        total = 0
        for pid in children(self.process.pid):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(5)
        self.log.close()


def alone(work, programs):
    """Copies of all files that a gateway maps: pages of a file are shared with whoever else on this machine has it mapped."""
    folder = work / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    for file in ("bin/gateway", "gateway/ngx_http_apim_module.so"):
        (folder / file).parent.mkdir(parents=True)
        shutil.copy(programs / file, folder / file)
    shutil.copy(NGINX, folder / "nginx")
    for file in (folder / "nginx", folder / "bin/gateway", folder / "gateway/ngx_http_apim_module.so"):
        for word in subprocess.run(["ldd", file], capture_output=True, check=True, text=True).stdout.split():
            if word.startswith("/lib/"):
                shutil.copy(word, folder)
    return folder


def gateway(work, programs, name, contract, workers=1, env=None):
    run = work / f"run-{name}"
    shutil.rmtree(run, ignore_errors=True)
    port = free_port()
    return Server([programs / "bin/gateway"], port, work / f"{name}.log", {
        "GATEWAY_CONTRACT": str(contract), "GATEWAY_RUN_DIR": str(run), "GATEWAY_WORKERS": str(workers),
        "GATEWAY_MODULE": str(programs / "gateway/ngx_http_apim_module.so"), "GATEWAY_NGINX": NGINX, "GATEWAY_BIND": "127.0.0.1",
        "GATEWAY_HTTP_PORT": str(port), "GATEWAY_HTTPS_PORT": str(free_port()), "GATEWAY_METRICS_PORT": str(free_port()),
        "GATEWAY_PRE_STOP_SECONDS": "0", "GATEWAY_DRAIN_SECONDS": "1",
        **(env or {}),
    })


NGINX_CONF = """daemon off; pid {run}/pid; worker_processes 1; error_log stderr warn; {user}
events {{ worker_connections 1024; }}
http {{
	access_log {access_log}; keepalive_requests 1000000;
	client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
	uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
	{http}
	server {{ listen 127.0.0.1:{port}; location = /health {{ return 200; }} {server} }}
}}
"""


def nginx(work, name, http, server, access_log="off"):
    run = work / f"run-{name}"
    run.mkdir(exist_ok=True)
    port = free_port()
    (run / "nginx.conf").write_text(NGINX_CONF.format(run=run, port=port, http=http, server=server, access_log=access_log,
                                                      user="user root;" if os.getuid() == 0 else ""))
    return Server([NGINX, "-e", "stderr", "-p", run, "-c", run / "nginx.conf"], port, work / f"{name}.log")


PROXIED = 'location /bench/v1/ { proxy_pass http://backend/; proxy_http_version 1.1; proxy_set_header Connection ""; }'


def upstream(backend):
    return f"upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000; }}"


def proxy(work, name, backend, access_log="off"):
    return nginx(work, name, upstream(backend), PROXIED, access_log)


# ---- measuring ----

class Candidate:
    def __init__(self, title, server, operations=1, unique=False, callers=None):
        self.title, self.server, self.operations, self.unique, self.callers = title, server, operations, unique, callers
        self.rps, self.cpu_us, self.p50, self.p99 = [], [], [], []
        self.paced = []  # (p50, p99) of requests at a fixed rate

    def load(self, tokens, seconds):
        os.ftruncate(self.server.log.fileno(), 0)
        before = self.server.cpu_s()
        out = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "load.lua",
                              f"http://127.0.0.1:{self.server.port}", "--", self.callers or tokens, str(self.operations),
                              "1" if self.unique else "0"], capture_output=True, check=True, text=True).stdout
        line = next(x for x in out.splitlines() if x.startswith("figures "))
        n, us, not_2xx, failed, p50, p99 = map(int, line.split()[1:])
        if not_2xx or failed or n == 0:
            raise SystemExit(f"{self.title}: {n} requests, {not_2xx} answers other than 2xx, {failed} failed")
        return n / us * 1e6, (self.server.cpu_s() - before) / n * 1e6, p50 / 1000, p99 / 1000

    def round(self, tokens, seconds):
        for to, value in zip((self.rps, self.cpu_us, self.p50, self.p99), self.load(tokens, seconds)):
            to.append(value)


def paced(candidate, tokens, rate, seconds):
    """p50 and p99 in ms of requests that come at a fixed rate, however fast the answers are: h2load, few connections."""
    log = pathlib.Path(candidate.server.log.name).with_suffix(".paced")
    log.unlink(missing_ok=True)
    with open(tokens) as callers:
        header = callers.readline().strip()
    os.ftruncate(candidate.server.log.fileno(), 0)
    subprocess.run(["h2load", "--h1", "-t1", f"-c{PACED_CLIENTS}", f"--rps={rate / PACED_CLIENTS:.0f}", f"-D{seconds}", f"--log-file={log}",
                    "-H", header, f"http://127.0.0.1:{candidate.server.port}/bench/v1/r0/items/1"], stdout=subprocess.DEVNULL, check=True)
    rows = [line.split() for line in log.read_text().splitlines()]
    if not rows or any(row[1] != "200" for row in rows):
        raise SystemExit(f"{candidate.title}: {len(rows)} paced requests, not all of them answered with 200")
    took = sorted(int(row[2]) for row in rows)
    candidate.paced.append((took[len(took) // 2] / 1000, took[len(took) * 99 // 100] / 1000))


def added(full, plain, which):
    return [x[which] - y[which] for x, y in zip(full.paced, plain.paced)]


def span(values, form="{:.0f}"):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}–{form.format(max(values))})"


def ratios(a, b):
    return [x / y for x, y in zip(a, b)]


def row(c, base):
    return f"| {c.title} | {span(c.rps)} | {span(ratios(c.rps, base.rps), '{:.2f}')} | {span(c.cpu_us)} " \
           f"| {span(c.p50, '{:.2f}')} | {span(c.p99, '{:.1f}')} |"


def start_times(work, programs, contract, times):
    found = []
    for _ in range(times):
        server = gateway(work, programs, "start", contract)
        found.append(server.wait_ready())
        server.stop()
    return found


def memory(work, programs, tokens, contract, workers, operations):
    """Idle, and after load."""
    copies = alone(work, programs)
    server = gateway(work, copies, "memory", contract, workers, {"LD_LIBRARY_PATH": str(copies), "GATEWAY_NGINX": str(copies / "nginx")})
    server.wait_ready()
    idle = server.pss_mb()
    Candidate("memory", server, operations).load(tokens, 2)
    loaded = server.pss_mb()
    server.stop()
    return idle, loaded


# A process counts what its parent had in memory when it was begun, so that has to be little.
ALONE = """
import os, sys, time
began = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(time.monotonic() - began, usage.ru_maxrss)
sys.exit(status != 0)
"""


def compile_costs(work, programs, name, times):
    """Milliseconds and MB of `toolkit compile`, the program's start and the writing included."""
    ms, mb = [], []
    folder = work / name
    for _ in range(times):
        done = subprocess.run([sys.executable, "-ISc", ALONE, programs / "bin/toolkit", "compile", "--swagger", folder / "swagger",
                               "--conf", folder / "conf.json", "--out", work / "compiled"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        took, kilobytes = map(float, done.stdout.split())
        ms.append(took * 1000)
        mb.append(kilobytes / 1024)
    return ms, mb


def machine():
    model = next((x.split(":", 1)[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name")), platform.machine())
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{model}, {os.cpu_count()} cores, {gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


def commit():
    def git(*args):
        return subprocess.run(["git", "-C", ROOT, *args], capture_output=True, text=True).stdout.strip()
    return git("rev-parse", "--short", "HEAD") + (" with local changes" if git("status", "--porcelain", "-uno", "gateway", "lib") else "")


def report(candidates, ops, kinds, starts, memories, compiled, options):
    plain, _, full, _, cold = candidates
    version = subprocess.run([NGINX, "-v"], capture_output=True, text=True).stderr.strip().split("/")[-1]
    verdict = statistics.median(ratios(full.rps, plain.rps))
    few, many = ops
    mem1, mem2, mem3 = memories
    ms, mb = compiled
    lines = [
        "# Gateway against plain nginx", "",
        f"`bench/gateway/run.sh`, commit {commit()}, {time.strftime('%Y-%m-%d', time.gmtime())}. Machine: {machine()}; load average "
        f"before the run {options.load_before:.1f}. nginx {version}.", "",
        f"One worker each; client (wrk, 32 connections), candidate and backend share the cores; {TOKENS} RS256 tokens of about "
        f"1 kB in turn; {options.rounds} interleaved rounds of {options.seconds} s. Medians, with ranges in brackets. \"Ratio\" is to the first line, "
        "round by round; CPU is that of the candidate's own processes. Latency is that of h2load's requests at a fixed rate, the same for both. Other load on the machine moves requests/s much and CPU little.", "",
        "| | requests/s | ratio | CPU µs/request | p50 ms | p99 ms |", "|---|---|---|---|---|---|",
        *[row(c, plain) for c in candidates + kinds], "",
        "| figure | measured | to reach |", "|---|---|---|",
        f"| full job with repeated tokens, requests/s against plain nginx | {verdict:.2f} | ≥ 0.8 |",
        f"| the same, CPU per request | {statistics.median(plain.cpu_us) / statistics.median(full.cpu_us):.2f} | |",
        f"| every signature verified, as when all tokens are distinct, requests/s against plain nginx "
        f"| {statistics.median(ratios(cold.rps, plain.rps)):.2f} | ≥ 0.4 |",
        f"| added latency at half of its load, {options.rate:.0f} requests/s, p50, ms | {span(added(full, plain, 0), '{:.2f}')} | ≤ 0.1 |",
        f"| the same, p99 | {span(added(full, plain, 1), '{:.2f}')} | ≤ 0.5 |",
        *[f"| {c.title.split(', ')[1]} against repeated tokens, requests/s (CPU per request) | {span(ratios(c.rps, full.rps), '{:.2f}')} "
          f"({statistics.median(full.cpu_us) / statistics.median(c.cpu_us):.2f}) | ≥ 0.9 |" for c in kinds],
        f"| start → first 200 on /health, ms, {len(starts)} starts | {span(starts)} | ≤ 100 |",
        f"| PSS of all processes, nothing shared with others, one worker, MB: idle / after load | {mem1[0]:.1f} / {mem1[1]:.1f} | ≤ 20 |",
        f"| PSS with 3,000 operations, one worker, MB: idle / after load | {mem3[0]:.1f} / {mem3[1]:.1f} | ≤ 30 |",
        f"| PSS with 3,000 operations, two workers, MB: idle / after load | {mem2[0]:.1f} / {mem2[1]:.1f} | ≤ 40 |",
        f"| compile of a document with 3,000 operations, ms, {len(ms)} times | {span(ms)} | ≤ 100 |",
        f"| the same, largest resident size, MB | {span(mb, '{:.1f}')} | ≤ 32 |",
        f"| 3,000 operations against 10, a new id in every request, requests/s "
        f"| {span(ratios(many.rps, few.rps), '{:.2f}')} | ≥ 0.95 |",
        f"| the same, CPU per request | {statistics.median(few.cpu_us) / statistics.median(many.cpu_us):.2f} | |",
        "",
    ]
    return "\n".join(lines)


def options_of(argv=None):
    p = argparse.ArgumentParser()
    p.add_argument("--programs", type=pathlib.Path, required=True)
    p.add_argument("--work", type=pathlib.Path, required=True)
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--starts", type=int, default=20)
    p.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results/gateway.md")
    return p.parse_args(argv)


def start_kind(o, kind, title, backend):
    """A gateway whose callers show something else than tokens of an issuer."""
    lines, entries = KINDS[kind]()
    folder = o.work / f"callers-{kind}"
    folder.mkdir(exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(entries))
    (folder / "callers").write_text("\n".join(lines) + "\n")
    contract = make_contract(o.work, kind, o.programs, backend.port, 1, kind=kind, km=backend.port)
    server = gateway(o.work, o.programs, f"gateway-{kind}", contract, env={"GATEWAY_CREDENTIALS_DIR": str(folder)})
    return Candidate(f"gateway, {title}", server, callers=folder / "callers")


def measure(o, servers):
    def keep(server):
        servers.append(server)
        server.wait_ready()
        return server

    tokens = make_tokens(o.work)
    backend = keep(nginx(o.work, "backend", "default_type application/json;", f"location / {{ return 200 '{BODY}'; }} location = /token/introspect {{ return 200 '{KNOWN}'; }}"))
    contract = make_contract(o.work, "one", o.programs, backend.port, 1)
    uncached = make_contract(o.work, "uncached", o.programs, backend.port, 1, cache=0)
    unlimited = make_contract(o.work, "unlimited", o.programs, backend.port, 1, limits=False)
    ten = make_contract(o.work, "ten", o.programs, backend.port, 10)
    many = make_contract(o.work, "many", o.programs, backend.port, 3000)
    candidates = [
        Candidate("plain proxy, no access log", keep(proxy(o.work, "plain", backend.port))),
        Candidate("plain proxy with access log", keep(proxy(o.work, "logged", backend.port, "/dev/stdout"))),
        Candidate("gateway, repeated tokens", keep(gateway(o.work, o.programs, "full", contract))),
        Candidate("gateway, repeated tokens, no limits", keep(gateway(o.work, o.programs, "unlimited-gateway", unlimited))),
        Candidate("gateway, every signature verified", keep(gateway(o.work, o.programs, "cold", uncached))),
    ]
    ops = [
        Candidate("10 operations", keep(gateway(o.work, o.programs, "ten", ten)), 10, True),
        Candidate("3,000 operations", keep(gateway(o.work, o.programs, "many", many)), 3000, True),
    ]
    kinds = [start_kind(o, kind, title, backend) for kind, title in
             (("basic", "basic credentials"), ("apikey", "API keys"), ("oauth", "opaque tokens that were asked for"))]
    for c in kinds:
        keep(c.server)
    everybody = candidates + ops + kinds
    for c in everybody:
        c.load(tokens, 1)
    o.rate = statistics.median(candidates[2].load(tokens, o.seconds)[0] for _ in range(5)) / 2
    for i in range(o.rounds):
        for c in everybody:
            c.round(tokens, o.seconds)
        for c in (candidates[0], candidates[2]):
            paced(c, tokens, o.rate, o.seconds)
        print(f"round {i + 1}: " + ", ".join(f"{c.title} {c.rps[-1]:.0f}/s {c.cpu_us[-1]:.0f} µs" for c in everybody), flush=True)
    starts = start_times(o.work, o.programs, contract, o.starts)
    mem1 = memory(o.work, o.programs, tokens, contract, 1, 1)
    mem2 = memory(o.work, o.programs, tokens, many, 2, 3000)
    mem3 = memory(o.work, o.programs, tokens, many, 1, 3000)
    compiled = compile_costs(o.work, o.programs, "many", o.starts)
    return report(candidates, ops, kinds, starts, (mem1, mem2, mem3), compiled, o)


def run(o, measuring, *paths):
    """Of those options; servers that were started are stopped whatever becomes of it."""
    for name in paths:
        setattr(o, name, getattr(o, name).resolve())
    o.work.mkdir(parents=True, exist_ok=True)
    o.load_before = os.getloadavg()[0]
    servers = []
    try:
        text = measuring(o, servers)
    finally:
        for server in servers:
            server.stop()
    o.out.parent.mkdir(parents=True, exist_ok=True)
    o.out.write_text(text)
    print(text)


if __name__ == "__main__":
    run(options_of(), measure, "work", "programs")
