"""Stories of backends: several places of one, what happens when they fail, what they are told."""
import base64
import http.client
import json
import os
import re
import socket
import subprocess
import time

from backend import Backend
from dialog import Connection
from world import free_port, wait

STORIES = []
FAULT = b'{"fault":{"code":101503, "message":"Runtime Error", "description":"Error connecting to the back end"}}'


def story(function):
    STORIES.append(function)
    return function


def url(backend, path=""):
    return f"http://127.0.0.1:{getattr(backend, 'port', backend)}{path}"


def start(world, endpoint, environment=None, **more):
    """A gateway of one worker, whose API /pool has this endpoint; more: other APIs' endpoints by name."""
    contract = json.loads(world.contract())
    operation = {"secured": False, "issuers": [], "scopes": []}
    contract["endpoints"] = [endpoint, *more.values()]
    contract["apis"] = [
        {"title": name, "version": "1", "basePath": f"/{name}", "authHeader": "authorization",
         "paths": [{"template": "/*", "operations": [{"method": m, "id": m, "endpoint": i, **operation} for m in ("GET", "POST", "PUT")]}]}
        for i, name in enumerate(["pool", *more])]
    return world.gateway(json.dumps(contract), GATEWAY_WORKERS="1", **(environment or {})).start()


def ask(gateway, path="/pool/x", method="GET", body=None, headers=None):
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    c.request(method, path, body, headers or {})
    r = c.getresponse()
    return r.status, r.read()


def port(answer):
    assert answer[0] == 200, answer
    return json.loads(answer[1])["port"]


@story
def several_urls_take_turns_from_the_first_on(world, _):
    a, b, c = Backend(), Backend(), Backend()
    gateway = start(world, {"url": url(a), "further": [url(b), url(c)]})
    assert [port(ask(gateway)) for _ in range(7)] == [a.port, b.port, c.port] * 2 + [a.port]
    return gateway


@story
def a_url_that_refuses_costs_no_request_and_is_left_out_for_a_while(world, _):
    a, refused = Backend(), free_port()
    gateway = start(world, {"url": url(refused), "further": [url(a)]})
    for method in ("GET", "POST", "PUT") * 4:
        status, body = ask(gateway, method=method, body="hello" if method != "GET" else None)
        assert status == 200 and json.loads(body)["text"] == ("hello" if method != "GET" else ""), (method, status, body)
    assert "upstream_tries" not in gateway.logged("/pool/x", 12)[-1], "one attempt"
    return gateway


@story
def a_url_that_comes_back_gets_its_share_again(world, _):
    a, late = Backend(), free_port()
    gateway = start(world, {"url": url(late), "further": [url(a)]})
    assert port(ask(gateway)) == a.port
    back = Backend(port=late)
    wait("its turn", lambda: port(ask(gateway)) == back.port)
    return gateway


@story
def every_target_gets_its_own_host_and_path(world, _):
    b, refused = Backend(), free_port()
    gateway = start(world, {"url": url(refused, "/first"), "further": [f"http://products:{b.port}/second/"], "failover": True})
    for method in ("GET", "POST"):
        status, body = ask(gateway, "/pool/x%20y?q=1&z=%2F", method=method, body="hello" if method == "POST" else None)
        seen = json.loads(body)
        assert status == 200 and seen["target"] == "/second/x%20y?q=1&z=%2F", seen
        assert dict(seen["headers"])["Host"] == f"products:{b.port}", seen
        assert seen["text"] == ("hello" if method == "POST" else ""), seen
    assert [line["path"] for line in gateway.logged("/pool/x%20y", 2)] == ["/pool/x%20y"] * 2
    return gateway


@story
def a_plain_target_may_be_followed_by_one_with_tls(world, _):
    refused, names = free_port(), len(world.tls.names)
    gateway = start(world, {"url": url(refused), "further": [f"https://tls.test:{world.tls.port}"], "failover": True},
                    other={"url": f"https://wrong-name.test:{world.tls.port}", "further": [url(world.backend)], "failover": True})
    status, body = ask(gateway)
    assert status == 200 and dict(json.loads(body)["headers"])["Host"] == f"tls.test:{world.tls.port}"
    assert "tls.test" in world.tls.names[names:]
    assert port(ask(gateway, "/other/x")) == world.backend.port
    return gateway


