"""What callers of the benchmarks carry: one header line for each of TOKENS callers, and what the gateway has to know about them."""
import base64
import hashlib
import hmac
import json
import subprocess

ISSUER = "https://bench.example/oauth2/token"
TOKENS = 1000
MAC_KEY = "5e" * 32
KEY_ISSUER = "https://localhost:9095/apikey"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def make_tokens(work):
    """A key and tokens signed with it: RS256, about the size of the article's."""
    file = work / "callers"
    key = work / "key.pem"
    if file.exists() and len(file.read_text().splitlines()) == TOKENS:
        return file
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, stderr=subprocess.DEVNULL)
    lines = []
    for i in range(TOKENS):
        head = {"typ": "JWT", "alg": "RS256", "x5t": "ZjRmYTMwNTJjOWU5MmIzMjgzNDI3Y2IyMmIyY2EzMjdhZjViMjc0Zg=="}
        claims = {
            "iss": ISSUER, "aud": "http://org.wso2.apimgt/gateway", "sub": f"user-{i}@carbon.super", "keytype": "PRODUCTION",
            "scope": "am_application_scope default", "iat": 1572256179, "exp": 3719739826, "jti": f"bench-{i}",
            "application": {"owner": "admin", "tier": "bench", "name": f"application-{i}", "id": i, "uuid": None},
            "subscribedAPIs": [{"name": "Bench", "version": "v1", "context": "/bench/v1", "publisher": "admin",
                                "subscriptionTier": "bench", "subscriberTenantDomain": "carbon.super"}],
        }
        text = b".".join(base64url(json.dumps(x, separators=(",", ":")).encode()) for x in (head, claims))
        sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, capture_output=True, check=True)
        lines.append("Authorization: Bearer " + (text + b"." + base64url(sign.stdout)).decode())
    file.write_text("\n".join(lines) + "\n")
    return file


def api_key(i):
    text = b".".join(base64url(json.dumps(x).encode()) for x in (
        {"alg": "HS256", "typ": "JWT"}, {"iss": KEY_ISSUER, "sub": "keeper", "jti": f"bench-{i}", "iat": 1572256179, "keytype": "PRODUCTION"}))
    return (text + b"." + base64url(hmac.digest(bytes.fromhex(MAC_KEY), text, "sha256"))).decode()


def hashed(password):
    return "@sha256:{%s}" % hashlib.sha256(password.encode()).hexdigest()


def basic():
    lines = ["Authorization: Basic " + base64.b64encode(f"user-{i}:password-{i}".encode()).decode() for i in range(TOKENS)]
    entries = [{"username": f"user-{i}", "password": hashed(f"password-{i}"), "scopes": "default"} for i in range(TOKENS)]
    return lines, {"type": "basic", "entries": entries}


def api_keys():
    keeper = {"username": "keeper", "password": hashed("of keys")}
    return [f"apikey: {api_key(i)}" for i in range(TOKENS)], {"type": "apikey", "entries": [
        {"issuer": KEY_ISSUER, "alias": "bench", "validateAllowedAPIs": False, "key": MAC_KEY} | keeper]}


def opaque():
    lines = [f"Authorization: Bearer {hashlib.md5(str(i).encode()).hexdigest()}" for i in range(TOKENS)]
    return lines, {"type": "oauth", "entries": [{"endpoint": "ignored", "username": "gateway", "password": "secret", "keys": []}]}


# The kinds of a Security: callers' lines and the file that security-svc would make.
KINDS = {"basic": basic, "apikey": api_keys, "oauth": opaque}
