#!/usr/bin/env python3
"""Measures the control plane on a running cluster with the operator and prints a table.

usage: run.py [--runs 20] [--out FILE] [section...]
sections: jobs builds images restart edits requests memory thousand   (default: all but thousand)

Every figure is taken from outside: the clock is read when a request is sent and when the API server's watch tells of the result.
"""
import argparse
import http.client
import os
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kube import Kube, Watch, conditions, percentile  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SERVICES = ["watcher", "security-svc", "ratelimit-svc", "endpoint-svc", "api-svc", "builder-svc"]
TOKEN = "".join(open(f"{ROOT}/tests/data/sample-token.jwt", encoding="ascii").read().split())
DOCUMENT = open(f"{ROOT}/deploy/samples/scenario-1/products_swagger.yaml", encoding="utf-8").read()
rows = []


def row(what, value, goal):
    rows.append((what, value, goal))
    print(f"{what:62} {value:34} {goal}", flush=True)


def ms(values):
    return f"p50 {percentile(values, 50) * 1000:.0f} ms, p99 {percentile(values, 99) * 1000:.0f} ms (n={len(values)})"


class Bench:
    def __init__(self, runs):
        self.kube = Kube()
        self.runs = runs
        self.ns = f"bench-{int(time.time()) % 100000}"
        self.kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": self.ns}})
        self.apis = f"/apis/wso2.com/v1alpha1/namespaces/{self.ns}/apis"
        self.serial = 0

    def watch(self, path, facts):
        return Watch(self.kube, path, facts)

    def name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial}"

    def document(self, name, title=None):
        text = DOCUMENT.replace("/store/v1.0.0", f"/{name}/v1.0.0").replace("http://products", "http://products.default")
        return text if title is None else text + f"\nx-note: {title}\n"

    def put_map(self, name, text):
        self.kube.apply(f"/api/v1/namespaces/{self.ns}/configmaps/{name}",
                        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"swagger.yaml": text}})

    def api(self, name, image=None):
        spec = {"definition": {"configmapName": name, "type": "swagger"}, "replicas": 1}
        if image:
            spec["image"] = image
        self.kube.request("POST", self.apis, {"apiVersion": "wso2.com/v1alpha1", "kind": "API", "metadata": {"name": name}, "spec": spec})

    def at_once(self, names, image):
        """Ten clients: one that creates after another would be what is measured."""
        def create(lot):
            for name in lot:
                self.api(name, image)

        threads = [threading.Thread(target=create, args=[names[i::10]]) for i in range(10)]
        for thread in threads:
            thread.start()
        return threads

    def delete(self, name):
        self.kube.request("DELETE", f"{self.apis}/{name}")
        self.kube.request("DELETE", f"/api/v1/namespaces/{self.ns}/configmaps/{name}")

    def close(self):
        self.kube.request("DELETE", f"/api/v1/namespaces/{self.ns}")

    # ---- sections ----

    def jobs(self):
        """apply → Job created; the build is stopped at once."""
        jobs = self.watch(f"/apis/batch/v1/namespaces/{self.ns}/jobs", lambda o: ["made"])
        took = []
        for _ in range(self.runs):
            name = self.name("job")
            self.put_map(name, self.document(name))
            settle()
            start = time.monotonic()
            self.api(name)
            took.append(jobs.wait(f"{self.ns}/{name}-kaniko", "made", 20) - start)
            self.delete(name)
        row("apply of the API → Job created, idle", ms(took), "p50 ≤ 50 ms, p99 ≤ 150 ms")

    def builds(self):
        """Real builds one after the other: Job finished → Deployment, apply → first 200."""
        jobs = self.watch(f"/apis/batch/v1/namespaces/{self.ns}/jobs", lambda o: [t for t, s in conditions(o).items() if s == "True"])
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        apis = self.watch(self.apis, lambda o: ["ready"] if conditions(o).get("Ready") == "True" else [])
        gap, first = [], []
        for _ in range(self.runs):
            name = self.name("build")
            self.put_map(name, self.document(name))
            settle()
            start = time.monotonic()
            self.api(name)
            first.append(self.first_answer(name, apis) - start)
            key = f"{self.ns}/{name}"
            gap.append(max(0, deployments.wait(key, "made", 10) - jobs.wait(f"{key}-kaniko", "Complete", 10)))
            self.delete(name)
        row("Job finished → Deployment applied", ms(gap), "p99 ≤ 150 ms")
        row("apply → first 200 through the gateway, real build", ms(first), "p50 ≤ 6 s")

    def first_answer(self, name, apis, limit=90):
        end = time.monotonic() + limit
        context = ssl._create_unverified_context()
        while time.monotonic() < end:
            live = apis.last.get(f"{self.ns}/{name}") or {}
            address = live.get("status", {}).get("endpoint", "<pending>")
            if address == "<pending>":
                time.sleep(0.01)
                continue
            try:
                request = urllib.request.Request(f"https://{address}:9095/{name}/v1.0.0/products", headers={"Authorization": f"Bearer {TOKEN}"})
                with urllib.request.urlopen(request, context=context, timeout=1) as response:
                    if response.status == 200:
                        return time.monotonic()
            except OSError:
                time.sleep(0.02)
        raise TimeoutError(f"{name} gave no answer within {limit} s")

    def many(self, n, prefix):
        names = [self.name(prefix) for _ in range(n)]
        for name in names:
            self.put_map(name, self.document(name))
        return names

    def images(self):
        """APIs with spec.image: nothing to build."""
        image = gateway_image()
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        names = self.many(50, "image")
        settle()
        start = time.monotonic()
        self.at_once(names, image)
        last = max(deployments.wait(f"{self.ns}/{name}", "made", 120) for name in names)
        row("50 APIs at once with spec.image → all Deployments applied", f"{last - start:.2f} s", "≤ 3 s")
        self.deployed = names

    def restart(self):
        """All services restart with 50 deployed APIs."""
        if not getattr(self, "deployed", None):
            self.images()
        apis = self.watch(self.apis, lambda o: [])
        time.sleep(5)
        before = {n: o["metadata"]["resourceVersion"] for n, o in self.list(self.apis)}
        jobs = self.watch(f"/apis/batch/v1/namespaces/{self.ns}/jobs", lambda o: ["made"])
        name = self.name("after")
        self.put_map(name, self.document(name))
        restart_services()
        start = time.monotonic()
        self.api(name)
        took = jobs.wait(f"{self.ns}/{name}-kaniko", "made", 30) - start
        time.sleep(5)
        after = {n: o["metadata"]["resourceVersion"] for n, o in self.list(self.apis)}
        written = sum(before[n] != after.get(n) for n in before)
        row("restart of all services, 50 APIs: a new API → its Job", f"{took:.2f} s", "≤ 1 s")
        row("restart of all services, 50 APIs: unchanged ones written", f"{written}", "0")
        self.delete(name)
        del apis

    def list(self, path):
        return [(o["metadata"]["name"], o) for o in self.kube.request("GET", path)["items"]]

    def edits(self):
        """Edit of the OpenAPI ConfigMap → the pass begins, told by api-svc's own clock and log (one machine, one clock)."""
        name = self.name("edit")
        self.put_map(name, self.document(name))
        self.api(name, gateway_image())
        settle()
        took = []
        for i in range(self.runs):
            sent = time.time()
            self.put_map(name, self.document(name, f"edit {i}"))
            took.append(begin_of_pass(name, sent) - sent)
        row("edit of OpenAPI ConfigMap → reconcile begins", ms(took), "p99 ≤ 100 ms")
        took = []
        for i in range(self.runs):
            sent = time.time()
            self.kube.merge(f"{self.apis}/{name}", {"spec": {"replicas": 2 + i % 2}})
            took.append(begin_of_pass(name, sent) - sent)
        row("API server event (spec edit) → reconcile begins", ms(took), "p99 ≤ 20 ms")
        self.delete(name)

    def requests(self):
        """API server requests of all services together, per API: four at a time, as many as are built at once. What the idle services ask meanwhile (leases) is
        measured before and taken off."""
        settle()
        time.sleep(11)
        before = total_requests()
        time.sleep(60)
        idle = (total_requests() - before) / 60
        row("API server requests in a minute with nothing to do", f"{idle * 60:.0f} (leases included)", "–")
        apis = self.watch(self.apis, lambda o: ["ready"] if conditions(o).get("Ready") == "True" else [])
        before, start, count = total_requests(), time.monotonic(), 0
        while count < self.runs:
            names = self.many(4, "count")
            for name in names:
                self.api(name)
            for name in names:
                apis.wait(f"{self.ns}/{name}", "ready", 120)
            count += len(names)
        time.sleep(12)
        made = total_requests() - before - idle * (time.monotonic() - start)
        row("API server requests per API, create → Ready", f"{made / count:.1f} (n={count})", "≤ 30")
        for name in [f"count{i}" for i in range(self.serial + 1)]:
            if f"{self.ns}/{name}" in apis.last:
                self.delete(name)

    def memory(self):
        services, standby = pss()
        row(f"memory of the six services, {len(self.list('/apis/wso2.com/v1alpha1/apis'))} APIs: sum of PSS",
            f"{services:.1f} MB; the standby watcher {standby:.1f} MB", "idle ≤ 25, 50 APIs ≤ 30, 1,000 APIs ≤ 60 MB")

    def thousand(self):
        """1,000 APIs with spec.image. The node takes no new pods meanwhile: only the control plane is measured."""
        node("cordon")
        names = self.many(1000, "k")
        image = gateway_image()
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        start = time.monotonic()
        self.at_once(names, image)
        last = max(deployments.wait(f"{self.ns}/{name}", "made", 600) for name in names)
        row("1,000 APIs with spec.image → all Deployments applied", f"{last - start:.1f} s", "–")
        time.sleep(15)
        self.memory()
        self.quiet()

    def quiet(self):
        """All services restart; until no request but the leases' is made any more."""
        node("uncordon")
        restart_services()
        node("cordon")
        start, last, seen = time.monotonic(), time.monotonic(), total_requests()
        while time.monotonic() - last < 12 and time.monotonic() - start < 120:
            time.sleep(1)
            now = total_requests()
            if now > seen + 10:
                last = time.monotonic()
            seen = now
        row("restart of all services, 1,000 APIs: quiet again", f"≤ {last - start:.0f} s (figures are told every 10 s)", "≤ 10 s")
        node("uncordon")


