"""The gateway beside other gateways doing the same job with their caches, in interleaved rounds: CPU per request.

Each peer runs with one worker from a Debian 13 root of the bench's own (Envoy from its wheel); its configuration is in peers/.
Before anything is measured, each has to refuse what it should refuse and to keep its connections to the backend.
"""
import argparse
import base64
import http.client
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import bench
from bench import HERE, ROOT, Candidate, Server, free_port, span
from credentials import ISSUER, TOKENS, base64url, make_tokens

AUDIENCE = "http://org.wso2.apimgt/gateway"
LIMIT = 5  # of the operation that few may call
KEPT = 100  # connections to the backend, at most, for all requests of a round


class Peer(Server):
    """A server whose log is a file that it opens itself, or its standard output."""

    def __init__(self, args, port, log, env=None):
        log.unlink(missing_ok=True)
        super().__init__(args, port, log, env)


def write(source, to, values):
    text = source.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    to.write_text(text)
    return to


def in_root(o, name, files, values):
    """A folder /bench/name of the root with these files, filled in."""
    folder = o.root / "bench" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in files:
        write(HERE / "peers" / file, folder / file, values)
    public = subprocess.run(["openssl", "pkey", "-in", o.work / "key.pem", "-pubout"], capture_output=True, check=True).stdout
    for file in ("key.pub", "key.pem"):
        (folder / file).write_bytes(public)
    return folder


def haproxy(o, values):
    folder = in_root(o, "haproxy", ["haproxy.cfg"], values)
    (folder / "apis.map").write_text("/bench/v1/ bench\n")
    (folder / "operations.map").write_text("GET:/bench/v1/r0/items/* never\nGET:/bench/v1/few/items/* few\n")
    (folder / "limits.map").write_text(f"never 2000000000\nfew {LIMIT}\n")
    return Peer(["chroot", o.root, "/usr/sbin/haproxy", "-db", "-f", "/bench/haproxy/haproxy.cfg"], values["PORT"], folder / "log")


def nginx_lua(o, values):
    folder = in_root(o, "nginx", ["nginx.conf", "gateway.lua"], values)
    return Peer(["chroot", o.root, "/usr/sbin/nginx", "-e", "stderr", "-p", "/bench/nginx", "-c", "/bench/nginx/nginx.conf"],
                values["PORT"], folder / "log")


def nginx_plain(o, values):
    """What moving the bytes costs with the nginx that the peer in Lua stands on."""
    folder = in_root(o, "plain", [], values)
    (folder / "nginx.conf").write_text(bench.NGINX_CONF.format(run="/bench/plain", port=values["PORT"], user="user root;", access_log="off",
                                                               http=bench.upstream(values["BACKEND"]), server=bench.PROXIED))
    return Peer(["chroot", o.root, "/usr/sbin/nginx", "-e", "stderr", "-p", "/bench/plain", "-c", "/bench/plain/nginx.conf"],
                values["PORT"], folder / "log")


def apache(o, values):
    folder = in_root(o, "apache", ["apache.conf"], values)
    return Peer(["chroot", o.root, "/usr/sbin/apache2", "-DFOREGROUND", "-f", "/bench/apache/apache.conf"], values["PORT"], folder / "log")


def jwks(work):
    said = subprocess.run(["openssl", "rsa", "-in", work / "key.pem", "-noout", "-modulus"], capture_output=True, check=True, text=True).stdout
    modulus = base64.urlsafe_b64encode(bytes.fromhex(said.split("=")[1].strip())).rstrip(b"=").decode()
    return json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "n": modulus, "e": "AQAB"}]})


def buckets(count):
    """Envoy's limits of an operation, and of the application and the subscription that a token names."""
    def bucket(n):
        return {"max_tokens": n, "tokens_per_fill": n, "fill_interval": "3600s"}

    def action(key, *path):
        return {"actions": [{"metadata": {"descriptor_key": key, "metadata_key": {
            "key": "envoy.filters.http.jwt_authn", "path": [{"key": k} for k in ("claims", *path)]}}}]}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return json.dumps({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "limits",
        "filter_enabled": always, "filter_enforced": always, "token_bucket": bucket(count), "max_dynamic_descriptors": 10000,
        "rate_limits": [action("application", "application", "name"), action("subscription", "sub")],
        "descriptors": [{"entries": [{"key": key}], "token_bucket": bucket(2000000000)} for key in ("application", "subscription")]})