@story
def failover_stays_with_the_one_that_works(world, _):
    a, b = Backend(), Backend()
    gateway = start(world, {"url": url(a), "further": [url(b)], "failover": True})
    assert [port(ask(gateway)) for _ in range(3)] == [a.port] * 3
    for status, works, other in ((501, b, a), (502, a, b), (503, b, a), (504, a, b)):
        other.always, works.always = status, None
        assert [port(ask(gateway)) for _ in range(2)] == [works.port] * 2
        other.always = None
        assert port(ask(gateway)) == works.port
    return gateway


@story
def failover_without_any_that_works_is_a_fault(world, _):
    a, b = Backend(), Backend()
    a.always, b.always = 503, 502
    gateway = start(world, {"url": url(a), "further": [url(b), url(free_port())], "failover": True})
    for _ in range(3):
        assert ask(gateway) == (500, FAULT)
    a.always = 500  # an answer like any other
    assert ask(gateway) == (500, b"as told")
    return gateway


@story
def what_a_backend_may_have_done_is_not_asked_for_twice(world, _):
    a, b = Backend(), Backend()
    a.always = 503
    gateway = start(world, {"url": url(a), "further": [url(b)], "failover": True, "timeoutMs": 300})
    assert ask(gateway, method="POST", body="pay") == (503, b"as told")
    assert (a.requests, b.requests) == (1, 0)
    assert port(ask(gateway)) == b.port, "a target that fails is left"
    b.always = "nothing"
    a.always = None
    assert ask(gateway, method="POST", body="pay") == (500, FAULT)
    assert (a.requests, b.requests) == (1, 2)
    return gateway


@story
def a_backend_that_says_nothing_in_time_is_given_up(world, _):
    a, b = Backend(), Backend()
    a.always = "nothing"
    gateway = start(world, {"url": url(a), "timeoutMs": 200}, other={"url": url(a), "further": [url(b)], "failover": True, "timeoutMs": 200},
                    turns={"url": url(a), "further": [url(b)], "timeoutMs": 200})
    started = time.monotonic()
    assert ask(gateway) == (500, FAULT)
    assert 0.15 < time.monotonic() - started < 2
    assert port(ask(gateway, "/other/x")) == b.port
    requests = a.requests
    assert ask(gateway, "/turns/x") == (500, FAULT), "taking turns is no reason to ask twice"
    assert (a.requests, port(ask(gateway, "/turns/x"))) == (requests + 1, b.port)
    return gateway


@story
def retries_follow_listed_statuses(world, _):
    a = Backend()
    gateway = start(world, {"url": url(a), "retries": 2, "retryCodes": [503]})
    a.told = [503, 503]
    assert port(ask(gateway)) == a.port and a.requests == 3
    a.told = [503, 503, 503]
    assert ask(gateway) == (503, b"as told")
    a.told = [500]
    assert ask(gateway) == (500, b"as told")
    requests = a.requests
    a.told = [503]
    assert ask(gateway, method="POST", body="x") == (503, b"as told") and a.requests == requests + 1
    return gateway


@story
def a_circuit_opens_and_closes(world, _):
    a = Backend()
    a.always = 500
    gateway = start(world, {"url": url(a), "breaker": {"windowMs": 10000, "bucketMs": 1000, "volume": 4, "percent": 50, "resetMs": 500,
                                                       "codes": [500]}}, other={"url": url(a)})
    for _ in range(4):
        assert ask(gateway) == (500, b"as told")
    for _ in range(3):
        assert ask(gateway) == (500, FAULT)
    assert a.requests == 4
    assert gateway.logged("/pool/x", 7)[-1]["reason"] == "circuit open"
    assert ask(gateway, "/other/x") == (500, b"as told"), "another endpoint's circuit is another"
    wait("a trial", lambda: ask(gateway) == (500, b"as told"))
    assert ask(gateway) == (500, FAULT)
    a.always = None
    wait("another trial", lambda: ask(gateway)[0] == 200)
    assert [ask(gateway)[0] for _ in range(3)] == [200] * 3
    return gateway


@story
def a_name_that_is_unknown_is_passed_over(world, _):
    a = Backend()
    gateway = start(world, {"url": "http://unknown.test", "further": [url(a)]}, other={"url": "http://unknown.test:1", "further": [
        "http://unknown.test:2"], "failover": True})
    for _ in range(4):
        assert port(ask(gateway)) == a.port
    assert ask(gateway, "/other/x") == (500, FAULT)
    return gateway


