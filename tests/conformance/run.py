#!/usr/bin/env python3
"""Conformance tests of the gateway: run.py BUILD [PATTERN]

Starts backends, a name server and the gateway of that build folder on free ports, plays the dialogs of cases/*.case and then the
stories below: time, load, signals, changing names. Needs no cluster. Fails also when a sanitizer or nginx itself complained, when a line of
the log is not JSON, or when a secret is in it.
"""
import atexit
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import algorithms
import endpoints
import jwks
import revoked
import rolling
import standalone
import transport
import limits
from backend import Backend, NameServer
from dialog import Connection, play, read_cases
from world import HERE, Gateway, Tokens, api_keys, basic, free_port, key_manager, make_certificates, users, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


class World:
    def __init__(self, build, folder):
        self.build, self.folder, self.gateways = build, folder, []
        self.tokens = Tokens(folder)
        make_certificates(folder)
        self.backend = Backend()
        self.tls = Backend(folder / "server.crt", folder / "server.key")
        self.untrusted = Backend(folder / "untrusted.crt", folder / "untrusted.key")
        self.names = NameServer({"products.default.svc.cluster.local": ["127.0.0.1"], "tls.test": ["127.0.0.1"],
                                 "wrong-name.test": ["127.0.0.1"]})
        self.refused = free_port()
        (folder / "resolv.conf").write_text(f"# of a pod\nnameserver 127.0.0.1:{self.names.port}\n"
                                            "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n")
        (folder / "hosts").write_text("127.0.0.1 localhost\n127.0.0.1\tother in-hosts-file # a comment\n")

    def contract(self, **settings):
        text = (HERE / "contract.json").read_text()
        for name, value in {"PEM": json.dumps(self.tokens.pem)[1:-1], "BACKEND": self.backend.port, "REFUSED": self.refused,
                            "TLS": self.tls.port, "UNTRUSTED": self.untrusted.port}.items():
            text = text.replace(f"@{name}@", str(value))
        contract = json.loads(text)
        contract["issuers"][0]["keys"] += algorithms.contract_keys(self.tokens.kinds)
        contract["settings"] |= settings
        return json.dumps(contract)

    def gateway(self, contract=None, **environment):
        self.gateways.append(Gateway(self.build, self.folder, contract or self.contract(), **environment))
        return self.gateways[-1]

    def stop(self):
        for gateway in self.gateways:
            gateway.kill()


def get(gateway, path, token=None, connection=None, headers=None):
    """Status and body; over one connection when it is given."""
    c = connection or http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    c.request("GET", path, headers=(headers or {}) | ({"Authorization": "Bearer " + token} if token else {}))
    r = c.getresponse()
    return r.status, r.read()


# ---- stories ----

@story
def connections_to_the_backend_are_kept(world, gateway):
    before = world.backend.connections
    for _ in range(40):
        assert get(gateway, "/store/v1.0.0/files/kept")[0] == 200
    made = world.backend.connections - before
    assert made <= 2, f"{made} connections for 40 requests of 2 workers"


@story
def a_kept_connection_that_the_backend_closes_costs_no_request(world, gateway):
    for _ in range(20):
        assert get(gateway, "/store/v1.0.0/files/before")[0] == 200
        try:
            get(gateway, "/store/v1.0.0/files/special/close")
        except http.client.HTTPException:
            pass
        assert get(gateway, "/store/v1.0.0/files/after")[0] == 200


@story
def tls_names_are_sent_and_connections_belong_to_their_host(world, gateway):
    assert get(gateway, "/backends/tls")[0] == 200
    assert "tls.test" in world.tls.names
    # The same address: a connection that was checked for another name must not be used.
    assert get(gateway, "/backends/wrong-name")[0] == 500


@story
def host_names_need_not_match_when_the_contract_says_so(world, _):
    gateway = world.gateway(world.contract(verifyHostname=False)).start()
    assert get(gateway, "/backends/wrong-name")[0] == 200
    assert get(gateway, "/backends/untrusted")[0] == 500
    return gateway


@story
def names_are_looked_up_again(world, gateway):
    assert json.loads(get(gateway, "/backends/short")[1])["address"] == "127.0.0.1"
    world.names.names["products.default.svc.cluster.local"] = ["127.0.0.2"]

    def moved():
        answers = [json.loads(get(gateway, "/backends/short")[1])["address"] for _ in range(4)]
        return all(a == "127.0.0.2" for a in answers)
    wait("the new address", moved)
    world.names.names["products.default.svc.cluster.local"] = ["127.0.0.1"]


