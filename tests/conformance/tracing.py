"""Stories of spans, taken by a real collector of OpenTelemetry."""
import json
import os
import signal
import socket
import subprocess
import time

from bus import Bus, program
from compiled import compile_documents, document
from usage import collect, number, publishing
from world import free_port, running, wait

STORIES = []
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def story(function):
    STORIES.append(function)
    return function


class Collector:
    """Takes OTLP over HTTP; what it got lies in a file, a line per request."""

    def __init__(self, folder, tls=None):
        self.folder = folder
        self.folder.mkdir()
        self.port, self.process, self.out = free_port(), None, folder / "spans"
        http = {"endpoint": f"127.0.0.1:{self.port}"} | ({"tls": {"cert_file": str(tls[0]), "key_file": str(tls[1])}} if tls else {})
        (folder / "conf.json").write_text(json.dumps({
            "receivers": {"otlp": {"protocols": {"http": http}}},
            "exporters": {"file": {"path": str(self.out), "flush_interval": "50ms", "append": True}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
                        "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}}}}))

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([program("otelcol"), "--config", self.folder / "conf.json"], stdout=log, stderr=log)
        wait("the collector", self.is_up, 20)
        return self

    def is_up(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)

    def resources(self):
        lines = self.out.read_text().split("\n")[:-1] if self.out.exists() else []
        return [resource for line in lines for resource in json.loads(line)["resourceSpans"]]

    def spans(self):
        found = [span for r in self.resources() for scope in r["scopeSpans"] for span in scope["spans"]]
        for span in found:
            span["attributes"] = attributes(span)
        return found

    def of_path(self, path, n=1):
        """Server spans of that path, each with its client span or None; n of them."""
        def pairs():
            spans = self.spans()
            servers = [s for s in spans if s["kind"] == 2 and s["attributes"].get("url.path") == path]
            return [(s, next((c for c in spans if c["kind"] == 3 and c["parentSpanId"] == s["spanId"]), None)) for s in servers]
        return wait(f"{n} spans of {path}", lambda: (found := pairs()) and len(found) >= n and found, 15)


def attributes(of):
    return {a["key"]: next(iter(a["value"].values())) for a in of.get("attributes", [])}


def traced(world, collector, *more, **environment):
    scheme = "https" if more else "http"
    host = "tls.test" if more else "127.0.0.1"
    return world.gateway(OTEL_EXPORTER_OTLP_ENDPOINT=f"{scheme}://{host}:{collector.port}", **environment)


def call(gateway, path, *headers, scheme="http"):
    """What the backend saw: its headers by lower-case name; or the status when it is no answer of the backend."""
    port = gateway.http if scheme == "http" else gateway.https
    command = ["curl", "-sk", "-w", "\n%{http_code}", f"{scheme}://127.0.0.1:{port}{path}"]
    for header in headers:
        command += ["-H", header]
    body, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rsplit("\n", 1)
    if status != "200":
        return int(status)
    seen = {}
    for name, value in json.loads(body)["headers"]:
        seen.setdefault(name.lower(), []).append(value)
    return seen


@story
def spans_reach_a_collector_with_the_semantic_conventions(world, _):
    collector = Collector(world.folder / "otel").start()
    gateway = traced(world, collector, OTEL_SERVICE_NAME="shop-front", OTEL_RESOURCE_ATTRIBUTES="k8s.namespace.name=shop,note=a%20b",
                     OTEL_EXPORTER_OTLP_HEADERS="api-key=of%20ours", GATEWAY_INSTANCE="shop-front-7d4").start()
    with running(collector):
        token = world.tokens.get("writer")
        seen = call(gateway, "/store/v1.0.0/products/55?secret=x", "Authorization: Bearer " + token, "User-Agent: a\"b",
                    f"traceparent: 00-{TRACE}-{PARENT}-01", "tracestate: vendor=1")
        server, client = collector.of_path("/store/v1.0.0/products/55")[0]
        assert (server["traceId"], server["parentSpanId"]) == (TRACE, PARENT) and client["traceId"] == TRACE
        assert seen["traceparent"] == [f"00-{TRACE}-{client['spanId']}-01"] and seen["tracestate"] == ["vendor=1"], seen
        assert server["name"] == "GET /store/v1.0.0/products/{id}", server
        expected = {"http.request.method": "GET", "http.response.status_code": "200", "http.route": "/store/v1.0.0/products/{id}",
                    "url.scheme": "http", "server.address": "127.0.0.1", "server.port": str(gateway.http), "client.address": "127.0.0.1",
                    "network.protocol.version": "1.1", "user_agent.original": 'a"b', "apim.api.name": "Online-Store",
                    "apim.api.version": "v1.0.0", "apim.operation": "getProduct", "apim.application": "app"}
        assert expected.items() <= server["attributes"].items(), server
        assert client["name"] == "GET" and {"http.request.method": "GET", "http.response.status_code": "200", "server.address": "127.0.0.1",
                                            "server.port": str(world.backend.port), "network.peer.address": "127.0.0.1"}.items() \
            <= client["attributes"].items(), client
        assert client["attributes"]["url.full"].endswith("/products/55"), "without the query"
        times = [int(x) for x in (server["startTimeUnixNano"], client["startTimeUnixNano"], client["endTimeUnixNano"],
                                  server["endTimeUnixNano"])]
        assert times == sorted(times) and abs(times[0] / 1e9 - time.time()) < 60, times
        assert "status" not in server or not server["status"], server
        resource = attributes(collector.resources()[0]["resource"])
        assert {"service.name": "shop-front", "service.instance.id": "shop-front-7d4", "k8s.namespace.name": "shop", "note": "a b"}.items() <= resource.items(), resource
        line = gateway.logged("/store/v1.0.0/products/55")[0]
        assert line["traceparent"] == f"00-{TRACE}-{server['spanId']}-01", line
        assert call(gateway, "/backends/refused") == 500 and call(gateway, "/store/v1.0.0/products") == 401
        server, client = collector.of_path("/backends/refused")[0]
        assert server["status"]["code"] == client["status"]["code"] == 2 and server["attributes"]["error.type"] == "500", server
        assert client["attributes"]["error.type"] == "no_response" and server["attributes"]["apim.fault"] == "101503", client
        server, client = collector.of_path("/store/v1.0.0/products")[0]
        assert client is None and server["attributes"]["http.response.status_code"] == "401" and not server.get("status"), server
        wait("the counter", lambda: gateway.metric(r'gateway_spans_total\{result="exported"\}') == 5)
        assert gateway.metric(r'gateway_spans_total\{result="dropped"\}') == 0
    return gateway


@story
def a_trace_is_begun_where_there_is_none_and_its_callers_decide_where_there_is(world, _):
    collector = Collector(world.folder / "otel-decides").start()
    gateway = traced(world, collector, OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0").start()
    with running(collector):
        path = "/store/v1.0.0/files/decides"
        new = call(gateway, path)["traceparent"][0].split("-")
        assert [len(x) for x in new] == [2, 32, 16, 2] and new[3] == "00" and int(new[1], 16) and int(new[2], 16), new
        for broken in (f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", "nonsense"):
            seen = call(gateway, path, "traceparent: " + broken, "tracestate: vendor=1")
            assert TRACE not in seen["traceparent"][0] and "tracestate" not in seen, seen
        twice = call(gateway, path, f"traceparent: 00-{TRACE}-{PARENT}-01", f"traceparent: 00-{TRACE}-{PARENT}-01")["traceparent"]
        assert len(twice) == 1 and TRACE not in twice[0], twice
        assert call(gateway, path, f"traceparent: 00-{TRACE}-{PARENT}-00")["traceparent"][0].endswith("-00")
        assert call(gateway, path, f"traceparent: 00-{TRACE}-{PARENT}-01")["traceparent"][0].endswith("-01")
        servers = collector.of_path(path)
        assert len(servers) == 1 and servers[0][0]["traceId"] == TRACE, "one of eight calls was to be recorded"
    return gateway


@story
def a_ratio_of_the_calls_is_recorded(world, _):
    collector = Collector(world.folder / "otel-ratio").start()
    gateway = traced(world, collector, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5").start()
    with running(collector):
        flags = [call(gateway, "/store/v1.0.0/files/ratio")["traceparent"][0][-2:] for _ in range(100)]
        chosen = flags.count("01")
        assert 20 < chosen < 80, chosen
        assert len(collector.of_path("/store/v1.0.0/files/ratio", chosen)) == chosen
    return gateway


@story
def a_collector_that_is_away_costs_nothing_and_gets_what_was_kept(world, _):
    collector = Collector(world.folder / "otel-away")
    gateway = traced(world, collector, GATEWAY_WORKERS="1").start()
    with running(collector):
        started = time.monotonic()
        for _ in range(20):
            assert isinstance(call(gateway, "/store/v1.0.0/files/away"), dict)
        assert time.monotonic() - started < 10, "half a second a call, on a machine that has much to do"
        wait("a message", lambda: "spans are not taken by" in gateway.err_path.read_text())
        collector.start()
        assert len(collector.of_path("/store/v1.0.0/files/away", 20)) == 20
        # More than there is room for: counted, and no request fails.
        collector.stop()
        long_name = "/store/v1.0.0/files/" + "x" * 1000
        command = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}\n", f"http://127.0.0.1:{gateway.http}{long_name}?[1-900]"]
        statuses = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert statuses == ["200"] * 900, set(statuses)
        wait("a counter", lambda: gateway.metric(r'gateway_spans_total\{result="dropped"\}') > 0)
        started = time.monotonic()
        assert gateway.stop(signal.SIGTERM) == 0 and time.monotonic() - started < 10, "nor does it keep the gateway from ending"
    return gateway


@story
def the_last_spans_are_sent_before_a_worker_ends(world, _):
    collector = Collector(world.folder / "otel-last").start()
    gateway = traced(world, collector).start()
    with running(collector):
        for _ in range(10):
            call(gateway, "/store/v1.0.0/files/last")
        assert gateway.stop(signal.SIGQUIT) == 0
        assert len(collector.of_path("/store/v1.0.0/files/last", 10)) == 10
    return gateway


@story
def spans_and_usage_go_on_over_a_reload(world, _):
    (world.folder / "reload").mkdir()
    bus, collector = Bus(world.folder / "reload").start(), Collector(world.folder / "otel-reload").start()
    gateway = publishing(world, bus, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}").start()
    observer = bus.observe("evt.usage.>")
    with running(collector, bus):
        for n in range(3):
            for _ in range(5):
                assert isinstance(call(gateway, f"/store/v1.0.0/files/reload{n}"), dict)
            old = gateway.workers()
            gateway.process.send_signal(signal.SIGHUP)
            wait("new workers", lambda old=old: not old & gateway.workers(), 20)
        assert gateway.stop(signal.SIGQUIT) == 0
        assert [len(collector.of_path(f"/store/v1.0.0/files/reload{n}", 5)) for n in range(3)] == [5, 5, 5]
        assert number(collect(observer, lambda events: number(events) == 15)) == 15
    return gateway


@story
def a_collector_may_want_tls(world, _):
    collector = Collector(world.folder / "otel-tls", (world.folder / "server.crt", world.folder / "server.key")).start()
    backend = document("Plain", "/plain", "x-wso2-disable-security: true\npaths: {/a: {get: {}}}")
    gateway = world.gateway(compile_documents(world, {"a.yaml": backend}),
                            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"https://tls.test:{collector.port}/v1/traces").start()
    with running(collector):
        assert isinstance(call(gateway, "/plain/a"), dict)
        assert collector.of_path("/plain/a")[0][0]["attributes"]["http.route"] == "/plain/a"
    return gateway


@story
def nothing_is_traced_unless_asked_for_and_nonsense_is_refused(world, gateway):
    seen = call(gateway, "/store/v1.0.0/files/untraced", f"traceparent: 00-{TRACE}-{PARENT}-01", "tracestate: vendor=1")
    assert seen["traceparent"] == [f"00-{TRACE}-{PARENT}-01"] and seen["tracestate"] == ["vendor=1"], seen
    assert "traceparent" not in call(gateway, "/store/v1.0.0/files/untraced")
    for name, value in (("OTEL_TRACES_SAMPLER", "jaeger_remote"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
                        ("OTEL_TRACES_SAMPLER_ARG", "2"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_RESOURCE_ATTRIBUTES", "a")):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": "traceidratio"} | {name: value}
        done = world.gateway(**settings).run("--check")
        assert done.returncode == 1 and name in done.stderr, (name, done)
    assert os.path.exists(gateway.folder / "run/nginx.conf")
