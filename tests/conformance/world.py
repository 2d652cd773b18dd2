"""Keys, tokens, certificates and a running gateway: what the conformance tests stand on."""
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import algorithms

HERE = Path(__file__).resolve().parent
NOW = int(time.time())
CLAIMS = {"iss": "https://issuer.test/token", "aud": "http://gateway.test", "sub": "admin@carbon.super", "exp": NOW + 3600,
          "keytype": "PRODUCTION", "scope": "am_application_scope default", "application": {"id": 3, "name": "app", "tier": "Unlimited"}}


def wait(what, done, seconds=30.0):
    end = time.monotonic() + seconds
    while not (value := done()):
        if time.monotonic() > end:
            raise AssertionError(f"timed out waiting for {what}")
        time.sleep(0.01)
    return value


@contextlib.contextmanager
def running(*servers):
    """They are stopped whatever becomes of the story."""
    try:
        yield servers[0] if len(servers) == 1 else servers
    finally:
        for server in servers:
            server.stop()


class Ports:
    """Who gets a port may bind it only later, or never: so a lane has a range of its own, and gives none of it twice. The kernel takes
    ports of outgoing connections from above all of them, other tests theirs too."""
    FIRST, EACH = 10000, 1600

    def __init__(self):
        self.of_lane(0)

    def of_lane(self, lane):
        since = random.randrange(self.EACH)
        self.left = [self.FIRST + lane * self.EACH + (since + i) % self.EACH for i in range(self.EACH)]

    def take(self):
        while True:
            port = self.left.pop()
            with socket.socket() as s, contextlib.suppress(OSError):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
                return port


ports = Ports()


def free_port():
    return ports.take()


