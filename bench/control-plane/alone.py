#!/usr/bin/env python3
"""Counts what the control plane costs, without a cluster. Started by alone.sh, which says more.

usage: alone.py [requests] [burst] [many=1000]
"""
import collections
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kube import Kube, Watch, conditions  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DOCUMENT = open(f"{ROOT}/deploy/samples/scenario-1/products_swagger.yaml", encoding="utf-8").read()
SERVICES = ["watcher", "security-svc", "ratelimit-svc", "endpoint-svc", "api-svc", "builder-svc"]
NS = "default"
APIS = f"/apis/wso2.com/v1alpha1/namespaces/{NS}/apis"


class Controllers:
    """Says what the cluster would: builds take `build_s`, gateways `start_s`."""

    def __init__(self, kube, build_s=2.0, start_s=1.0):
        self.kube, self.build_s, self.start_s = kube, build_s, start_s
        self.seen = set()
        self.jobs = Watch(kube, f"/apis/batch/v1/namespaces/{NS}/jobs", self.job)
        self.deployments = Watch(kube, f"/apis/apps/v1/namespaces/{NS}/deployments", self.deployment)
        self.services = Watch(kube, f"/api/v1/namespaces/{NS}/services", self.service)

    def once(self, obj, delay, do):
        key = (obj["kind"], obj["metadata"]["uid"], obj["metadata"].get("generation"))
        if key not in self.seen:
            self.seen.add(key)
            threading.Timer(delay, do, [obj]).start()

    def status(self, path, status):
        self.kube.request("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")

    def job(self, job):
        self.once(job, 0.05, self.pod_begins)
        return ["made"]

    def pod_begins(self, job):
        template, name = job["spec"]["template"], job["metadata"]["name"]
        meta = dict(template["metadata"], name=f"{name}-x")
        meta["labels"] = dict(meta["labels"], **{"batch.kubernetes.io/job-name": name})
        self.kube.request("POST", f"/api/v1/namespaces/{NS}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]})
        self.status(f"/api/v1/namespaces/{NS}/pods/{name}-x", {"phase": "Running"})
        threading.Timer(self.build_s, self.pod_ends, [job]).start()

    def pod_ends(self, job):
        name = job["metadata"]["name"]
        ended = {"exitCode": 0, "reason": "Completed", "message": f"sha256:{abs(hash(name)):064x}"}
        self.status(f"/api/v1/namespaces/{NS}/pods/{name}-x",
                    {"phase": "Succeeded", "containerStatuses": [{"name": "x", "image": "k:1", "imageID": "", "ready": False, "restartCount": 0,
                                                                  "state": {"terminated": ended}}]})
        threading.Timer(0.5, self.job_completes, [job]).start()

    def job_completes(self, job):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        why = {"status": "True", "reason": "CompletionsReached", "message": "", "lastProbeTime": at, "lastTransitionTime": at}
        self.status(f"/apis/batch/v1/namespaces/{NS}/jobs/{job['metadata']['name']}",
                    {"startTime": at, "completionTime": at, "succeeded": 1,
                     "conditions": [dict(why, type="SuccessCriteriaMet"), dict(why, type="Complete")]})

    def deployment(self, deployment):
        self.once(deployment, 0.05, self.rollout_begins)
        return ["made"]

    def rollout(self, deployment, ready):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        progress = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" if ready else "ReplicaSetUpdated", "message": "",
                    "lastUpdateTime": at, "lastTransitionTime": at}
        self.status(f"/apis/apps/v1/namespaces/{NS}/deployments/{deployment['metadata']['name']}",
                    {"observedGeneration": deployment["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready,
                     "availableReplicas": ready, "unavailableReplicas": 1 - ready, "conditions": [progress]})

    def rollout_begins(self, deployment):
        self.rollout(deployment, 0)
        threading.Timer(self.start_s, self.rollout, [deployment, 1]).start()

    def service(self, service):
        if service["spec"]["type"] == "LoadBalancer":
            self.once(service, 0.1, self.address)
        return ["made"]

    def address(self, service):
        self.status(f"/api/v1/namespaces/{NS}/services/{service['metadata']['name']}", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})