@story
def a_name_that_vanishes_leaves_its_addresses(world, gateway):
    assert get(gateway, "/backends/short")[0] == 200
    kept = world.names.names.pop("products.default.svc.cluster.local")
    asked = len(world.names.asked)
    wait("a lookup that fails", lambda: get(gateway, "/backends/short")[0] == 200 and
         any(n.startswith("products") for n in world.names.asked[asked:]))
    assert get(gateway, "/backends/short")[0] == 200
    world.names.names["products.default.svc.cluster.local"] = kept


@story
def a_name_that_appears_later_works_without_a_restart(world, gateway):
    assert get(gateway, "/backends/nowhere")[0] == 500
    world.names.names["nowhere.test"] = ["127.0.0.1"]
    wait("the new name", lambda: get(gateway, "/backends/nowhere")[0] == 200)
    del world.names.names["nowhere.test"]


@story
def a_start_needs_no_name_server(world, _):
    (world.folder / "resolv-dead.conf").write_text(f"nameserver 127.0.0.1:{free_port()}\n")
    gateway = world.gateway(GATEWAY_RESOLV_CONF=str(world.folder / "resolv-dead.conf")).start()
    assert get(gateway, "/store/v1.0.0/files/a")[0] == 200
    return gateway


@story
def many_requests_wait_for_one_lookup(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    asked = len(world.names.asked)
    statuses = in_parallel(20, lambda i: get(gateway, "/backends/short")[0])
    assert statuses == [200] * 20, statuses
    assert world.names.asked[asked:].count("products.default.svc.cluster.local") == 1
    return gateway


@story
def a_refused_backend_comes_back(world, gateway):
    assert get(gateway, "/backends/refused")[0] == 500
    late = Backend(port=world.refused)
    assert get(gateway, "/backends/refused")[0] == 200
    late.stop()
    wait("its end", lambda: get(gateway, "/backends/refused")[0] == 500)


@story
def answers_are_passed_on_as_they_come(world, gateway):
    c = Connection(gateway.http)
    started = time.monotonic()
    c.send(b"GET /store/v1.0.0/files/special/drip HTTP/1.1\r\nHost: x\r\n\r\n")
    while c.line() != b"\r\n":
        pass
    assert c.line() == b"4\r\n" and c.line() == b"data\r\n"
    assert time.monotonic() - started < 0.4, "the first piece waited for the last"
    c.close()


@story
def a_slow_client_is_served(world, gateway):
    c = Connection(gateway.http)
    for piece in (b"GET /store/v1.0.0/fi", b"les/slow HT", b"TP/1.1\r\nHo", b"st: x\r\n", b"\r\n"):
        c.send(piece)
        time.sleep(0.05)
    assert c.answer().status == 200
    c.close()


@story
def a_client_that_goes_away_harms_nobody(world, gateway):
    for path in (b"/store/v1.0.0/files/special/slow", b"/backends/short", b"/store/v1.0.0/products"):
        c = Connection(gateway.http)
        c.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        c.close()
    assert get(gateway, "/store/v1.0.0/files/a")[0] == 200


@story
def a_body_may_come_slowly_and_is_streamed(world, gateway):
    c = Connection(gateway.http)
    c.send(b"PUT /store/v1.0.0/files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n")
    for _ in range(3):
        c.send(b"0123456789")
        time.sleep(0.05)
    answer = c.answer()
    assert answer.status == 200 and json.loads(answer.body)["body"] == 30
    c.close()


@story
def the_token_cache_is_counted(world, gateway):
    token = world.tokens.get("second")
    hits = gateway.metric(r'gateway_token_cache_total\{result="hit"\}')
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    for _ in range(5):
        assert get(gateway, "/store/v1.0.0/products", token, c)[0] == 200
    wait("4 hits", lambda: gateway.metric(r'gateway_token_cache_total\{result="hit"\}') - hits == 4)


@story
def metrics_tell_what_happened(world, gateway):
    def counted():
        return (gateway.metric(r'gateway_requests_total\{api="Online-Store",version="v1.0.0",operation="listProducts",status="4xx"\}'),
                gateway.metric(r'gateway_faults_total\{code="900902"\}'), gateway.metric("gateway_request_duration_seconds_count"),
                gateway.metric(r'gateway_upstream_errors_total\{kind="connect"\}'),
                gateway.metric(r'gateway_requests_total\{api="Backends \\"of\\" every kind",version="2",operation="refused",status="5xx"\}'))
    before = counted()
    get(gateway, "/store/v1.0.0/products")
    get(gateway, "/backends/refused")
    # A client may have its answer before the worker has counted it.
    wait("the counters", lambda: tuple(a - b for a, b in zip(counted(), before)) == (1, 1, 2, 1, 1))


@story
def the_log_tells_what_happened(world, gateway):
    get(gateway, "/store/v1.0.0/products/logged?secret=hidden", world.tokens.get("writer"))
    line = gateway.logged("/store/v1.0.0/products/logged")[0]
    expected = {"method": "GET", "status": 200, "api": "Online-Store", "version": "v1.0.0", "operation": "getProduct", "application": "app"}
    assert expected.items() <= line.items(), line
    assert {"time", "ms", "bytes", "upstream_ms", "request_id"} <= line.keys(), line
    get(gateway, "/store/v1.0.0/products/expired-log", world.tokens.get("expired"))
    line = gateway.logged("/store/v1.0.0/products/expired-log")[0]
    assert line["fault"] == 900901 and line["reason"], line


@story
def a_changed_password_counts_without_a_restart_or_a_failure(world, _):
    gateway = world.gateway().start()
    by = lambda user, password: get(gateway, "/users/basic", headers={"Authorization": basic(user, password)})[0]
    with Load(gateway, "/users/basic", 2, {"Authorization": basic("writer", "p:w")}) as load:
        assert by("admin", "admin") == 200 and by("admin", "fresh") == 401
        gateway.write_credentials("users", users(("admin", "fresh"), ("writer", "p:w")))
        wait("the new password", lambda: by("admin", "fresh") == 200)
        wait("the end of the old one", lambda: by("admin", "admin") == 401)
        gateway.write_credentials("users", "{ broken")
        wait("a message", lambda: 'users.json": ' in gateway.err_path.read_text())
        assert by("admin", "fresh") == 200
        gateway.write_credentials("users", users(("writer", "p:w"),))
        wait("the end of a user", lambda: by("admin", "fresh") == 401)
    assert not load.failures, load.failures[:3]
    return gateway


@story
def credentials_that_are_missing_at_the_start_are_an_internal_error_until_they_come(world, _):
    gateway = world.gateway()
    (gateway.credentials / "users.json").unlink()
    gateway.start()
    by_admin = {"Authorization": basic("admin", "admin")}
    status, body = get(gateway, "/users/basic", headers=by_admin)
    assert status == 500 and b'"code":900900' in body, (status, body)
    assert get(gateway, "/users/two", headers={"Authorization": basic("other", "0ther")})[0] == 200
    assert get(gateway, "/users/basic")[0] == 401
    gateway.write_credentials("users", users(("admin", "admin"),))
    wait("the credentials", lambda: get(gateway, "/users/basic", headers=by_admin)[0] == 200)
    return gateway


def ask_for_key(gateway, user, method="GET", body=None, port=None, path="/apikey"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", port or gateway.https, timeout=10, context=context)
    c.request(method, path, body, {"Authorization": user} if user else {})
    r = c.getresponse()
    return r.status, r.read().decode()


@story
def keys_are_issued_to_users_and_let_callers_in(world, gateway):
    status, key = ask_for_key(gateway, basic("keeper", "of keys"))
    assert status == 200 and key.count(".") == 2, (status, key)
    for path, headers in (("/users/key", {"X-Pet-Key": key}), ("/users/key/query?pet%20key=" + key, {}), ("/users/key/strict", {"api_key": key})):
        assert get(gateway, path, headers=headers)[0] == 200, path
    status, short = ask_for_key(gateway, basic("keeper", "of keys"), "POST", '{"validityTime": 100}')
    claims = json.loads(base64.urlsafe_b64decode(short.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 100 and claims["sub"] == "keeper" and claims["keytype"] == "PRODUCTION", claims
    assert {"name": "Users", "version": "1"} in claims["allowedAPIs"]
    assert ask_for_key(gateway, basic("keeper", "of keys"))[1] != key
    for body in ("[]", '{"validityTime": 0}', '{"validityTime": "1"}', "x" * 5000):
        assert ask_for_key(gateway, basic("keeper", "of keys"), "POST", body)[0] == 400, body
    assert ask_for_key(gateway, basic("keeper", "wrong"))[0] == 401
    assert ask_for_key(gateway, basic("admin", "admin"))[0] == 401
    assert ask_for_key(gateway, None)[0] == 401
    assert ask_for_key(gateway, basic("keeper", "of keys"), "PUT")[0] == 405
    assert get(gateway, "/apikey", headers={"Authorization": basic("keeper", "of keys")})[0] == 404


@story
def another_mac_key_ends_all_api_keys(world, _):
    gateway = world.gateway().start()
    key = {"X-Pet-Key": ask_for_key(gateway, basic("keeper", "of keys"))[1]}
    assert get(gateway, "/users/key", headers=key)[0] == 200
    gateway.write_credentials("keys", api_keys(False, "77" * 32))
    wait("the end of the key", lambda: get(gateway, "/users/key", headers=key)[0] == 401)
    return gateway


@story
def a_key_manager_is_asked_once_per_token_and_worker(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    asked = lambda token: world.tls.asked.count(token)
    statuses = in_parallel(20, lambda i: get(gateway, "/users/opaque", "good-slow-once")[0])
    assert statuses == [200] * 20 and asked("good-slow-once") == 1, (statuses, asked("good-slow-once"))
    for _ in range(3):
        assert get(gateway, "/users/opaque", "bad-once")[0] == 401
    assert asked("bad-once") == 1
    for _ in range(3):
        assert get(gateway, "/users/opaque", "failing-never")[0] == 500
    assert asked("failing-never") == 3
    assert get(gateway, "/users/opaque", "good-short-once")[0] == 200
    assert get(gateway, "/users/opaque", "good-short-once")[0] == 200
    assert asked("good-short-once") == 1
    wait("the token's end", lambda: get(gateway, "/users/opaque", "good-short-once")[0] == 200 and asked("good-short-once") == 2)
    return gateway


@story
def a_slow_key_manager_delays_nobody_else(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    slow = threading.Thread(target=lambda: get(gateway, "/users/opaque", "good-slow-alone"))
    slow.start()
    wait("the question", lambda: "good-slow-alone" in world.tls.asked)
    started = time.monotonic()
    assert get(gateway, "/store/v1.0.0/files/quick")[0] == 200
    assert time.monotonic() - started < 0.3
    slow.join()
    c = Connection(gateway.http)
    c.send(b"GET /users/opaque HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good-slow-and-gone\r\n\r\n")
    wait("the question", lambda: "good-slow-and-gone" in world.tls.asked)
    c.close()
    assert get(gateway, "/users/opaque", "good-slow-and-gone")[0] == 200
    started = time.monotonic()
    assert get(gateway, "/users/opaque", "good-silent")[0] == 500
    assert 4 < time.monotonic() - started < 6.5
    return gateway


@story
def the_gateways_own_credentials_may_change(world, _):
    gateway = world.gateway().start()
    world.tls.secret = "fresh"
    assert get(gateway, "/users/opaque", "good-changed")[0] == 500
    gateway.write_credentials("km", key_manager(password="fresh"))
    wait("the new password", lambda: get(gateway, "/users/opaque", "good-changed")[0] == 200)
    world.tls.secret = "gateway:secret"
    return gateway


@story
def sighup_reads_the_files_again_without_a_failure(world, _):
    gateway = world.gateway().start()
    with Load(gateway, "/store/v1.0.0/files/load", 4) as load:
        for n in range(3):
            changed = json.loads(gateway.contract.read_text())
            next(api for api in changed["apis"] if api["title"] == "Custom")["basePath"] = f"/changed{n}"
            gateway.contract.write_text(json.dumps(changed))
            gateway.process.send_signal(signal.SIGHUP)
            wait("the new contract", lambda n=n: get(gateway, f"/changed{n}/thing")[0] == 401)
    assert not load.failures, load.failures[:3]
    assert load.done > 100
    gateway.contract.write_text("{}")
    gateway.process.send_signal(signal.SIGHUP)
    wait("nginx' refusal", lambda: "contract" in gateway.err_path.read_text())
    assert get(gateway, "/changed2/thing")[0] == 401
    gateway.err_path.write_text("")  # the refusal was wanted
    return gateway


@story
def counters_survive_a_reload_of_the_same_contract(world, _):
    gateway = world.gateway().start()
    for _ in range(3):
        get(gateway, "/store/v1.0.0/products")
    workers = lambda: subprocess.run(["pgrep", "-P", (gateway.folder / "run/nginx.pid").read_text().strip()], capture_output=True, check=False).stdout
    old = workers()
    gateway.process.send_signal(signal.SIGHUP)
    wait("new workers", lambda: not set(old.split()) & set(workers().split()))
    assert gateway.metric(r'gateway_faults_total\{code="900902"\}') == 3
    return gateway


@story
def sigterm_drains_without_a_failure(world, _):
    gateway = world.gateway().start()
    with Load(gateway, "/store/v1.0.0/files/load", 4) as load:
        wait("some requests", lambda: load.done > 50)
        slow = threading.Thread(target=lambda: load.note(lambda: get(gateway, "/store/v1.0.0/files/special/slow")))
        gateway.process.send_signal(signal.SIGTERM)
        wait("Connection: close", lambda: load.closed > 0)
        time.sleep(0.6)  # within the second that it still takes requests; the slow one outlives it
        slow.start()
        load.stop()
        slow.join()
    assert not load.failures, load.failures[:3]
    assert gateway.process.wait(15) == 0


@story
def a_second_sigterm_ends_at_once(world, _):
    gateway = world.gateway(GATEWAY_PRE_STOP_SECONDS="60").start()
    gateway.process.send_signal(signal.SIGTERM)
    wait("draining", lambda: gateway.metric("gateway_draining") == 1)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(10) == 0


@story
def http2_clients_are_sent_away_while_it_drains(world, _):
    gateway = world.gateway(GATEWAY_PRE_STOP_SECONDS="3").start()
    gateway.process.send_signal(signal.SIGTERM)
    wait("draining", lambda: gateway.metric("gateway_draining") == 1)
    url = f"https://127.0.0.1:{gateway.https}/store/v1.0.0/files/a"
    done = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", url, "-o", "/dev/null", url, "-o", "/dev/null", url,
                           "-w", "%{http_code} %{num_connects}\n"], capture_output=True, text=True, check=False)
    codes = [line.split()[0] for line in done.stdout.splitlines()]
    assert codes == ["200"] * 3, done.stdout
    assert gateway.process.wait(15) == 0


@story
def the_launcher_ends_with_nginx(world, _):
    gateway = world.gateway().start()
    pid = int((gateway.folder / "run/nginx.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    assert gateway.process.wait(10) == 0


@story
def a_contract_that_is_refused_never_starts(world, _):
    gateway = world.gateway(world.contract(clockSkewSeconds=-1))
    done = gateway.run()
    assert done.returncode == 1 and "clockSkewSeconds" in done.stderr, done
    done = gateway.run("--check")
    assert done.returncode == 1 and "clockSkewSeconds" in done.stderr, done


@story
def check_says_nothing_when_all_is_well(world, _):
    gateway = world.gateway()
    done = gateway.run("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    assert not (gateway.folder / "run").exists(), "a check touches what a running gateway uses"


@story
def usage_is_told(world, _):
    gateway = world.gateway()
    assert gateway.run("--help").returncode == 0
    assert gateway.run("--version").stdout.startswith("gateway ")
    assert gateway.run("--nonsense").returncode == 2
    gateway.environment["GATEWAY_HTTP_PORT"] = "80; include /etc/passwd"
    done = gateway.run()
    assert done.returncode == 2 and "GATEWAY_HTTP_PORT" in done.stderr


@story
def a_mounted_key_is_used(world, _):
    gateway = world.gateway()
    tls = gateway.folder / "tls"
    tls.mkdir()
    shutil.copy(world.folder / "server.crt", tls / "tls.crt")
    shutil.copy(world.folder / "server.key", tls / "tls.key")
    gateway.start()
    done = subprocess.run(["curl", "-s", "--cacert", world.folder / "ca.crt", "--resolve", f"tls.test:{gateway.https}:127.0.0.1",
                           f"https://tls.test:{gateway.https}/health"], capture_output=True, text=True, check=False)
    assert done.stdout == '{"status":"healthy"}', done
    assert not (gateway.folder / "run/tls.key").exists()
    return gateway


@story
def its_own_key_is_private_and_old_tls_is_refused(world, gateway):
    assert (gateway.folder / "run/tls.key").stat().st_mode & 0o777 == 0o600
    done = subprocess.run(["curl", "-sk", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", f"https://127.0.0.1:{gateway.https}/health"],
                          capture_output=True, check=False)
    assert done.returncode != 0


@story
def http2_can_be_off(world, _):
    gateway = world.gateway(world.contract(http2=False)).start()
    done = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version}", f"https://127.0.0.1:{gateway.https}/health"],
                          capture_output=True, text=True, check=False)
    assert done.stdout == "1.1", done
    return gateway


@story
def sixty_four_clients_at_once(world, gateway):
    def hundred(_):
        c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=20)
        return [get(gateway, "/store/v1.0.0/products", world.tokens.get(""), c)[0] for _ in range(10)]
    statuses = sum(in_parallel(64, hundred), [])
    assert statuses == [200] * 640, set(statuses)


STORIES += transport.STORIES + jwks.STORIES + standalone.STORIES + rolling.STORIES + revoked.STORIES


# ---- load ----

def in_parallel(n, function):
    results = [None] * n

    def run(i):
        try:
            results[i] = function(i)
        except Exception as e:  # pylint: disable=broad-except
            results[i] = e
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


class Load:
    """Clients that keep their connections, as real ones do, and note every failure."""

    def __init__(self, gateway, path, clients, headers=None):
        self.gateway, self.path, self.done, self.closed, self.failures, self.stopping = gateway, path, 0, 0, [], False
        self.headers = headers or {}
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def note(self, function):
        try:
            status, _ = function()
            if status != 200:
                self.failures.append(status)
        except (OSError, http.client.HTTPException) as e:
            self.failures.append(repr(e))

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.gateway.http, timeout=10)
        while not self.stopping:
            try:
                c.request("GET", self.path, headers=self.headers)
                r = c.getresponse()
                r.read()
                if r.status != 200:
                    self.failures.append(r.status)
                if r.getheader("connection") == "close":
                    self.closed += 1
                self.done += 1
            except (OSError, http.client.HTTPException) as e:
                self.failures.append(repr(e))
                c.close()

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join()

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop()


# ---- running ----

class Report:
    def __init__(self):
        self.passed, self.failed = 0, []

    def attempt(self, name, function):
        try:
            result = function()
            self.passed += 1
            print(f"ok - {name}", flush=True)
            return result
        except Exception as e:  # pylint: disable=broad-except
            where = "" if isinstance(e, AssertionError) else "\n" + traceback.format_exc(limit=-2)
            self.failed.append(name)
            print(f"not ok - {name}: {e!r}{where}", flush=True)
            return None


def secrets_in(text, tokens):
    signatures = [t.rsplit(".", 1)[-1] for t in tokens.made.values()]
    return [s[:20] for s in signatures + ["secret", "good-", "Authorization"] if s and s in text]


def look_back(gateway, tokens):
    gateway.stop()
    found = gateway.findings()
    assert not found, "\n".join(found)[:4000]
    lines = gateway.log()
    assert all(isinstance(line, dict) for line in lines)
    for path in (gateway.log_path, gateway.err_path):
        found = secrets_in(path.read_text(), tokens)
        assert not found, f"{path.name} contains {found}"


def main(build, pattern=""):
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    world = World(Path(build).resolve(), folder)
    atexit.register(world.stop)
    main_gateway = world.gateway().start()
    for path in sorted((HERE / "cases").glob("*.case")):
        for name, steps in read_cases(path):
            if re.search(pattern, name):
                report.attempt(name, lambda steps=steps: play(main_gateway, world.tokens, steps))
    for function in STORIES + limits.STORIES + endpoints.STORIES:
        name = function.__name__.replace("_", " ")
        if re.search(pattern, name):
            own = report.attempt(name, lambda function=function: function(world, main_gateway))
            if own:
                report.attempt(name + ": afterwards", lambda own=own: look_back(own, world.tokens))
    report.attempt("afterwards: no complaints, a log of JSON, no secrets", lambda: look_back(main_gateway, world.tokens))
    print(f"  conformance: {report.passed} passed, {len(report.failed)} failed")
    if report.failed:
        print(f"  logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