@story
def a_backend_gets_its_own_credentials(world, _):
    a = Backend()
    login = "Basic " + base64.b64encode("me:p:ß \"x\"".encode()).decode()
    gateway = start(world, {"url": url(a), "username": "me", "password": "p:ß \"x\""}, other={"url": url(a), "username": "me"})
    for sent in ({}, {"Authorization": "Bearer of.the.client"}):
        status, body = ask(gateway, headers=sent)
        assert status == 200 and [v for k, v in json.loads(body)["headers"] if k == "Authorization"] == [login], body
    status, body = ask(gateway, "/other/x")
    assert dict(json.loads(body)["headers"])["Authorization"] == "Basic " + base64.b64encode(b"me:").decode()
    return gateway


@story
def the_environment_says_where_a_backend_is(world, _):
    a, b = Backend(), Backend()
    gateway = start(world, {"name": "my-shop.v1_prod", "url": url(free_port()), "further": [url(a)], "username": "old"}, environment={
        "my-shop.v1_prod_endpoint_0": url(b, "/moved"), "my_shop_v1_prod_endpoint_7": "none of it",
        "my_shop_v1_prod_basic_username": "me", "my-shop.v1_prod_basic_password": "it"})
    seen = json.loads(ask(gateway)[1])
    assert (seen["port"], seen["target"]) == (b.port, "/moved/x"), seen
    assert dict(seen["headers"])["Authorization"] == "Basic " + base64.b64encode(b"me:it").decode()
    assert port(ask(gateway)) == a.port
    broken = world.gateway(gateway.contract.read_text(), my_shop_v1_prod_endpoint_1="ftp://x")
    done = broken.run()
    assert done.returncode == 1 and "my_shop_v1_prod_endpoint_1: \"ftp://x\"" in done.stderr, done
    return gateway


@story
def a_backend_may_bring_its_own_certificate(world, _):
    pem = (world.folder / "untrusted.crt").read_text()
    for settings, status in (({}, 500), ({"verifyHostname": False}, 200)):
        contract = json.loads(world.contract(**settings))
        contract["trust"] = [pem]
        contract["endpoints"][6]["url"] = f"https://wrong-name.test:{world.untrusted.port}"
        gateway = world.gateway(json.dumps(contract)).start()
        assert ask(gateway, "/backends/untrusted")[0] == 200
        assert ask(gateway, "/backends/tls")[0] == 200, "others are trusted still"
        assert ask(gateway, "/backends/wrong-name")[0] == status, settings
    broken = world.gateway(json.dumps(contract | {"trust": ["no certificate"]}))
    done = broken.run()
    assert done.returncode == 1 and "trust[0]" in done.stderr, done
    return gateway


@story
def a_websocket_is_a_tunnel(world, gateway):
    c = Connection(gateway.http)
    c.send(b"GET /store/v1.0.0/files/special/websocket HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
           b"Sec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n\r\n")
    assert c.line() == b"HTTP/1.1 101 Switching Protocols\r\n"
    headers = []
    while (line := c.line()) != b"\r\n":
        headers.append(line.strip().lower())
    assert {b"upgrade: websocket", b"connection: upgrade", b"x-key: abc"} <= set(headers), headers
    for piece in (b"\x81\x05hello", b"\x00" * 5000, b"bye"):
        c.send(piece)
        assert c.file.read(len(piece)) == piece
    c.close()
    line = gateway.logged("/store/v1.0.0/files/special/websocket")[0]
    assert (line["status"], line["operation"]) == (101, "getFile"), line