class Alone:
    def __init__(self):
        self.kube = Kube()
        self.pids = {}
        for pid in os.environ["PIDS"].split():
            try:
                self.pids[open(f"/proc/{pid}/comm", encoding="ascii").read().strip()] = int(pid)
            except OSError:
                pass
        for name, file in (("kube-apiserver", os.environ["APISERVER_PID_FILE"]), ("etcd", os.path.join(os.path.dirname(os.environ["APISERVER_PID_FILE"]), "etcd.pid"))):
            self.pids[name] = int(open(file, encoding="ascii").read())
        self.apis = Watch(self.kube, APIS, lambda o: ["ready"] if conditions(o).get("Ready") == "True" else [])
        self.serial = 0

    def make(self, n, image=None, threads=10):
        names = [f"a{self.serial + i}" for i in range(n)]
        self.serial += n
        for name in names:
            text = DOCUMENT.replace("/store/v1.0.0", f"/{name}/v1.0.0")
            self.kube.apply(f"/api/v1/namespaces/{NS}/configmaps/{name}",
                            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"swagger.yaml": text}})
        time.sleep(0.5)

        def create(lot):
            for name in lot:
                spec = {"definition": {"configmapName": name, "type": "swagger"}, "replicas": 1}
                if image:
                    spec["image"] = image
                self.kube.request("POST", APIS, {"apiVersion": "wso2.com/v1alpha1", "kind": "API", "metadata": {"name": name}, "spec": spec})

        lots = [threading.Thread(target=create, args=[names[i::threads]]) for i in range(threads)]
        for lot in lots:
            lot.start()
        for lot in lots:
            lot.join()
        return names

    def audit(self):
        """Requests of the services so far, by who, verb and resource; without watches."""
        found = collections.Counter()
        for line in open(os.environ["AUDIT_LOG"], encoding="utf-8"):
            entry = json.loads(line)
            what = entry.get("objectRef", {})
            if entry["verb"] == "watch":
                continue
            name = what.get("name", "")
            if what.get("resource") in ("configmaps", "secrets"):
                name = re.sub(r"^a\d+", "<api>", name)
            else:
                name = ""
            system = what.get("namespace") == "wso2-system"
            found[(entry["user"]["username"].split(":")[-1], entry["verb"], what.get("resource", "") + ("/status" if what.get("subresource") else ""),
                   ("system/" if system else "") + name, entry["responseStatus"]["code"])] += 1
        return found

    def requests(self):
        Controllers(self.kube)
        time.sleep(10)
        before = self.audit()
        time.sleep(30)
        idle = sum((self.audit() - before).values()) / 30
        before, start = self.audit(), time.monotonic()
        count = 0
        for _ in range(3):
            names = self.make(4)
            for name in names:
                self.apis.wait(f"{NS}/{name}", "ready", 60)
            count += len(names)
            time.sleep(5)
        time.sleep(35)  # whoever wanted to look again has looked
        made = self.audit() - before
        idle *= time.monotonic() - start
        table(made, count)
        print(f"API server requests per API, create → Ready: {(sum(made.values()) - idle) / count:.1f} (n={count}), what idle services ask taken off")
        self.report("idle")

    def cpu(self):
        ticks = {}
        for name, pid in self.pids.items():
            stat = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
            ticks[name] = (int(stat[11]) + int(stat[12])) * 1000 / os.sysconf("SC_CLK_TCK")
        return ticks

    def report(self, what):
        sizes = {}
        for name in SERVICES:
            sizes[name] = int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{self.pids[name]}/smaps_rollup", encoding="ascii").read(), re.M)[1]) / 1024
        print(f"memory, {what}: {sum(sizes.values()):.1f} MB: " + ", ".join(f"{n} {s:.1f}" for n, s in sizes.items()), flush=True)

    def burst(self, n=50):
        deployments = Watch(self.kube, f"/apis/apps/v1/namespaces/{NS}/deployments", lambda o: ["made"])
        before, asked, start = self.cpu(), self.audit(), time.monotonic()
        names = self.make(n, "registry.example/gateway:1")
        last = max(deployments.wait(f"{NS}/{name}", "made", 600) for name in names)
        took, then = last - start, self.cpu()
        time.sleep(3)
        after = self.cpu()
        print(f"{n} APIs with spec.image: {took:.2f} s from the first ConfigMap, load {os.getloadavg()[0]:.1f}")
        for name in sorted(after):
            print(f"  {name:16} {(then[name] - before[name]) / n:7.2f} ms per API until the last Deployment, {(after[name] - before[name]) / n:7.2f} in all")
        made = self.audit() - asked
        table(made, n)
        print(f"  requests of the services per API: {sum(made.values()) / n:.1f}")
        self.report(f"{self.serial} APIs")

    def many(self, n):
        Controllers(self.kube, start_s=0.2)
        start = time.monotonic()
        names = self.make(n, "registry.example/gateway:1")
        for name in names:
            self.apis.wait(f"{NS}/{name}", "ready", 900)
        print(f"{n} APIs with spec.image: Ready after {time.monotonic() - start:.0f} s")
        time.sleep(25)
        self.report(f"{n} APIs")
        self.restart(n)

    def restart(self, n):
        """All services die and start again: when the last request is made, and how many; what it costs."""
        asked, old = self.audit(), dict(self.pids)
        for name in SERVICES:
            environment = dict(e.split("=", 1) for e in open(f"/proc/{old[name]}/environ", encoding="utf-8").read().split("\0") if "=" in e)
            program = os.readlink(f"/proc/{old[name]}/exe")
            os.kill(old[name], signal.SIGKILL)
            log = open(f"{os.environ['TMP']}/{name}.log", "a", encoding="utf-8")
            self.pids[name] = subprocess.Popen([program], env=environment, stdout=log, stderr=log, preexec_fn=die_with_us).pid
        start = last = time.monotonic()
        seen = os.path.getsize(os.environ["AUDIT_LOG"])
        while time.monotonic() - last < 15:
            time.sleep(0.05)
            now = os.path.getsize(os.environ["AUDIT_LOG"])
            if now != seen:
                last, seen = time.monotonic(), now
        made = self.audit() - asked
        print(f"restart of all services, {n} APIs: the last request after {last - start:.1f} s, {sum(made.values())} requests:")
        for what, count in made.most_common(12):
            print(f"  {what[0]:14} {what[1]:7} {what[2]:28} {what[3]:44} {what[4]} {count}")
        spent = self.cpu()
        print("  processor seconds since: " + ", ".join(f"{name} {spent[name] / 1000:.2f}" for name in SERVICES))
        self.report(f"{n} APIs, after a restart")


def table(made, n):
    for what, times in sorted(made.items()):
        print(f"{what[0]:14} {what[1]:7} {what[2]:28} {what[3]:44} {what[4]} {times / n:6.2f}")


def die_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main():
    alone = Alone()
    for section in sys.argv[1:] or ["requests", "burst"]:
        name, _, n = section.partition("=")
        getattr(alone, name)(*([int(n)] if n else []))


if __name__ == "__main__":
    main()
    os._exit(0)
