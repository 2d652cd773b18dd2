#!/usr/bin/env python3
"""Measures the control plane on a running cluster with the operator and prints a table.

usage: run.py [--runs 20] [--out FILE] [section...]
sections: jobs builds images restart edits requests memory two-hundred one-limit fifty-builds thousand   (default: all but the last four)

Every figure is taken from outside: the clock is read when a request is sent and when the API server's watch tells of the result.
"""
import argparse
import collections
import http.client
import os
import re
import signal
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
        self.built = None

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

    def api(self, name, image=None, replicas=1):
        spec = {"definition": {"configmapName": name, "type": "swagger"}, "replicas": replicas}
        if image:
            spec["image"] = image
        self.kube.request("POST", self.apis, {"apiVersion": "wso2.com/v1alpha1", "kind": "API", "metadata": {"name": name}, "spec": spec})

    def at_once(self, names, image=None, replicas=1):
        """Ten clients: one that creates after another would be what is measured. They are connected before they begin; returns when that is."""
        together = threading.Barrier(11)

        def create(lot):
            self.kube.open()
            together.wait()
            for name in lot:
                self.api(name, image, replicas)

        for i in range(10):
            threading.Thread(target=create, args=[names[i::10]]).start()
        together.wait()
        return time.monotonic()

    def image(self):
        """The image of a gateway that runs, built once: those of many APIs are to live."""
        if not self.built:
            apis = self.watch(self.apis, ready)
            name = self.name("gateway")
            self.put_map(name, self.document(name))
            self.api(name)
            apis.wait(f"{self.ns}/{name}", "ready", 180)
            found = self.kube.request("GET", f"{self.apis}/{name}")["status"]["image"]
            self.built = f"{found['ref'].rpartition(':')[0]}@{found['digest']}"
            self.delete(name)
        return self.built

    def delete(self, name):
        self.kube.request("DELETE", f"{self.apis}/{name}")
        self.kube.request("DELETE", f"/api/v1/namespaces/{self.ns}/configmaps/{name}")

    def close(self, patience_s=300):
        """What comes next is not to be measured while a thousand objects are being deleted."""
        path, end = f"/api/v1/namespaces/{self.ns}", time.monotonic() + patience_s
        self.kube.request("DELETE", path)
        while any(o["metadata"]["name"] == self.ns for o in self.kube.request("GET", "/api/v1/namespaces")["items"]):
            if time.monotonic() > end:
                print(f"namespace {self.ns} is still being deleted after {patience_s} s", file=sys.stderr)
                return
            time.sleep(1)

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
        apis = self.watch(self.apis, ready)
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
        image = self.image()
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        apis = self.watch(self.apis, ready)
        names = self.many(50, "image")
        settle()
        start = self.at_once(names, image)
        last = max(deployments.wait(f"{self.ns}/{name}", "made", 120) for name in names)
        row("50 APIs at once with spec.image → all Deployments applied", f"{last - start:.2f} s", "≤ 3 s")
        last = max(apis.wait(f"{self.ns}/{name}", "ready", 300) for name in names)
        row("50 APIs at once with spec.image → all Ready", f"{last - start:.1f} s", "–")
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
        self.api(name, self.image())
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
        before = requests_so_far()
        time.sleep(60)
        idle = (requests_so_far() - before).total() / 60
        row("API server requests in a minute with nothing to do", f"{idle * 60:.0f} (leases included)", "–")
        apis = self.watch(self.apis, ready)
        before, start, count = requests_so_far(), time.monotonic(), 0
        while count < self.runs:
            names = self.many(4, "count")
            for name in names:
                self.api(name)
            for name in names:
                apis.wait(f"{self.ns}/{name}", "ready", 120)
            count += len(names)
        time.sleep(12)
        made, took = requests_so_far() - before, time.monotonic() - start
        for (service, what), n in sorted(made.items()):
            print(f"  {service:14} {what:30} {n / count:6.2f} per API, leases and the like included")
        row("API server requests per API, create → Ready", f"{(made.total() - idle * took) / count:.1f} (n={count})", "≤ 30")
        for name in [f"count{i}" for i in range(self.serial + 1)]:
            if f"{self.ns}/{name}" in apis.last:
                self.delete(name)

    def memory(self):
        time.sleep(12)  # what only a burst needs is given back every ten seconds
        services, standby = pss()
        row(f"memory of the six services, {len(self.list('/apis/wso2.com/v1alpha1/apis'))} APIs: sum of PSS",
            f"{services:.1f} MB; the standby watcher {standby:.1f} MB", "idle ≤ 25, 50 APIs ≤ 30, 1,000 APIs ≤ 60 MB")

    def without_pods(self, n, goal):
        """n APIs with spec.image whose gateways have no pods: a node takes a hundred or so, and only the control plane is measured."""
        image = self.image()
        names = self.many(n, "k")
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        apis = self.watch(self.apis, ready)
        settle()
        start = self.at_once(names, image, replicas=0)
        last = max(deployments.wait(f"{self.ns}/{name}", "made", 600) for name in names)
        row(f"{n:,} APIs at once with spec.image, no pods → all Deployments applied", f"{last - start:.1f} s", goal)
        last = max(apis.wait(f"{self.ns}/{name}", "ready", 600) for name in names)
        row(f"{n:,} APIs at once with spec.image, no pods → all Ready", f"{last - start:.1f} s", "–")
        return names

    def two_hundred(self):
        self.idle = self.without_pods(200, "≤ 10 s")

    def one_limit(self):
        """Of 200 APIs five are built, and one of those five uses the RateLimiting that is edited: who is built, who is written."""
        if not getattr(self, "idle", None):
            self.two_hundred()
        limit = {"apiVersion": "wso2.com/v1alpha1", "kind": "RateLimiting", "metadata": {"name": "once"},
                 "spec": {"type": "advance", "timeUnit": "min", "unitTime": 1, "requestCount": {"limit": 5}}}
        path = f"/apis/wso2.com/v1alpha1/namespaces/{self.ns}/ratelimitings"
        self.kube.request("POST", path, limit)
        built = [self.name("limit") for _ in range(5)]
        apis = self.watch(self.apis, ready)
        for name in built:
            tier = "\nx-wso2-throttling-tier: once\n" if name == built[0] else ""
            self.put_map(name, self.document(name) + tier)
            self.api(name)
        for name in built:
            apis.wait(f"{self.ns}/{name}", "ready", 300)
        time.sleep(5)
        before = {n: o["metadata"]["resourceVersion"] for n, o in self.list(self.apis)}
        jobs = self.watch(f"/apis/batch/v1/namespaces/{self.ns}/jobs", lambda o: ["made"])
        self.kube.merge(f"{path}/once", {"spec": {"requestCount": {"limit": 7}}})
        while not any(fact == "made" for _, fact in jobs.seen):
            time.sleep(0.05)
        time.sleep(10)
        written = [n for n, o in self.list(self.apis) if before.get(n) != o["metadata"]["resourceVersion"]]
        row("edit of one RateLimiting used by 1 of 205 APIs: builds", f"{len({n for n, _ in jobs.seen})} ({', '.join(sorted(n for n, _ in jobs.seen))})", "1")
        row("edit of one RateLimiting used by 1 of 205 APIs: APIs written", f"{len(written)}", "1")

    def fifty_builds(self):
        """50 APIs at once, each to be built: what is left of the time when the same builds are done one after the other in as many places."""
        jobs = self.watch(f"/apis/batch/v1/namespaces/{self.ns}/jobs", lambda o: ["made"])
        pods = self.watch(f"/api/v1/namespaces/{self.ns}/pods?labelSelector=batch.kubernetes.io/job-name",
                          lambda o: [f"ended {o['metadata']['labels']['batch.kubernetes.io/job-name']}"] if o["status"].get("phase") == "Succeeded" else [])
        deployments = self.watch(f"/apis/apps/v1/namespaces/{self.ns}/deployments", lambda o: ["made"])
        names = self.many(50, "fifty")
        settle()
        start = self.at_once(names, replicas=0)
        last = max(deployments.wait(f"{self.ns}/{name}", "made", 900) for name in names)
        begun = {name: jobs.wait(f"{self.ns}/{name}-kaniko", "made", 1) for name in names}
        ended = {}
        while len(ended) < len(names):  # a pod's phase follows its container's end
            time.sleep(0.1)
            ended = {fact.split()[1].removesuffix("-kaniko"): at for (_, fact), at in list(pods.seen.items())}
        places = parallelism()
        free = [0.0] * places
        for name in sorted(names, key=begun.get):
            free.sort()
            free[0] += ended[name] - begun[name]
        row(f"50 APIs at once, each built, {places} at a time", f"{last - start:.1f} s, the builds alone {max(free):.1f} s", "–")
        row("50 APIs at once, each built: what the control plane adds", f"{last - start - max(free):.1f} s", "≤ 2 s")

    def thousand(self):
        self.without_pods(1000, "–")
        self.memory()
        self.quiet()
        self.memory()

    def quiet(self):
        """All services restart: from the start of the first new process to the last look or wake, by the services' own logs."""
        restart_services()
        time.sleep(40)
        text = kubectl("get", "pods", "-l", f"app.kubernetes.io/name in ({','.join(SERVICES)})", "-o",
                       "jsonpath={range .items[*].status.containerStatuses[*]}{.state.running.startedAt}{'\\n'}{end}")
        started = min(seconds(line) for line in text.split())
        lines = [line for service in SERVICES
                 for line in kubectl("logs", "-l", f"app.kubernetes.io/name={service}", "--tail=-1").splitlines()
                 if 'msg="looked at"' in line or "msg=woken" in line]
        last = max((seconds(re.match(r"ts=(\S+)", line)[1]) for line in lines), default=started)
        row("restart of all services, 1,000 APIs: quiet again", f"{max(0, last - started):.0f} s, {len(lines)} looks and wakes", "≤ 10 s")


