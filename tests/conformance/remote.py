"""The cases against a gateway that runs anywhere: standalone, as an image, in a cluster."""
import argparse
import ipaddress
import json
import os
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from world import credentials_of, says_healthy, wait

HOW = """Makes the folder DIR/gateway with what the gateway has to be started with, starts backends, key managers and a name server at ADDRESS,
waits until URL/health answers, and plays the cases. The folder holds contract.json, credentials, trust, resolv.conf and hosts: where they
belong in an image is /etc/gateway/contract.json, /etc/gateway/credentials, /etc/gateway/trust, /etc/resolv.conf and /etc/hosts.
Cases that need a port which is not given are left out, and counted."""


class Remote:
    def __init__(self, options):
        url = urlsplit(options.url)
        self.address, self.http = url.hostname, url.port or 80
        self.https = options.https and (urlsplit(options.https).port or 443)
        self.tokens = options.tokens and (urlsplit(options.tokens).port or 443)
        self.metrics = options.metrics and (urlsplit(options.metrics).port or 80)
        self.own = None

    def is_healthy(self):
        return says_healthy(self.address, self.http)

    def client(self):
        """Our address as the gateway sees it: behind a Service it may be another one than we know."""
        if not self.own:
            with urllib.request.urlopen(f"http://{self.address}:{self.http}/store/v1.0.0/files/client", timeout=5) as answer:
                seen = [value for name, value in json.load(answer)["headers"] if name.lower() == "x-forwarded-for"]
            self.own = str(ipaddress.ip_address(*seen))
        return self.own

    def lacks(self, steps):
        """The port that a case needs and we were not told."""
        for kind, argument, _ in steps:
            scheme = argument.split(" ")[0]
            if kind == "->" and scheme in ("https", "https-plain", "h2") and not self.https:
                return "--https"
            if kind == "->" and scheme == "tokens" and not self.tokens:
                return "--tokens"
            if kind == "->" and scheme == "metrics" and not self.metrics:
                return "--metrics"
        return None


def parse():
    p = argparse.ArgumentParser(prog="run.py", description=HOW, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--url", required=True, help="http://host:port of the gateway")
    p.add_argument("--https", help="https://host:port of its TLS listener; the same host")
    p.add_argument("--tokens", help="https://host:port of the key manager's endpoints; the same host")
    p.add_argument("--metrics", help="http://host:port of its metrics; the same host")
    p.add_argument("--at", default="127.0.0.1", metavar="ADDRESS", help="ours, as the gateway reaches it (default 127.0.0.1)")
    p.add_argument("--dir", help="default: a new one")
    p.add_argument("--start", metavar="COMMAND", help="starts the gateway; a shell command that finds the folder in $CONFORMANCE_DIR, and "
                   "gets SIGTERM at the end")
    p.add_argument("--wait", type=int, default=300, metavar="SECONDS", help="for the gateway (default 300)")
    p.add_argument("pattern", nargs="?", default="", help="cases whose name it matches")
    return p.parse_args()


def write_folder(world, folder):
    (folder / "credentials").mkdir(parents=True)
    (folder / "contract.json").write_text(world.contract())
    for name, text in credentials_of(world.folder).items():
        (folder / "credentials" / f"{name}.json").write_text(text)
    for name in ("resolv.conf", "hosts"):
        (folder / name).write_text((world.folder / name).read_text())
    (folder / "trust").symlink_to("../trust")


def main(new_world, report, play_cases):
    options = parse()
    top = Path(options.dir or tempfile.mkdtemp(prefix="conformance-")).resolve()
    top.mkdir(exist_ok=True)
    world, gateway, process = new_world(None, top, options.at), Remote(options), None
    write_folder(world, top / "gateway")
    print(f"# the gateway's folder is {top}/gateway", flush=True)
    if options.start:
        process = subprocess.Popen(options.start, shell=True, env={**os.environ, "CONFORMANCE_DIR": str(top / "gateway")}, start_new_session=True)

    def is_up():
        assert not process or process.poll() is None, f"the command ended with {process.returncode}"
        return gateway.is_healthy()
    try:
        wait(f"a gateway at {options.url}", is_up, options.wait)
        play_cases(report, gateway, world.tokens, options.pattern)
    finally:
        if process and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
    print(f"  conformance of {options.url}: {report.passed} passed, {len(report.failed)} failed, {report.left_out} left out")
    return 1 if report.failed or report.passed == 0 else 0