def envoy(o, values):
    folder = o.work / "envoy"
    folder.mkdir(exist_ok=True)
    values |= {"ADMIN": free_port(), "JWKS": jwks(o.work), "LIMITS 2000000000": buckets(2000000000), f"LIMITS {LIMIT}": buckets(LIMIT)}
    conf = write(HERE / "peers/envoy.yaml", folder / "envoy.yaml", values)
    return Peer([o.envoy, "--concurrency", "1", "--base-id-path", folder / "base", "--use-dynamic-base-id", "-c", conf, "-l", "error"], values["PORT"],
                folder / "log")


# ---- the same job ----

def ask(server, path, token=None):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    c.request("GET", path, headers={"Authorization": "Bearer " + token} if token else {})
    status = c.getresponse().status
    c.close()
    return status


def sign(work, **changed):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-x", "keytype": "PRODUCTION", "scope": "other default", "exp": 3719739826,
              "jti": "x", "application": {"name": "application-x", "id": 1234567, "tier": "bench"},
              "subscribedAPIs": [{"name": "Bench", "version": "v1", "subscriptionTier": "bench"}]} | changed
    text = b".".join(base64url(json.dumps(x).encode()) for x in ({"alg": "RS256", "typ": "JWT"}, claims))
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", work / "key.pem"], input=text, capture_output=True, check=True).stdout
    return (text + b"." + base64url(made)).decode()


def check_job(title, server, work, with_limits):
    good = sign(work)
    path = "/bench/v1/r0/items/1"
    found = {
        "a good token": (ask(server, path, good), ask(server, path, good)) == (200, 200),
        "no token": ask(server, path) == 401,
        "a damaged token": ask(server, path, good[:-6] + "AAAAAA") == 401,
        "an expired token": ask(server, path, sign(work, exp=1500000000)) == 401,
        "another issuer": ask(server, path, sign(work, iss="https://other")) in (401, 403),
        "another audience": ask(server, path, sign(work, aud="other")) in (401, 403),
        "no scope": ask(server, path, sign(work, scope="defaults")) in (401, 403),
        "no such path": with_limits and ask(server, "/bench/v1/nothing", good) == 404 or not with_limits,
        "a limit": not with_limits or [ask(server, "/bench/v1/few/items/1", good) for _ in range(LIMIT + 1)] == [200] * LIMIT + [429],
    }
    wrong = [what for what, right in found.items() if not right]
    if wrong:
        raise SystemExit(f"{title} does not do the job: {', '.join(wrong)}")


def accepted(backend):
    c = http.client.HTTPConnection("127.0.0.1", backend.port, timeout=10)
    c.request("GET", "/status")
    text = c.getresponse().read().decode()
    c.close()
    return int(re.search(r"(\d+) \d+ \d+", text)[1])


def check_log(title, server):
    lines = [line for line in pathlib.Path(server.log.name).read_text().splitlines() if "/items/" in line]
    if not lines or not all(isinstance(json.loads(line), dict) for line in lines[-10:]):
        raise SystemExit(f"{title} writes no JSON lines")


# ---- the run ----

def version(*command):
    text = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", text.stdout + text.stderr)
    return found[0] if found else "?"


