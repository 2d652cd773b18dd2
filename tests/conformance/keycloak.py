"""Stories with a real OAuth2 server, Keycloak, on loopback. They are told when asked for (make conformance CASES=keycloak), since it needs half a
minute to come up; deploy/local/counterparts.sh keycloak installs it. Its realm is that of sample scenario 5."""
import base64
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from compiled import compile_documents, curl, document
from world import HERE, free_port, wait

STORIES = []
TREE = HERE.parent.parent
REALM = json.loads((TREE / "deploy/samples/scenario-5/realm.json").read_text())
SECRET = {client["clientId"]: client["secret"] for client in REALM["clients"]}
BELIEVED = 2  # seconds: tokenCacheSeconds of these gateways


def story(function):
    STORIES.append(function)
    return function


class Keycloak:
    def __init__(self, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.realm = self.url + "/realms/pets"
        self.log = folder / "keycloak.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([TREE / "deploy/local/tools/keycloak.sh", self.url.removeprefix("http://")],
                                            stdout=log, stderr=log, start_new_session=True)
        wait("Keycloak", self.is_up, 400)
        self.admin("POST", "", REALM)

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return urllib.request.urlopen(self.url + "/realms/master", timeout=5).status == 200
        except OSError:
            time.sleep(0.2)
            return False

    def ask(self, url, user=None, bearer=None, method="POST", body=None, **form):
        data = json.dumps(body).encode() if body is not None else urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(url, data, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{SECRET[user]}".encode()).decode())
        if bearer:
            request.add_header("Authorization", "Bearer " + bearer)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def admin(self, method, path, body=None):
        """The administration's API: /admin/realms<path>."""
        token = self.ask(self.url + "/realms/master/protocol/openid-connect/token", grant_type="password", client_id="admin-cli",
                         username="admin", password="admin")["access_token"]
        return self.ask(f"{self.url}/admin/realms{path}", bearer=token, method=method, body=body)

    def tokens(self, client="pets-app", **form):
        form = form or {"grant_type": "client_credentials"}
        return self.ask(self.realm + "/protocol/openid-connect/token", user=client, **form)

    def token(self, client="pets-app", **form):
        return self.tokens(client, **form)["access_token"]

    def say(self, what, client="pets-app", **form):
        self.ask(f"{self.realm}/protocol/openid-connect/{what}", user=client, **form)

    def client(self, name, **changes):
        found, = self.admin("GET", f"/pets/clients?clientId={name}")
        self.admin("PUT", f"/pets/clients/{found['id']}", found | changes)

    def add_key(self, provider, priority, **config):
        body = {"name": f"{provider}-{priority}", "providerId": provider, "providerType": "org.keycloak.keys.KeyProvider",
                "config": {"priority": [str(priority)], "enabled": ["true"], **{name: [value] for name, value in config.items()}}}
        self.admin("POST", "/pets/components", body)

    def key(self, name):
        return next(c for c in self.admin("GET", "/pets/components?type=org.keycloak.keys.KeyProvider") if c["name"] == name)

    def change_key(self, name, **config):
        found = self.key(name)
        found["config"] |= {key: [value] for key, value in config.items()}
        self.admin("PUT", f"/pets/components/{found['id']}", found)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def running(world):
    """One for all stories; it ends with the run."""
    if not world.keycloak:
        world.keycloak = Keycloak(world.folder)
    return world.keycloak


def opaque(world, keycloak):
    contract = compile_documents(world, {"pets.yaml": document(
        "Pets", "/pets", "security: [{keeper: []}]\npaths:\n  /pet: {get: {}}\n  /pet/{id}: {get: {security: [{keeper: ['pets:write']}], "
        "parameters: [{name: id, in: path, required: true, schema: {type: string}}]}}")},
        securities=[{"name": "keeper", "type": "Oauth", "endpoint": keycloak.realm + "/protocol/openid-connect/token/introspect"}],
        tokenCacheSeconds=BELIEVED)
    gateway = world.gateway(contract)
    know_the_gateway(gateway, SECRET["pets-gateway"])
    return gateway.start()


def know_the_gateway(gateway, password):
    gateway.write_credentials("keeper", json.dumps({"type": "oauth", "entries": [
        {"endpoint": "", "username": "pets-gateway", "password": password, "keys": []}]}))


def asks(gateway, token, path="/pets/pet"):
    return curl(gateway, path, scheme="http", token=token)


def soon(what, gateway, token, outcome):
    """Until the gateway has forgotten what it was told before."""
    wait(what, lambda: asks(gateway, token) == outcome, BELIEVED + 5)


GOOD, BAD = (200, None), (401, 900901)


@story
def keycloak_vouches_for_opaque_tokens(world, _):
    keycloak = running(world)
    gateway = opaque(world, keycloak)
    token = keycloak.token()
    assert asks(gateway, token) == GOOD
    assert asks(gateway, token[:-6] + "AAAAAA") == BAD, "damaged"
    assert asks(gateway, "opaque") == BAD
    assert asks(gateway, keycloak.token("pets-light")) == GOOD, "a lightweight token"
    assert asks(gateway, keycloak.ask(keycloak.url + "/realms/master/protocol/openid-connect/token", grant_type="password",
                                      client_id="admin-cli", username="admin", password="admin")["access_token"]) == BAD, "of another realm"
    # It looks like a JWT, and what stands in it counts for nothing.
    header, body, _ = token.split(".")
    assert asks(gateway, f"{header}.{body}.") == BAD
    assert asks(gateway, token, "/pets/pet/1") == (403, 900910)
    assert asks(gateway, keycloak.token(grant_type="client_credentials", scope="pets:write"), "/pets/pet/1") == GOOD
    return gateway


@story
def what_keycloak_ends_is_refused_as_soon_as_nobody_remembers_better(world, _):
    keycloak = running(world)
    gateway = opaque(world, keycloak)
    token = keycloak.token()
    assert asks(gateway, token) == GOOD
    keycloak.say("revoke", token=token)
    soon("a revoked token is refused", gateway, token, BAD)

    alice = keycloak.tokens(grant_type="password", username="alice", password="wonder")
    assert asks(gateway, alice["access_token"]) == GOOD
    keycloak.say("logout", refresh_token=alice["refresh_token"])
    soon("a token of a session that is over is refused", gateway, alice["access_token"], BAD)

    token = keycloak.token("pets-light")
    assert asks(gateway, token) == GOOD
    keycloak.client("pets-light", enabled=False)
    soon("a token of a disabled client is refused", gateway, token, BAD)
    keycloak.client("pets-light", enabled=True)
    soon("and accepted when the client is back", gateway, token, GOOD)
    return gateway


@story
def keycloak_refuses_a_gateway_that_it_does_not_know(world, _):
    keycloak = running(world)
    gateway = opaque(world, keycloak)
    know_the_gateway(gateway, "of somebody else")
    wait("the credentials to count", lambda: asks(gateway, keycloak.token()) == (500, 900900), 10)
    said = gateway.err_path.read_text()
    assert "status 401, it refuses the gateway's own credentials" in said, said[-1000:]
    assert "of somebody else" not in said
    know_the_gateway(gateway, SECRET["pets-gateway"])
    wait("the right ones", lambda: asks(gateway, keycloak.token()) == GOOD, 10)
    return gateway


def keys_taken(gateway):
    return gateway.err_path.read_text().count(" taken")


@story
def keycloak_publishes_keys_and_rotates_them_without_a_refused_request(world, _):
    keycloak = running(world)
    keycloak.add_key("rsa-generated", 200)
    keycloak.add_key("ecdsa-generated", 200, ecdsaEllipticCurveKey="P-256")
    gateway = world.gateway(compile_documents(
        world, {"pets.yaml": document("Pets", "/pets", "paths: {/pet: {get: {}}}")},
        securities=[{"name": "default-security-jwt", "type": "JWT", "issuers": [
            {"issuer": keycloak.realm, "jwksUrl": keycloak.realm + "/protocol/openid-connect/certs"}]}]), GATEWAY_WORKERS="1",
        GATEWAY_LOG_LEVEL="notice").start()
    first = keycloak.token()
    assert asks(gateway, first) == GOOD, "RS256"
    keycloak.client("pets-light", attributes={"access.token.signed.response.alg": "ES256"})
    es256 = keycloak.token("pets-light")
    assert json.loads(base64.urlsafe_b64decode(es256.split(".")[0] + "=="))["alg"] == "ES256"
    assert asks(gateway, es256) == GOOD

    stopping, refused, done = threading.Event(), [], [0]

    def use_new_tokens():
        while not stopping.is_set():
            outcome = asks(gateway, keycloak.token())
            done[0] += 1
            if outcome != GOOD:
                refused.append(outcome)
    thread = threading.Thread(target=use_new_tokens)
    thread.start()
    try:
        # A key that is published before it signs is known everywhere when it does.
        keycloak.add_key("rsa-generated", 300, active="false")
        header = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"unheard-of"}').decode().rstrip("=")
        unknown = f"{header}.{first.split('.')[1]}.{first.split('.')[2]}"
        taken = keys_taken(gateway)
        wait("a look at the keys, since a token named one that is not known",
             lambda: asks(gateway, unknown) == BAD and keys_taken(gateway) > taken, 20)
        keycloak.change_key("rsa-generated-300", active="true")
        wait("tokens by the new key", lambda: keycloak.token().split(".")[0] != first.split(".")[0], 20)
        signed = done[0]
        wait("requests with them", lambda: done[0] > signed + 10, 20)
        assert asks(gateway, first) == GOOD, "tokens by the old key last as long as it is published"
    finally:
        stopping.set()
        thread.join()
    assert not refused and done[0] > 20, (refused, done)

    keycloak.change_key("rsa-generated-200", enabled="false")
    wait("the old key to end", lambda: asks(gateway, unknown) == BAD and asks(gateway, first) == BAD, 30)
    assert asks(gateway, keycloak.token()) == GOOD
    return gateway
