"""Stories of keys that issuers publish at a URL."""
import http.server
import json
import ssl
import threading
import time

import algorithms
from compiled import compile_documents, curl, document
from world import CLAIMS, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


class Issuer:
    """Publishes what it is told to, or nothing."""

    def __init__(self, certificate=None, key=None):
        self.keys, self.status, self.body, self.asked, self.hold = [], 200, None, [], threading.Event()
        self.hold.set()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                issuer.asked.append(self.path)
                issuer.hold.wait(10)
                body = issuer.body if issuer.body is not None else json.dumps({"keys": issuer.keys}).encode()
                try:
                    self.send_response(issuer.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # who asked did not wait

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def token(world, key, algorithm, kid=None, **claims):
    header = {"kid": kid} if kid else {}
    return algorithms.sign(world.tokens.kinds.get(key) or key, algorithm, {**CLAIMS, **claims}, **header)


def started(world, url, **environment):
    contract = compile_documents(world, {"a.yaml": document("A", "/a", "paths: {/x: {get: {}}, /open: {get: {x-wso2-disable-security: true}}}")},
                                 securities=[{"name": "default-security-jwt", "type": "JWT", "issuers": [
                                     {"issuer": CLAIMS["iss"], "audience": CLAIMS["aud"], "jwksUrl": url}]}])
    return world.gateway(contract, **environment).start()


def status(gateway, text):
    return curl(gateway, "/a/x", scheme="http", token=text)[0]


@story
def keys_are_taken_from_a_url_by_their_names(world, _):
    issuer = Issuer()
    issuer.keys = [algorithms.jwk(world.tokens.key, "RSA", kid="rsa", use="sig", alg="RS256")] + [
        algorithms.jwk(world.tokens.kinds[kind], kind, kid=kind) for kind in ("P-256", "P-384", "P-521", "Ed25519")] + [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, algorithms.jwk(world.tokens.other, "RSA", kid="encryption", use="enc")]
    gateway = started(world, f"http://127.0.0.1:{issuer.port}/keys?policy=one")
    assert set(issuer.asked) == {"/keys?policy=one"}, issuer.asked
    for kind, algorithm in (("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA")):
        assert status(gateway, token(world, kind, algorithm, kind)) == 200, kind
        assert status(gateway, token(world, kind, algorithm)) == 200, kind
        assert status(gateway, token(world, kind, algorithm, "rsa")) == 401, kind
    assert status(gateway, token(world, world.tokens.key, "RS256", "rsa")) == 200
    assert status(gateway, token(world, world.tokens.key, "RS512", "rsa")) == 401, "the set says RS256"
    assert status(gateway, token(world, world.tokens.other, "RS256", "encryption")) == 401
    assert status(gateway, token(world, world.tokens.key, "RS256", "rsa", exp=1)) == 401
    issuer.stop()
    return gateway


@story
def a_new_key_is_found_when_a_token_names_it_and_the_old_one_ends(world, _):
    issuer = Issuer()
    issuer.keys = [algorithms.jwk(world.tokens.kinds["P-256"], "P-256", kid="old")]
    gateway = started(world, f"http://127.0.0.1:{issuer.port}/", GATEWAY_WORKERS="1")
    old, new = token(world, "P-256", "ES256", "old"), token(world, "P-384", "ES384", "new")
    assert status(gateway, old) == 200 and status(gateway, new) == 401
    issuer.keys = [algorithms.jwk(world.tokens.kinds["P-384"], "P-384", kid="new")]
    wait("the new key", lambda: status(gateway, new) == 200, 15)
    assert status(gateway, old) == 401, "remembered after its key is gone"
    # Tokens with made-up names make it look again, but not often.
    asked, began = len(issuer.asked), time.monotonic()
    while time.monotonic() - began < 2:
        assert status(gateway, token(world, "P-256", "ES256", "nobody")) == 401
    assert len(issuer.asked) - asked <= 1, issuer.asked[asked:]
    issuer.stop()
    return gateway


@story
def keys_stay_while_their_url_is_away_or_broken(world, _):
    issuer = Issuer()
    issuer.keys = [algorithms.jwk(world.tokens.kinds["P-256"], "P-256", kid="known")]
    gateway = started(world, f"http://127.0.0.1:{issuer.port}/", GATEWAY_WORKERS="1")
    known = token(world, "P-256", "ES256", "known")
    assert status(gateway, known) == 200
    for broken in (b"", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "eA"}]}', b"<html>"):
        issuer.body, asked = broken, len(issuer.asked)

        def looked_again(asked=asked):
            status(gateway, token(world, "P-384", "ES384", "unknown"))
            return len(issuer.asked) > asked
        wait("another look", looked_again, 15)
        assert status(gateway, known) == 200, broken
    issuer.stop()
    assert status(gateway, token(world, "P-256", "ES256", "known", jti="not remembered")) == 200
    return gateway


@story
def a_url_that_never_answers_stops_nobody(world, _):
    issuer = Issuer()
    issuer.hold.clear()
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/a", "paths: {/x: {get: {}}, /open: {get: {x-wso2-disable-security: true}}}")},
        securities=[{"name": "default-security-jwt", "type": "JWT", "issuers": [
            {"issuer": CLAIMS["iss"], "jwksUrl": f"http://127.0.0.1:{issuer.port}/"}]}]))
    gateway.start()  # healthy as soon as one attempt has ended
    began = time.monotonic()
    assert curl(gateway, "/a/open", scheme="http") == (200, None)
    assert status(gateway, token(world, "P-256", "ES256", "x")) == 401
    assert time.monotonic() - began < 1
    issuer.hold.set()
    issuer.stop()
    return gateway


@story
def an_issuer_on_tls_has_to_prove_its_name(world, _):
    good, bad = Issuer(world.folder / "server.crt", world.folder / "server.key"), Issuer(world.folder / "untrusted.crt", world.folder / "untrusted.key")
    for issuer in (good, bad):
        issuer.keys = [algorithms.jwk(world.tokens.kinds["P-256"], "P-256", kid="known")]
    gateway = started(world, f"https://tls.test:{good.port}/keys")
    assert status(gateway, token(world, "P-256", "ES256", "known")) == 200
    for url in (f"https://tls.test:{bad.port}/keys", f"https://wrong-name.test:{good.port}/keys"):
        refused = started(world, url)
        assert status(refused, token(world, "P-256", "ES256", "known")) == 401, url
        refused.stop()
    good.stop()
    bad.stop()
    return gateway


