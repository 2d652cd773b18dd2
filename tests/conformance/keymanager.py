"""Stories of key managers: those that are asked by SOAP, and their endpoints behind the gateway."""
import http.client
import json
import ssl
import time

from backend import Backend
from world import get, in_parallel, key_manager, openssl, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def a_key_manager_is_asked_by_soap_once_per_use_of_a_token(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    asked = lambda token: world.tls.asked.count((token, "/soap/{id}", "GET"))
    statuses = in_parallel(20, lambda i: get(gateway, f"/users/soap/{i}", "good-slow-once")[0])
    assert statuses == [200] * 20 and asked("good-slow-once") == 1, (statuses, asked("good-slow-once"))
    for _ in range(3):
        assert get(gateway, "/users/soap/1", "bad-once-900908")[0] == 403
    assert asked("bad-once-900908") == 1
    for code in range(900903, 900911):
        assert get(gateway, "/users/soap/1", f"bad-counted-{code}")[0] in (401, 403)
        assert gateway.metric(rf'gateway_faults_total\{{code="{code}"\}}') == (4 if code == 900908 else 1), code
    for _ in range(3):
        assert get(gateway, "/users/soap/1", "good-fault-never")[0] == 500
    assert asked("good-fault-never") == 3
    for _ in range(2):
        assert get(gateway, "/users/soap/1", "good-short")[0] == 200
    assert asked("good-short") == 1
    wait("the token's end", lambda: get(gateway, "/users/soap/1", "good-short")[0] == 200 and asked("good-short") == 2)
    return gateway


@story
def limits_are_those_that_the_key_manager_names(world, _):
    contract = json.loads(world.contract())
    limit = lambda name, count: {"name": name, "count": count, "unitSeconds": 86400, "units": 1, "overQuota": False}
    contract["limits"] = {"resource": [limit("OnePerDay", 1)], "application": [], "subscription": [limit("Tiny", 2), limit("Unauthenticated", 9)]}
    gateway = world.gateway(json.dumps(contract)).start()
    if time.time() % 86400 > 86340:
        wait("midnight", lambda: time.time() % 86400 < 60, 120)
    calls = lambda token, n: [get(gateway, "/users/soap/1", token) for _ in range(n)]
    assert [status for status, _ in calls("good-tier.Tiny", 3)] == [200, 200, 429]
    assert [status for status, _ in calls("good-tier.Tiny-free", 3)] == [200, 200, 200]
    assert [status for status, _ in calls("good-api.OnePerDay", 1)] == [200]
    status, body = calls("good-api.OnePerDay-other", 1)[0]
    assert status == 429 and b"900800" in body, (status, body)
    status, body = calls("good-tier.Nobodys", 1)[0]
    assert status == 500 and b"900809" in body, (status, body)
    return gateway


def ask(port, path="/token"):
    """Status and body from a listener with TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    c.request("POST", path, "grant_type=client_credentials")
    r = c.getresponse()
    return r.status, r.read()


def public_key(world, certificate):
    return openssl("x509", "-in", world.folder / certificate, "-noout", "-pubkey").decode()


def relaying(world, url, scheme, **more):
    """A gateway in front of the key manager at url, which is known as that scheme of the suite's contract."""
    contract = json.loads(world.contract())
    contract["endpoints"][-1] = {"url": url, "scheme": [s["security"] for s in contract["schemes"]].index(scheme)}
    contract["settings"] |= more
    return world.gateway(json.dumps(contract)).start()


@story
def the_key_managers_certificate_is_checked_although_backends_names_are_not(world, _):
    tls, untrusted = f"tls.test:{world.tls.port}", f"tls.test:{world.untrusted.port}"
    gateway = relaying(world, f"https://{tls}/oauth2", "km", verifyHostname=False)
    assert ask(gateway.tokens)[0] == 200
    for url in (f"https://wrong-name.test:{world.tls.port}/oauth2", f"https://{untrusted}/oauth2"):
        before = world.tls.requests + world.untrusted.requests
        other = relaying(world, url, "km", verifyHostname=False)
        status, body = ask(other.tokens)
        assert status == 500 and b"101503" in body, (status, body)
        assert world.tls.requests + world.untrusted.requests == before
    return gateway


@story
def a_key_vouches_for_the_key_manager_and_may_change(world, _):
    """Known by its key, though no authority knows it; another key, and it is another server."""
    gateway = relaying(world, f"https://tls.test:{world.untrusted.port}/oauth2", "pinned")
    assert json.loads(ask(gateway.https)[1])["target"] == "/oauth2/token"

    def afresh():
        """Connections that are kept were checked when they were made."""
        world.untrusted.hang_up()
        return ask(gateway.tokens)[0]
    assert afresh() == 200
    gateway.write_credentials("pinned", key_manager(public_key(world, "ca.crt")))
    wait("the other key", lambda: afresh() == 500)
    gateway.write_credentials("pinned", key_manager(public_key(world, "untrusted.crt")))
    wait("the right key", lambda: afresh() == 200)
    return gateway


@story
def a_backend_at_the_key_managers_address_has_its_own_connections(world, _):
    """A connection that was checked less strictly is never used for tokens, nor is the backend held to the key manager's certificate."""
    contract = json.loads(world.contract(verifyHostname=False))
    url = f"https://wrong-name.test:{world.tls.port}/oauth2"
    contract["endpoints"][5]["url"] = url
    contract["endpoints"][-1]["url"] = url
    gateway = world.gateway(json.dumps(contract), GATEWAY_WORKERS="1").start()
    for _ in range(2):
        assert get(gateway, "/backends/tls")[0] == 200
        assert ask(gateway.tokens)[0] == 500
    return gateway


@story
def documents_go_before_the_key_manager(world, _):
    contract = json.loads(world.contract())
    operation = lambda name: {"method": "POST", "id": name, "secured": False, "issuers": [], "scopes": [], "endpoint": 0}
    contract["apis"].append({"title": "Root", "version": "1", "basePath": "", "authHeader": "authorization", "paths": [
        {"template": "/token", "operations": [operation("token")]}]})
    gateway = world.gateway(json.dumps(contract)).start()
    target = lambda port, path: json.loads(ask(port, path)[1])["target"]
    assert target(gateway.https, "/token") == "/token"
    assert target(gateway.https, "/revoke") == "/oauth2/revoke"
    assert target(gateway.tokens, "/token") == "/oauth2/token"
    return gateway


@story
def without_a_key_manager_there_is_neither_listener_nor_path(world, _):
    contract = json.loads(world.contract())
    contract["endpoints"].pop()
    del contract["settings"]["tokenPort"]
    gateway = world.gateway(json.dumps(contract)).start()
    status, body = ask(gateway.https)
    assert status == 404 and body == b"no matching service found for path : /token", (status, body)
    try:
        ask(gateway.tokens)
    except ConnectionRefusedError:
        return gateway
    raise AssertionError("somebody listens")


@story
def a_key_manager_that_is_away_is_a_fault_and_comes_back(world, _):
    gateway = relaying(world, f"http://127.0.0.1:{world.refused}/oauth2", "refused")
    status, body = ask(gateway.tokens)
    assert status == 500 and json.loads(body)["fault"]["code"] == 101503, (status, body)
    line = gateway.logged("/token")[0]
    assert line["fault"] == 101503 and "api" not in line, line
    there = Backend(port=world.refused)
    try:
        assert ask(gateway.tokens)[0] == 200
    finally:
        there.stop()
    return gateway
