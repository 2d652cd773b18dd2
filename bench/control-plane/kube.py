"""A small API server client for measurements: requests and watches with the clock beside them. Standard library only."""
import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
import time
import urllib.parse

import yaml


class Kube:
    def __init__(self, path=None):
        with open(path or os.environ["KUBECONFIG"], encoding="utf-8") as file:
            conf = yaml.safe_load(file)
        context = next(c for c in conf["contexts"] if c["name"] == conf["current-context"])["context"]
        cluster = next(c for c in conf["clusters"] if c["name"] == context["cluster"])["cluster"]
        user = next(u for u in conf["users"] if u["name"] == context["user"])["user"]
        url = urllib.parse.urlparse(cluster["server"])
        self.host, self.port = url.hostname, url.port or 443
        self.ssl = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.ssl.load_cert_chain(pem.name)
        self.local = threading.local()

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, context=self.ssl, timeout=60)

    def open(self):
        """This thread's connection, before its first request."""
        self.local.connection = self.connect()
        self.local.connection.connect()

    def request(self, method, path, body=None, content_type="application/json"):
        for attempt in (1, 2):
            if not hasattr(self.local, "connection"):
                self.local.connection = self.connect()
            try:
                self.local.connection.request(method, path, json.dumps(body) if body is not None else None,
                                              {"Content-Type": content_type})
                response = self.local.connection.getresponse()
                text = response.read()
                break
            except (http.client.HTTPException, OSError):
                del self.local.connection
                if attempt == 2:
                    raise
        if response.status >= 300 and not (method == "DELETE" and response.status == 404):
            raise RuntimeError(f"{method} {path}: {response.status} {text[:300]!r}")
        try:
            return json.loads(text)
        except ValueError:
            return text.decode()

    def apply(self, path, body):
        return self.request("PATCH", f"{path}?fieldManager=bench&force=true", body, "application/apply-patch+yaml")

    def merge(self, path, body):
        return self.request("PATCH", path, body, "application/merge-patch+json")


class Watch(threading.Thread):
    """Remembers when each object was first seen in a state: seen[(name, what)] = seconds (time.monotonic)."""

    def __init__(self, kube, path, facts):
        super().__init__(daemon=True)
        self.facts = facts  # object → iterable of words that hold for it
        self.seen = {}
        self.last = {}
        self.changed = threading.Condition()
        version = kube.request("GET", path + ("&" if "?" in path else "?") + "limit=1")["metadata"]["resourceVersion"]
        self.connection = kube.connect()
        self.connection.request("GET", f"{path}{'&' if '?' in path else '?'}watch=1&resourceVersion={version}")
        self.response = self.connection.getresponse()
        self.start()

    def run(self):
        try:
            for line in self.response:
                now = time.monotonic()
                event = json.loads(line)
                name = event["object"]["metadata"].get("namespace", "") + "/" + event["object"]["metadata"]["name"]
                with self.changed:
                    self.last[name] = event["object"] if event["type"] != "DELETED" else None
                    for fact in self.facts(event["object"]) if event["type"] != "DELETED" else ["deleted"]:
                        self.seen.setdefault((name, fact), now)
                    self.changed.notify_all()
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass

    def wait(self, name, fact, timeout):
        end = time.monotonic() + timeout
        with self.changed:
            while (name, fact) not in self.seen:
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise TimeoutError(f"{name} was not {fact} within {timeout} s")
            return self.seen[(name, fact)]


def conditions(obj):
    return {c["type"]: c["status"] for c in obj.get("status", {}).get("conditions", [])}


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]