@story
def a_websocket_needs_what_its_operation_needs(_, gateway):
    c = Connection(gateway.http)
    c.send(b"GET /store/v1.0.0/products HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    answer = c.answer()
    assert answer.status == 401 and b"900902" in answer.body
    c.close()


@story
def other_upgrades_are_not_passed_on(_, gateway):
    for sent in (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", b"Upgrade: websocket\r\n",
                 b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"):
        c = Connection(gateway.http)
        c.send(b"GET /store/v1.0.0/files/upgrade HTTP/1.1\r\nHost: x\r\n" + sent + b"\r\n")
        seen = {k.lower() for k, _ in json.loads(c.answer().body)["headers"]}
        assert not seen & {"upgrade", "connection", "http2-settings"}, (sent, seen)
        c.close()


class GrpcBackend:
    """An nginx that speaks HTTP/2 with trailers, in front of a backend that tells what came."""

    def __init__(self, world, backend):
        self.port, self.tls = free_port(), free_port()
        folder = world.folder / f"grpc{self.port}"
        folder.mkdir()
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;
            events {{ }}
            http {{
                access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
                uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
                ssl_certificate {world.folder}/server.crt; ssl_certificate_key {world.folder}/server.key;
                server {{
                    listen 127.0.0.1:{self.port} http2; listen 127.0.0.1:{self.tls} ssl http2;
                    location / {{ proxy_pass http://127.0.0.1:{backend.port}; proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header TE $http_te;
                                  sub_filter_types *; sub_filter "no Content-Length then" ""; # with it curl waits for no trailers
                                  add_header X-Connection $connection; add_trailer grpc-status 0; }}
                }}
            }}""")
        self.process = subprocess.Popen([os.environ.get("GATEWAY_NGINX", "/usr/sbin/nginx"), "-c", folder / "nginx.conf", "-e", folder / "error"])
        world.servers.append(self.process)
        wait("its port", self.is_up)

    def is_up(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0


def call(gateway, path, *more):
    """Status line, headers and trailers, and body of a call."""
    head = gateway.folder / "head"
    command = ["curl", "-sk", "--http2", "--max-time", "10", "-D", head, "-H", "content-type: application/grpc+proto", "-H", "te: trailers",
               "--data-binary", "hello", *more, f"https://127.0.0.1:{gateway.https}{path}"]
    body = subprocess.run(command, capture_output=True, check=False).stdout
    first, *lines = head.read_text().splitlines()
    return first.strip(), dict(l.split(": ", 1) for l in lines if ": " in l), body


@story
def grpc_calls_pass_with_their_trailers(world, _):
    a = Backend()
    grpc = GrpcBackend(world, a)
    gateway = start(world, {"url": url(grpc.port, "/below")}, other={"url": f"https://tls.test:{grpc.tls}"},
                    both={"url": url(free_port()), "further": [url(grpc.port)]})
    for path, target in (("/pool/pkg.Greeter/Hello", "/below/pkg.Greeter/Hello"), ("/other/pkg.Greeter/Hello", "/pkg.Greeter/Hello"),
                         ("/both/x", "/x"), ("/both/x", "/x")):
        first, headers, body = call(gateway, path, "-H", "authorization: Bearer x", "-H", "x-forwarded-host: lie")
        assert first == "HTTP/2 200" and headers["grpc-status"] == "0", (path, first, headers, body)
        seen = json.loads(body)
        names = {k.lower(): v for k, v in seen["headers"]}
        assert (seen["method"], seen["target"], seen["text"]) == ("POST", target, "hello"), seen
        assert names["te"] == "trailers" and names["content-type"] == "application/grpc+proto", names
        assert "lie" not in names["x-forwarded-host"], names
    assert gateway.logged("/pool/pkg.Greeter/Hello")[0]["status"] == 200
    connections = {call(gateway, "/pool/x")[1]["x-connection"] for _ in range(5)}
    assert len(connections) == 1, "connections are kept"
    return gateway


@story
def grpc_and_http_share_no_connection(world, _):
    a = Backend()
    grpc = GrpcBackend(world, a)
    gateway = start(world, {"url": url(grpc.port)})
    for _ in range(3):
        assert call(gateway, "/pool/x")[1]["grpc-status"] == "0"
        assert ask(gateway)[0] in (400, 500)  # HTTP/1.1 to a server of HTTP/2
    return gateway


@story
def faults_are_told_in_words_of_grpc(world, gateway):
    token = "authorization: Bearer "
    for path, more, status, message in (
            ("/store/v1.0.0/products", [], "16", "Missing Credentials"),
            ("/store/v1.0.0/products", ["-H", token + world.tokens.get("expired")], "16", "Invalid Credentials"),
            ("/store/v1.0.0/products", ["-H", token + world.tokens.get("")], "7", "The access token does not allow you to access the requested resource"),
            ("/store/v1.0.0/nothing", [], "12", "no such path"),
            ("/nowhere/at-all", [], "12", "no such base path")):
        first, headers, body = call(gateway, path, *more)
        assert first == "HTTP/2 200" and headers["content-type"] == "application/grpc", (first, headers)
        assert (headers["grpc-status"], headers["grpc-message"], body) == (status, message, b""), headers
    refused = start(world, {"url": url(free_port())})
    first, headers, _ = call(refused, "/pool/x")
    assert (first, headers["grpc-status"], headers["grpc-message"]) == ("HTTP/2 200", "2", "Runtime Error"), headers
    return refused