# ---- helpers ----

def restart_services():
    for service in SERVICES:
        subprocess.run(["kubectl", "-n", "wso2-system", "rollout", "restart", f"deployment/{service}"], check=True, stdout=subprocess.DEVNULL)
    for service in SERVICES:
        subprocess.run(["kubectl", "-n", "wso2-system", "rollout", "status", f"deployment/{service}"], check=True, stdout=subprocess.DEVNULL)


def kubectl(*args):
    return subprocess.run(["kubectl", "-n", "wso2-system", *args], capture_output=True, text=True, check=True).stdout


def seconds(stamp):
    whole, _, part = stamp.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone + float(f"0.{part or 0}")


def ready(api):
    return ["ready"] if conditions(api).get("Ready") == "True" else []


def parallelism():
    return int(kubectl("get", "deployment", "builder-svc", "-o", "jsonpath={.spec.template.spec.containers[0].env[?(@.name=='BUILD_PARALLELISM')].value}") or 4)


def settle():
    """Until the services have nothing in hand: no pass for half a second."""
    time.sleep(0.5)


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


def requests_so_far():
    """By service, verb and code, as the services count them themselves."""
    found = collections.Counter()
    for pod, address in pod_ips():
        connection = http.client.HTTPConnection(address, 8080, timeout=5)
        connection.request("GET", "/metrics")
        for line in connection.getresponse().read().decode().splitlines():
            if line.startswith("rest_client_requests_total"):
                labels, n = line.rsplit(" ", 1)
                found[(pod.rsplit("-", 2)[0], " ".join(re.findall(r'"([^"]*)"', labels)))] += int(n)
    return found


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the namespace is closed all the same
    where = machine()
    bench = Bench(args.runs)
    try:
        for section in args.sections or ["memory", "jobs", "builds", "edits", "requests", "images", "restart", "memory"]:
            try:
                getattr(bench, section.replace("-", "_"))()
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
