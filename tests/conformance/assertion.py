"""Stories of what a gateway itself tells backends about who calls."""
import base64
import json
import time

from compiled import compile_documents, document
from hooks import ask, seen
from world import CLAIMS, NOW, openssl, wait

STORIES = []
PATHS = ("paths: {/files/a: {get: {}}, /files/open: {get: {x-wso2-disable-security: true}}, "
         "/files/sandbox: {get: {x-wso2-sandbox-endpoints: {urls: ['http://127.0.0.1:@BACKEND@']}}}}")


def story(function):
    STORIES.append(function)
    return function


def telling(world, seconds=600):
    contract = json.loads(compile_documents(world, {"a.yaml": document("Store", "/store", PATHS)}, removeAuthHeader=True))
    contract["backendJwt"] = {"issuer": "https://gateway.test", "audience": ["https://backend.test"], "dialect": "http://wso2.org/claims",
                              "restricted": ["filler"], "seconds": seconds}
    return world.gateway(json.dumps(contract))


def give_key(gateway, name):
    """The key, which takes the other one's place as Kubernetes does it; its public half."""
    key = gateway.folder / name
    openssl("genrsa", "-out", key, "2048")
    fresh = gateway.credentials / ".backend-jwt"
    fresh.write_bytes(key.read_bytes())
    fresh.rename(gateway.credentials / "backend-jwt.key")
    public = gateway.folder / f"{name}.pub"
    public.write_bytes(openssl("pkey", "-in", key, "-pubout"))
    return public


def told(gateway, path, token=None, **headers):
    """The header that the backend got; None without one."""
    if token:
        headers["Authorization"] = "Bearer " + token
    got, _ = seen(ask(gateway, path, **headers))
    values = got.get("x-jwt-assertion")
    assert not values or len(values) == 1, values
    return values[0] if values else None


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def is_signed(gateway, token, public):
    text, signature = token.rsplit(".", 1)
    (gateway.folder / "signature").write_bytes(decode(signature))
    try:
        return b"Verified OK" in openssl("dgst", "-sha256", "-verify", public, "-signature", gateway.folder / "signature", data=text.encode())
    except Exception:  # pylint: disable=broad-except
        return False


@story
def a_backend_is_told_who_calls_by_a_token_of_the_gateways_own(world, _):
    gateway = telling(world)
    public = give_key(gateway, "one")
    gateway.start()
    token = world.tokens.get("")
    said = told(gateway, "/store/files/a", token, X_JWT_Assertion="forged")
    assert is_signed(gateway, said, public), said
    head, claims = (json.loads(decode(p)) for p in said.split(".")[:2])
    assert head["alg"] == "RS256" and len(head["kid"]) == 64, head
    assert claims["iss"] == "https://gateway.test" and claims["aud"] == "https://backend.test" and claims["sub"] == CLAIMS["sub"], claims
    assert abs(claims["iat"] - time.time()) < 60 and claims["exp"] - claims["iat"] == 600, claims
    dialect = {k.removeprefix("http://wso2.org/claims/"): v for k, v in claims.items() if k.startswith("http://wso2.org/claims/")}
    assert dialect == {"enduser": CLAIMS["sub"], "applicationid": "3", "applicationname": "app", "applicationtier": "Unlimited",
                       "apiname": "Store", "apicontext": "/store", "version": "v1", "keytype": "PRODUCTION",
                       "usertype": "Application_User"}, dialect
    assert claims["scope"] == CLAIMS["scope"] and "application" not in claims, claims
    assert token.rsplit(".", 1)[1] not in said and "Authorization" not in json.dumps(claims)
    sandbox = told(gateway, "/store/files/sandbox", world.tokens.get("sandbox"))
    assert json.loads(decode(sandbox.split(".")[1]))["http://wso2.org/claims/keytype"] == "SANDBOX"
    assert "filler" not in json.loads(decode(told(gateway, "/store/files/a", world.tokens.get("long")).split(".")[1]))
    assert told(gateway, "/store/files/open", X_JWT_Assertion="forged") is None
    assert ask(gateway, "/store/files/a").status == 401
    return gateway


@story
def what_a_token_brings_for_the_backend_goes_before_the_gateways_own(world, _):
    gateway = telling(world)
    give_key(gateway, "one")
    gateway.start()
    assert told(gateway, "/store/files/a", world.tokens.sign({**CLAIMS, "exp": NOW + 3600, "backendJwt": "brought.along"})) == "brought.along"
    return gateway


@story
def without_its_key_a_gateway_passes_nothing_on_and_another_key_counts_within_seconds(world, _):
    gateway = telling(world)
    gateway.environment["GATEWAY_WORKERS"] = "1"
    gateway.start()
    token = world.tokens.get("")
    before = world.backend.requests
    answer = ask(gateway, "/store/files/a", Authorization="Bearer " + token)
    assert answer.status == 500 and b"900900" in answer.body, answer.body
    assert world.backend.requests == before, "the backend was asked"
    assert gateway.logged("/store/files/a")[0]["reason"] == "no key for backend JWTs"
    assert seen(ask(gateway, "/store/files/open"))
    first = give_key(gateway, "one")
    wait("the key", lambda: ask(gateway, "/store/files/a", Authorization="Bearer " + token).status == 200, 5)
    said = told(gateway, "/store/files/a", token)
    assert is_signed(gateway, said, first) and told(gateway, "/store/files/a", token) == said, "it was made twice"
    (gateway.credentials / "backend-jwt.key").write_text("broken")
    wait("the complaint", lambda: "expected a private key in PEM" in gateway.err_path.read_text(), 5)
    assert told(gateway, "/store/files/a", token) == said
    second = give_key(gateway, "two")
    wait("the other key", lambda: is_signed(gateway, told(gateway, "/store/files/a", token), second), 5)
    return gateway