def measure(o, servers):
    def keep(server):
        servers.append(server)
        server.wait_ready()
        return server

    tokens = make_tokens(o.work)
    backend = keep(bench.nginx(o.work, "backend", "default_type application/json;",
                               f"location = /status {{ stub_status; }} location / {{ return 200 '{bench.BODY}'; }}"))
    contract = bench.make_contract(o.work, "peers-one", o.programs, backend.port, 1, few=LIMIT)
    candidates = [Candidate("this gateway", keep(bench.gateway(o.work, o.programs, "full", contract)))]
    for title, start in (
            (f"HAProxy {version('chroot', o.root, '/usr/sbin/haproxy', '-v')}", haproxy),
            (f"nginx {version('chroot', o.root, '/usr/sbin/nginx', '-v')} with Lua", nginx_lua),
            (f"Envoy {version(o.envoy, '--version')}", envoy),
            (f"Apache {version('chroot', o.root, '/usr/sbin/apache2', '-v')}, no limits", apache)):
        candidates.append(Candidate(title, keep(start(o, {"PORT": free_port(), "BACKEND": backend.port, "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}))))
    for c in candidates:
        check_job(c.title, c.server, o.work, "no limits" not in c.title)
        before = accepted(backend)
        c.load(tokens, 1)
        if accepted(backend) - before > KEPT:
            raise SystemExit(f"{c.title} does not keep its connections to the backend: {accepted(backend) - before} new ones in a second")
        if "Envoy" not in c.title:  # it writes when a buffer is full
            check_log(c.title, c.server)
    theirs = version("chroot", o.root, "/usr/sbin/nginx", "-v")
    plain = [Candidate(f"nginx {version(bench.NGINX, '-v')}, ours, as plain proxy", keep(bench.proxy(o.work, "plain", backend.port))),
             Candidate(f"nginx {theirs} as plain proxy", keep(nginx_plain(o, {"PORT": free_port(), "BACKEND": backend.port})))]
    for c in plain:
        c.load(tokens, 1)
    for i in range(o.rounds):
        for c in plain + candidates:
            c.round(tokens, o.seconds)
        print(f"round {i + 1}: " + ", ".join(f"{c.title} {c.rps[-1]:.0f}/s {c.cpu_us[-1]:.0f} µs" for c in candidates), flush=True)
    return report(plain, candidates, o)


def row(c, ours):
    ratio = span(bench.ratios(ours.cpu_us, c.cpu_us), "{:.2f}") if c is not ours else ""
    return f"| {c.title} | {span(c.cpu_us)} | {ratio} | {span(c.rps)} | {span(c.p99, '{:.1f}')} | {c.server.pss_mb():.0f} |"


def added(c, plain):
    return statistics.median(x - y for x, y in zip(c.cpu_us, plain.cpu_us))


def report(plain, candidates, o):
    ours, *peers = candidates
    best = min(peers, key=lambda c: statistics.median(c.cpu_us))
    ratio = statistics.median(bench.ratios(ours.cpu_us, best.cpu_us))
    return "\n".join([
        "# Gateway against other gateways", "",
        f"`bench/gateway/peers.sh`, commit {bench.commit()}, {time.strftime('%Y-%m-%d', time.gmtime())}. Machine: {bench.machine()}; load average "
        f"before the run {o.load_before:.1f}. Peers are those of Debian 13; Envoy's is its wheel on PyPI.", "",
        f"The same job by all: one route with a parameter, RS256 with claims and a scope, three limits that nobody reaches, rewriting, one JSON line "
        f"for each request, kept connections to the backend. Each remembers tokens as it can ({TOKENS} in turn, all fit). Apache has no limits "
        f"by count. Before the run each had to refuse what it should. One worker each; {o.rounds} interleaved rounds of {o.seconds} s; medians, with "
        "ranges in brackets; the ratio is taken round by round. CPU is that of all of a candidate's processes.", "",
        "| | CPU µs/request | ours against it | requests/s | p99 ms | PSS MB |", "|---|---|---|---|---|---|",
        *[row(c, ours) for c in [ours, *peers, *plain]], "",
        "| figure | measured | to reach |", "|---|---|---|",
        f"| CPU per request against the best of them ({best.title}) | {ratio:.2f} | ≤ 0.6 |",
        f"| the same of a plain proxy, which does nothing ({plain[0].title}) "
        f"| {statistics.median(bench.ratios(plain[0].cpu_us, best.cpu_us)):.2f} | |",
        f"| what the job adds to a plain proxy, against what it adds there, µs "
        f"| {added(ours, plain[0]):.1f} : {added(best, plain[1]):.1f} | |", ""])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--programs", type=pathlib.Path, required=True)
    p.add_argument("--work", type=pathlib.Path, required=True)
    p.add_argument("--root", type=pathlib.Path, required=True)
    p.add_argument("--envoy", type=pathlib.Path, required=True)
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results/gateway-peers.md")
    o = p.parse_args()
    bench.run(o, measure, "programs", "work", "root", "envoy")


if __name__ == "__main__":
    main()