# ---- helpers ----

def restart_services():
    for service in SERVICES:
        subprocess.run(["kubectl", "-n", "wso2-system", "rollout", "restart", f"deployment/{service}"], check=True, stdout=subprocess.DEVNULL)
    for service in SERVICES:
        subprocess.run(["kubectl", "-n", "wso2-system", "rollout", "status", f"deployment/{service}"], check=True, stdout=subprocess.DEVNULL)


def node(action):
    subprocess.run(["kubectl", action, "node1"], check=True, stdout=subprocess.DEVNULL)


def settle():
    """Until the services have nothing in hand: no pass for half a second."""
    time.sleep(0.5)


def gateway_image():
    for line in open(f"{ROOT}/build/release/images.env", encoding="ascii"):
        if line.startswith("gateway="):
            return line.strip().split("=", 1)[1]
    raise SystemExit("build/release/images.env names no gateway image")


def begin_of_pass(name, after, limit=10):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        log = subprocess.run(["kubectl", "-n", "wso2-system", "logs", "-l", "app.kubernetes.io/name=api-svc", "--tail=40", "--max-log-requests=10"],
                             capture_output=True, text=True, check=True).stdout
        for line in log.splitlines():
            found = re.match(r"ts=(\S+)\.(\d+)Z .*" + re.escape(f"/{name}\\\"") + r".* us=(\d+)", line)
            if found:
                finished = time.mktime(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S")) - time.timezone + int(found[2]) / 1000
                begun = finished - int(found[3]) / 1e6
                if begun >= after - 0.001:
                    return begun
    raise TimeoutError(f"no pass over {name}")


def pod_ips():
    pods = subprocess.run(["kubectl", "-n", "wso2-system", "get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{'\\n'}{end}"],
                          capture_output=True, text=True, check=True).stdout
    return [line.split() for line in pods.splitlines() if line.split()[0].rsplit("-", 2)[0] in SERVICES]


def total_requests():
    total = 0
    for _, address in pod_ips():
        connection = http.client.HTTPConnection(address, 8080, timeout=5)
        connection.request("GET", "/metrics")
        for line in connection.getresponse().read().decode().splitlines():
            if line.startswith("rest_client_requests_total"):
                total += int(line.split()[-1])
    return total


def pss():
    """One process of each service, and what further ones (the second watcher) take."""
    found = {}
    for pid in os.listdir("/proc"):
        try:
            name = pid.isdigit() and open(f"/proc/{pid}/comm", encoding="ascii").read().strip()
            if name in SERVICES:
                found.setdefault(name, []).append(int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup", encoding="ascii").read(), re.M)[1]))
        except OSError:
            pass
    first = sum(max(sizes) for sizes in found.values())
    return first / 1024, (sum(map(sum, found.values())) - first) / 1024


def machine():
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo", encoding="ascii").read())
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{os.cpu_count()} × {model[1] if model else '?'}, Linux {os.uname().release}, commit {commit}, load {os.getloadavg()[0]:.1f} at the start"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--out")
    parser.add_argument("sections", nargs="*", default=[])
    args = parser.parse_args()
    where = machine()
    bench = Bench(args.runs)
    try:
        for section in args.sections or ["memory", "jobs", "builds", "edits", "requests", "images", "restart", "memory"]:
            try:
                getattr(bench, section)()
            except (TimeoutError, RuntimeError, subprocess.CalledProcessError) as error:
                row(section, f"not measured: {error}", "")
    finally:
        bench.close()
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(f"# Control plane\n\n{time.strftime('%Y-%m-%d')}, {where}; local cluster, one node, one replica of each service (two of watcher)\n\n")
            file.write("| what | measured | to reach |\n|---|---|---|\n")
            file.writelines(f"| {a} | {b} | {c} |\n" for a, b, c in rows)


if __name__ == "__main__":
    main()
