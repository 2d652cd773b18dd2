"""Stories of listeners, their keys, and of clients' certificates."""
import shutil
import signal
import socket
import ssl
import struct
import subprocess
from pathlib import Path

from compiled import compile_documents, curl, document
from world import Load, openssl, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


def make_clients(folder):
    """A CA for clients, one it vouches for, one it vouched for long ago, one of nobody's; returns the gateway's directory."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clients", "-days", "2", "-keyout", folder / "clients-ca.key",
            "-out", folder / "clients-ca.crt")
    for name in ("known", "expired"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "clients-ca.crt", "-CAkey", folder / "clients-ca.key",
                "-CAcreateserial", "-days", "-1" if name == "expired" else "2", "-out", folder / f"{name}.crt")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=known", "-days", "2", "-keyout", folder / "stranger.key",
            "-out", folder / "stranger.crt")
    trust = folder / "clients"
    trust.mkdir()
    (trust / "ca.crt").write_bytes((folder / "clients-ca.crt").read_bytes())
    return trust


def shows(world, name):
    return "--cert", world.folder / f"{name}.crt", "--key", world.folder / f"{name}.key"


PATHS = "paths: {/secured: {get: {}}, /open: {get: {x-wso2-disable-security: true}}}"


@story
def an_api_is_served_on_its_listeners_only(world, _):
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/tls", "x-wso2-transports: [https]\n" + PATHS),
        "b.yaml": document("B", "/plain", "x-wso2-transports: [http]\n" + PATHS),
        "c.yaml": document("C", "/both", "x-wso2-transports: [http, https]\n" + PATHS)})).start()
    token = world.tokens.get("")
    assert curl(gateway, "/tls/secured", token=token) == (200, None)
    assert curl(gateway, "/tls/secured", token=token, scheme="http") == (404, None)
    assert curl(gateway, "/plain/secured", token=token) == (404, None)
    assert curl(gateway, "/plain/secured", token=token, scheme="http") == (200, None)
    for scheme in ("http", "https"):
        assert curl(gateway, "/both/open", scheme=scheme) == (200, None)
    return gateway


@story
def a_mandatory_client_certificate_is_asked_of_everybody(world, _):
    trust = make_clients(world.folder)
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/mandatory", "x-wso2-mutual-ssl: mandatory\n" + PATHS),
        "b.yaml": document("B", "/optional", "x-wso2-mutual-ssl: optional\n" + PATHS),
        "c.yaml": document("C", "/none", PATHS)}), GATEWAY_CLIENT_TRUST_DIR=str(trust)).start()
    token = world.tokens.get("")
    for path in ("/mandatory/secured", "/mandatory/open"):
        assert curl(gateway, path, token=token) == (401, 900901)
        assert curl(gateway, path, token=token, scheme="http") == (401, 900901)
        assert curl(gateway, path, *shows(world, "stranger"), token=token) == (401, 900901)
        assert curl(gateway, path, *shows(world, "expired"), token=token) == (401, 900901)
        assert curl(gateway, path, *shows(world, "known"), token=token) == (200, None)
        assert curl(gateway, path, *shows(world, "known"), "--http2", token=token) == (200, None)
        assert curl(gateway, path, *shows(world, "stranger"), "--http2", token=token) == (401, 900901)
    # A certificate is no token.
    assert curl(gateway, "/mandatory/secured", *shows(world, "known")) == (401, 900902)
    assert curl(gateway, "/mandatory/secured", *shows(world, "known"), token=world.tokens.get("expired")) == (401, 900901)
    for api in ("/optional", "/none"):
        assert curl(gateway, api + "/secured", token=token) == (200, None)
        assert curl(gateway, api + "/secured", *shows(world, "known"), token=token) == (200, None)
        assert curl(gateway, api + "/secured", *shows(world, "stranger"), token=token) == (200, None)
    return gateway


@story
def without_certificates_to_trust_nobody_is_known(world, _):
    gateway = world.gateway(compile_documents(world, {"a.yaml": document("A", "/mandatory", "x-wso2-mutual-ssl: mandatory\n" + PATHS)}),
                            GATEWAY_CLIENT_TRUST_DIR="/nonexistent").start()
    assert curl(gateway, "/mandatory/open", *shows(world, "known")) == (401, 900901)
    return gateway


@story
def a_client_certificate_may_be_enough(world, _):
    paths = "paths: {/either: {get: {}}, /both: {get: {x-wso2-application-security: {optional: false}}}}"
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/a", "x-wso2-mutual-ssl: mandatory\nx-wso2-application-security: {optional: true}\n" + paths)}),
        GATEWAY_CLIENT_TRUST_DIR=str(world.folder / "clients")).start()
    known = shows(world, "known")
    assert curl(gateway, "/a/either", *known) == (200, None)
    assert curl(gateway, "/a/either", *known, token=world.tokens.get("")) == (200, None)
    assert curl(gateway, "/a/either", *known, token=world.tokens.get("expired")) == (401, 900901)
    assert curl(gateway, "/a/either", token=world.tokens.get("")) == (401, 900901)
    assert curl(gateway, "/a/either") == (401, 900901)
    assert curl(gateway, "/a/both", *known) == (401, 900902)
    assert curl(gateway, "/a/both", *known, token=world.tokens.get("")) == (200, None)
    return gateway


def renew(folder, name):
    """A key and certificate of that name, in the place of what is there, as Kubernetes does it: by a link to a folder."""
    fresh = folder / f"..{name}"
    fresh.mkdir(parents=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2",
            "-keyout", fresh / "tls.key", "-out", fresh / "tls.crt")
    link = folder / "..data_tmp"
    link.symlink_to(fresh.name)
    link.rename(folder / "..data")
    for file in ("tls.key", "tls.crt"):
        if not (folder / file).is_symlink():
            (folder / file).symlink_to(f"..data/{file}")
    return (fresh / "tls.crt").read_text().split()


@story
def a_renewed_key_is_used_within_seconds_and_without_a_failure(world, _):
    folder = world.folder / "renewed"
    first = renew(folder, "first")
    gateway = world.gateway(GATEWAY_TLS_DIR=str(folder)).start()
    shown = lambda: ssl.get_server_certificate(("127.0.0.1", gateway.https)).split()
    assert shown() == first
    with Load(gateway, "/store/v1.0.0/files/load", 4) as load:
        second = renew(folder, "second")
        wait("the new certificate", lambda: shown() == second)
        third = renew(folder, "third")
        wait("the one after it", lambda: shown() == third)
        broken = folder / "..data" / "tls.crt"
        broken.write_text("none")
        wait("nginx' refusal", lambda: "tls.crt" in gateway.err_path.read_text())
        assert shown() == third
    assert not load.failures, load.failures[:3]
    assert load.done > 100
    gateway.err_path.write_text("")  # the refusal was wanted
    return gateway


class Http2:
    """A connection that asks for one thing after the other, in frames of our own making: what a client library would hide is seen."""

    def __init__(self, gateway, path):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.https), 10))
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))
        self.path, self.stream, self.goaway, self.done = path.encode(), -1, None, False

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise AssertionError(f"the connection ended, stream {self.stream}, answered: {self.done}, goaway: {self.goaway}")
            data += more
        return data

    def last_frames(self):
        """What comes until the end: kinds, and what a GOAWAY says was handled last; acknowledged settings do not count."""
        seen = []
        while head := self.socket.recv(9):
            payload = self.read(int.from_bytes(head[:3], "big"))
            seen.append((head[3], int.from_bytes(payload[:4], "big") if head[3] == 7 else None))
        return [frame for frame in seen if frame[0] != 4]

    def get(self, until_goaway=False):
        """True when an answer came, and with it that there will be no other one."""
        self.stream += 2
        header = b"\x82\x87\x04" + bytes((len(self.path),)) + self.path + b"\x01\x09localhost"
        self.socket.sendall(self.frame(1, 5, self.stream, header))
        self.done = False
        while not self.done or (until_goaway and self.goaway is None):
            head = self.read(9)
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = self.read(length)
            if kind == 7:
                self.goaway = int.from_bytes(payload[:4], "big")
            self.done = self.done or (kind in (0, 1) and flags & 1 and int.from_bytes(head[5:], "big") == self.stream)
        return True


def is_ending(pid):
    """nginx says in a process's title what it is at."""
    try:
        return "shutting down" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return True


@story
def an_idle_http2_connection_outlives_a_reload_by_a_request(world, _):
    gateway = world.gateway().start()
    asked = Http2(gateway, "/store/v1.0.0/files/a")
    assert asked.get()
    workers = gateway.workers()
    gateway.process.send_signal(signal.SIGHUP)
    wait("the old workers know", lambda: all(map(is_ending, workers)))
    assert asked.get(until_goaway=True) and asked.goaway == asked.stream, asked.goaway
    wait("the old workers' end", lambda: not workers & gateway.workers())
    return gateway


@story
def a_spared_http2_connection_without_a_request_is_told_of_its_end(world, _):
    gateway = world.gateway(GATEWAY_DRAIN_SECONDS="20").start()
    silent = Http2(gateway, "/store/v1.0.0/files/a")
    assert silent.get()
    workers = gateway.workers()
    gateway.process.send_signal(signal.SIGHUP)
    seen = silent.last_frames()
    assert seen == [(7, silent.stream)], seen
    silent.socket.close()
    wait("the old workers' end", lambda: not workers & gateway.workers())
    return gateway


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