def openssl(*args, data=None):
    return subprocess.run(["openssl", *map(str, args)], input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    """{token}, {token:expired}, …: each made once, signed with a key of this run."""

    def __init__(self, folder):
        self.key = folder / "token.key"
        self.made = {}
        openssl("genrsa", "-out", self.key, "2048")
        openssl("genrsa", "-out", folder / "other.key", "2048")
        self.other = folder / "other.key"
        self.pem = openssl("pkey", "-in", self.key, "-pubout").decode()
        self.kinds = algorithms.make_keys(folder)

    def sign(self, claims, header=None, key=None, payload=None):
        head = base64url(json.dumps(header or {"alg": "RS256", "typ": "JWT"}).encode())
        text = f"{head}.{base64url(payload or json.dumps(claims).encode())}"
        return f"{text}.{base64url(openssl('dgst', '-sha256', '-sign', key or self.key, data=text.encode()))}"

    def variants(self):
        c = CLAIMS
        without = {k: v for k, v in c.items() if k != "exp"}
        return {
            "": lambda: self.sign(c),
            "second": lambda: self.sign({**c, "jti": "2"}),
            "expired": lambda: self.sign({**c, "exp": NOW - 100}),
            "just-expired": lambda: self.sign({**c, "exp": int(time.time()) - 10}),
            "no-exp": lambda: self.sign(without),
            "exp-text": lambda: self.sign({**c, "exp": str(NOW + 3600)}),
            "exp-float": lambda: self.sign({**c, "exp": NOW + 3600.5}),
            "exp-true": lambda: self.sign({**c, "exp": True}),
            "not-yet": lambda: self.sign({**c, "nbf": NOW + 1000}),
            "wrong-issuer": lambda: self.sign({**c, "iss": "https://issuer.test/token/"}),
            "wrong-audience": lambda: self.sign({**c, "aud": "http://other.test"}),
            "audience-list": lambda: self.sign({**c, "aud": ["http://other.test", "http://gateway.test"]}),
            "escaped": lambda: self.sign(None, payload=json.dumps(c).replace("/", "\\/").encode()),
            "duplicate": lambda: self.sign(None, payload=json.dumps(c)[:-1].encode() + b', "iss": "https://issuer.test/token"}'),
            "trailing": lambda: self.sign(None, payload=json.dumps(c).encode() + b" x"),
            "sandbox": lambda: self.sign({**c, "keytype": "SANDBOX"}),
            "writer": lambda: self.sign({**c, "scope": "read write"}),
            "almost-writer": lambda: self.sign({**c, "scope": "writer rewrite"}),
            "owner": lambda: self.sign({**c, "scope": "owner"}),
            "none": lambda: f"{base64url(json.dumps({'alg': 'none'}).encode())}.{base64url(json.dumps(c).encode())}.",
            "hs256": lambda: self.hmac(c),
            "rs512-header": lambda: self.sign(c, header={"alg": "RS512", "typ": "JWT"}),
            "other-key": lambda: self.sign(c, key=self.other),
            "damaged": lambda: self.sign(c)[:-6] + "AAAAAA",
            "two-parts": lambda: self.sign(c).rsplit(".", 1)[0],
            "long": lambda: self.sign({**c, "filler": "x" * 11000}),
            **{name: lambda a=a, k=k, n=n: algorithms.sign(self.kinds[k] or self.key, a, {**c, "jti": name}, n)
               for name, (a, k, n) in algorithms.VARIANTS.items()},
            "hostile-names": lambda: self.sign({**c, "application": {"name": "a\"b\\c\u0001\u00e9\nd"}}),
        }

    def hmac(self, claims):
        text = f"{base64url(json.dumps({'alg': 'HS256'}).encode())}.{base64url(json.dumps(claims).encode())}"
        mac = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", "key:" + self.pem, "-binary", data=text.encode())
        return f"{text}.{base64url(mac)}"

    def get(self, name):
        if name not in self.made:
            self.made[name] = self.variants()[name]()
        return self.made[name]


def make_certificates(folder):
    """A CA that the gateway trusts, a server for tls.test, and one that nobody vouches for."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test CA", "-days", "2", "-keyout", folder / "ca.key",
            "-out", folder / "ca.crt")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tls.test", "-keyout", folder / "server.key", "-out", folder / "server.csr")
    (folder / "server.ext").write_text("subjectAltName=DNS:tls.test\n")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder / "server.ext", "-out", folder / "server.crt")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tls.test", "-addext", "subjectAltName=DNS:tls.test", "-days", "2",
            "-keyout", folder / "untrusted.key", "-out", folder / "untrusted.crt")
    trust = folder / "trust"
    trust.mkdir()
    (trust / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def users(*entries):
    """What security-svc makes of a Security of type basic: (name, password or hash) or (name, …, scopes)."""
    def entry(name, password, scopes=None):
        hashed = password if password.startswith("@") else "@sha256:{%s}" % hashlib.sha256(password.encode()).hexdigest()
        return {"username": name, "password": hashed} | ({"scopes": scopes} if scopes else {})
    return json.dumps({"type": "basic", "entries": [entry(*e) for e in entries]})


def key_manager(*keys, password="gateway:secret"):
    return json.dumps({"type": "oauth", "entries": [{"endpoint": "ignored", "username": "gateway", "password": password,
                       "keys": [{"id": "1", "pem": pem, "notBefore": 0, "notAfter": 0} for pem in keys]}]})


MAC_KEY = "5e" * 32


def api_keys(validate, mac_key=MAC_KEY, issuer="https://localhost:9095/apikey"):
    user = json.loads(users(("keeper", "of keys")))["entries"][0]
    return json.dumps({"type": "apikey", "entries": [{"issuer": issuer, "alias": "ignored", "validateAllowedAPIs": validate, "key": mac_key} | user]})


def api_key(key=MAC_KEY, alg="HS256", **claims):
    """{key}, {key:expired}, …: as the gateway makes them."""
    body = {"iss": "https://localhost:9095/apikey", "sub": "keeper", "jti": "1", "iat": NOW, "keytype": "PRODUCTION"} | claims
    text = f"{base64url(json.dumps({'alg': alg, 'typ': 'JWT'}).encode())}.{base64url(json.dumps(body).encode())}"
    return f"{text}.{base64url(hmac.digest(bytes.fromhex(key), text.encode(), 'sha256'))}"


API_KEYS = {
    "": lambda: api_key(), "expired": lambda: api_key(exp=NOW - 100), "other-key": lambda: api_key("00" * 32),
    "other-issuer": lambda: api_key(iss="https://other/apikey"), "exp-text": lambda: api_key(exp="soon"),
    "allowed": lambda: api_key(allowedAPIs=[{"name": "Users", "version": "1"}]),
    "any-version": lambda: api_key(allowedAPIs=[{"name": "Users", "version": "*"}]),
    "other-api": lambda: api_key(allowedAPIs=[{"name": "Other", "version": "1"}]),
}

CREDENTIALS = {
    "keys": api_keys(False), "strict-keys": api_keys(True),
    "users": users(("admin", "admin"), ("writer", "p:w", "read,write"),
                   ("old", "@sha512:{%s}" % hashlib.sha512(b"older").hexdigest())),
    "more-users": users(("other", "0ther")),
} | {name: key_manager() for name in ("km", "pinned", "untrusted", "wrong-name", "plain", "refused", "soap", "soap-untrusted", "soap-refused")}


def credentials_of(folder):
    """By the name of the Security: what a gateway of the suite's contract has mounted."""
    pinned = openssl("x509", "-in", folder / "untrusted.crt", "-noout", "-pubkey").decode()
    return CREDENTIALS | {name: key_manager(pinned) for name in ("pinned", "soap-pinned")}


def says_healthy(address, port):
    try:
        with socket.create_connection((address, port), 1) as s:
            s.settimeout(2)
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"healthy" in s.makefile("rb").read()
    except OSError:
        return False


class Gateway:
    """The launcher, with nginx and the module, on ports of its own."""
    count = 0
    address = "127.0.0.1"

    def __init__(self, build, folder, contract, **environment):
        Gateway.count += 1
        self.folder = folder / f"gateway{Gateway.count}"
        self.folder.mkdir()
        self.http, self.https, self.metrics, self.tokens = free_port(), free_port(), free_port(), free_port()
        self.address = environment.get("GATEWAY_BIND", "127.0.0.1")
        self.contract = self.folder / "contract.json"
        self.contract.write_text(contract)
        self.log_path, self.err_path = self.folder / "log", self.folder / "err"
        self.credentials = self.folder / "credentials"
        self.credentials.mkdir()
        for name, text in credentials_of(folder).items():
            self.write_credentials(name, text)
        self.environment = {
            "PATH": os.environ["PATH"], "GATEWAY_CONTRACT": str(self.contract), "GATEWAY_RUN_DIR": str(self.folder / "run"),
            "GATEWAY_NGINX": os.environ.get("GATEWAY_NGINX", "/usr/sbin/nginx"),
            "GATEWAY_MODULE": str(build / "gateway/ngx_http_apim_module.so"), "GATEWAY_TLS_DIR": str(self.folder / "tls"),
            "GATEWAY_TRUST_DIR": str(folder / "trust"), "GATEWAY_CREDENTIALS_DIR": str(self.credentials),
            "GATEWAY_CA_BUNDLE": "/nonexistent", "GATEWAY_WORKERS": "2",
            "GATEWAY_RESOLV_CONF": str(folder / "resolv.conf"), "GATEWAY_HOSTS": str(folder / "hosts"), "GATEWAY_PRE_STOP_SECONDS": "1",
            "GATEWAY_DRAIN_SECONDS": "5", "GATEWAY_BIND": "127.0.0.1", "GATEWAY_HTTP_PORT": str(self.http),
            "GATEWAY_HTTPS_PORT": str(self.https), "GATEWAY_METRICS_PORT": str(self.metrics), "GATEWAY_TOKEN_PORT": str(self.tokens), **environment}
        if "san-" in build.name:
            runtime = [os.path.realpath(subprocess.run(["gcc", f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout.strip())
                       for name in ("libasan.so", "libstdc++.so", "libre2.so")]
            # The module is loaded later and unloaded before the end: its exceptions, and what its library never frees, would be missed.
            self.environment |= {"LD_PRELOAD": " ".join(runtime), "UBSAN_OPTIONS": "print_stacktrace=1",
                                 "ASAN_OPTIONS": f"log_path={self.folder}/asan:detect_leaks=1",
                                 "LSAN_OPTIONS": f"suppressions={HERE}/lsan.supp:print_suppressions=0"}
        self.binary = build / "bin/gateway"
        self.process = None

    def write_credentials(self, name, text):
        """As Kubernetes does it: the new file takes the old one's place."""
        fresh = self.credentials / f".{name}"
        fresh.write_text(text)
        fresh.rename(self.credentials / f"{name}.json")

    def lacks(self, _steps):
        return None

    def client(self):
        return "127.0.0.1"

    def start(self):
        with open(self.log_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen([self.binary], env=self.environment, stdout=out, stderr=err)
        wait("the gateway's health", self.is_healthy, 60)
        return self

    def run(self, *args):
        return subprocess.run([self.binary, *args], env=self.environment, capture_output=True, text=True, check=False)

    def is_healthy(self):
        if self.process.poll() is not None:
            raise AssertionError("the gateway ended: " + self.err_path.read_text())
        return says_healthy(self.address, self.http)

    def workers(self):
        """Process ids, of those that are ending too."""
        master = (self.folder / "run/nginx.pid").read_text().strip()
        return set(subprocess.run(["pgrep", "-P", master], capture_output=True, text=True, check=False).stdout.split())

    def stop(self, number=signal.SIGQUIT, seconds=15):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(seconds)
        return self.process.returncode

    def kill(self):
        """Whatever became of the test: launcher and nginx end."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def log(self):
        return [json.loads(line) for line in self.log_path.read_bytes().split(b"\n") if line]

    def logged(self, path, n=1):
        return wait(f"a log line for {path}", lambda: (found := [l for l in self.log() if l["path"] == path]) and len(found) >= n and found)

    def metric(self, pattern):
        with socket.create_connection((self.address, self.metrics), 2) as s:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = s.makefile("rb").read().decode()
        return sum(int(m) for m in re.findall(r"^" + pattern + r"(?:\{[^\n]*\})? (\d+)$", text, re.M))

    def findings(self):
        """What sanitizers and nginx itself complained about."""
        found = [p.read_text() for p in self.folder.glob("asan.*")]
        said = re.findall(r"^.*\[(?:alert|crit|emerg)\].*$|^.*runtime error.*$", self.err_path.read_text(errors="replace"), re.M)
        return found + [line for line in said if "SSL_do_handshake() failed" not in line]


def get(gateway, path, token=None, connection=None, headers=None):
    """Status and body; over one connection when it is given."""
    c = connection or http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    c.request("GET", path, headers=(headers or {}) | ({"Authorization": "Bearer " + token} if token else {}))
    r = c.getresponse()
    return r.status, r.read()


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
